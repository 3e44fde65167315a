/* The few files of a header tree that say what its kernel is. They are kept beside the tree while it is written, so that what is
 * built can be checked against the kernel's own packages, not against what the builder says.
 *
 * Captures are a tar whose members have the names below, each at most once; a tar without its end marker is not whole. */
#ifndef ORCHESTRATE_PACKAGE_CAPTURE_H
#define ORCHESTRATE_PACKAGE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct sink;

enum capture {
	CAPTURE_SYMVERS,    /* "Module.symvers", of the build directory */
	CAPTURE_CONFIG,	    /* ".config", of the build directory */
	CAPTURE_AUTO_CONF,  /* "auto.conf": include/config/auto.conf of the build directory */
	CAPTURE_UTSRELEASE, /* "utsrelease.h": include/generated/utsrelease.h of the build directory */
	CAPTURE_VERMAGIC,   /* "vermagic.h": include/linux/vermagic.h, wherever it is */
	CAPTURE_BPF,	    /* "bpf.h": include/uapi/linux/bpf.h, wherever it is, but not the copy below tools/ */
	CAPTURE_COUNT,
};

/* All captures of a kernel together, with the tar around them. */
enum { CAPTURES_BYTES_MAX = 64 << 20 };

extern const char *const capture_names[CAPTURE_COUNT];

/* Which capture the member at this path is, CAPTURE_COUNT for none. build_dir as in struct tree_rules; ".": the
 * top, "": the tree has none. */
enum capture capture_of(const char *path, const char *build_dir);
/* By its name in the tar; CAPTURE_COUNT when there is none. */
enum capture capture_find(const char *name);

/* Anonymous memory for captures to be written to; -1. Caller closes. */
must_check int captures_memory(struct err *e);

/* Captures in the making. Of each the first counts. */
struct capture_writer;

/* Onto out (borrowed, must outlive it). */
must_check int capture_writer_new(struct sink *out, struct capture_writer **ret, struct err *e);
void capture_writer_free(struct capture_writer *w);
/* Whether this one is there already. */
bool capture_writer_has(const struct capture_writer *w, enum capture which);
/* Beyond CAPTURES_BYTES_MAX in all: ERR_LIMIT. */
must_check int capture_writer_add(struct capture_writer *w, enum capture which, const void *bytes, size_t len, struct err *e);
/* The end marker, and out is finished. Once. */
must_check int capture_writer_finish(struct capture_writer *w, struct err *e);

DEFINE_CLEANUP(capture_writer, struct capture_writer, capture_writer_free)

#endif
