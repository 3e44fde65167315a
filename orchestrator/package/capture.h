/* The few files of a header tree that say what its kernel is. They are kept beside the tree while it is written, so that what is
 * built can be checked against the kernel's own packages, not against what the builder says.
 *
 * Captures are a tar whose members have the names below, each at most once; a tar without its end marker is not whole. */
#ifndef ORCHESTRATE_PACKAGE_CAPTURE_H
#define ORCHESTRATE_PACKAGE_CAPTURE_H

#include <stddef.h>

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

/* Which capture the member at this path is, CAPTURE_COUNT for none. build_dir as in struct tree_rules; "": the tree has none. */
enum capture capture_of(const char *path, const char *build_dir);
/* By its name in the tar; CAPTURE_COUNT when there is none. */
enum capture capture_find(const char *name);

#endif
