/* What a guest boots into: a cpio archive (newc: Documentation/driver-api/early-userspace/buffer-format.rst) with one program, the
 * objects to be tried, and the list of what to try. */
#ifndef ORCHESTRATE_PROVE_INITRAMFS_H
#define ORCHESTRATE_PROVE_INITRAMFS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/kind.h"

/* All borrowed. The same parts give the same bytes. */
struct initramfs {
	const struct buf *init;		       /* the guest's program, statically linked */
	const struct buf *objects[KIND_COUNT]; /* NULL: not to be tried */
	bool events;			       /* they must report what happens (probe/event.h) */
};

/* Writes it to fd, from where that stands. */
must_check int initramfs_write(const struct initramfs *i, int fd, struct err *e);

#endif
