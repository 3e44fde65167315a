/* probe.yaml: what gets built for every kernel. */
#ifndef ORCHESTRATE_DESCRIPTOR_PROBE_H
#define ORCHESTRATE_DESCRIPTOR_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/kind.h"

/* Paths are below the directory of probe.yaml and plain (path_is_plain). */
struct probe_kind {
	bool present;
	char *build;	      /* for sh, in a copy of the sources, with $KERNEL_BUILD, $SRC and $JOBS */
	char *output;	      /* what it leaves, below the copy */
	struct strv sources;  /* files and directories that are copied, and whose content is part of the build key */
	char *minimum_kernel; /* see kernel/floor.h; NULL: none */
};

/* What shows in a booted kernel that the objects are good. */
enum probe_prove {
	PROBE_PROVE_LOAD,   /* that they load and unload, with nothing said in the kernel's log */
	PROBE_PROVE_EVENTS, /* besides, that they report what happens, as probe/event.h has it */
};

struct probe {
	char *name;	    /* [a-z0-9][a-z0-9-]*: outputs are <name>-<kernel>.ko.gz and <name>-ebpf-<kernel>.o.gz */
	char *version_file; /* relative to the directory; may lead out of it with `../` */
	enum probe_prove prove;
	struct probe_kind kinds[KIND_COUNT]; /* at least one present */
};

must_check int probe_parse(const char *bytes, size_t len, const char *name, struct probe *ret, struct err *e);
/* Reads <dir>/probe.yaml. */
must_check int probe_load(const char *dir, struct probe *ret, struct err *e);
/* As probe_load; all mistakes are added to findings, as in distro_check. */
must_check int probe_check(const char *dir, struct probe *ret, struct strv *findings, struct err *e);
void probe_release(struct probe *p);

#define cleanup_probe __attribute__((cleanup(probe_release)))

#endif
