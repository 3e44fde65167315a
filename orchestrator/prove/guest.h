/* One guest: a kernel booted in the emulator, with limits on time and memory, and what it said. */
#ifndef ORCHESTRATE_PROVE_GUEST_H
#define ORCHESTRATE_PROVE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "prove/console.h"
#include "prove/machine.h"
#include "prove/tap.h"

struct guest {
	const struct machine *machine;
	int kernel_fd, initramfs_fd; /* files that can be opened again by /proc/self/fd (memfd_create will do); the caller's */
	bool kvm;
	unsigned timeout_ms; /* from start to end */
	unsigned wake_ms;    /* until its program must have said its first word; 0: no such limit */
};

enum guest_end {
	GUEST_OFF,     /* it turned itself off, or its kernel died */
	GUEST_HUNG,    /* its time was over */
	GUEST_ASLEEP,  /* wake_ms was over */
	GUEST_REFUSED, /* the emulator ended otherwise; the reason is in `emulator` */
};

struct guest_result {
	enum guest_end end;
	struct tap tap;
	struct console console;
	char emulator[CONSOLE_LINE_MAX]; /* the last line that the emulator itself said */
	uint64_t milliseconds;
};

/* Runs it to its end. It can reach nothing but its serial lines: no disk, no network, in a process without rights of its own
 * (nobody, where we are root) that ends with us. -1: cancelled, or no emulator could be started. */
must_check int guest_run(const struct guest *g, const struct cancel *cancel, struct guest_result *ret, struct err *e);

#endif
