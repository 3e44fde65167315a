/* The two things that get built for a kernel. */
#ifndef ORCHESTRATE_KERNEL_KIND_H
#define ORCHESTRATE_KERNEL_KIND_H

#include "base/err.h"

enum probe_kind_id {
	KIND_MOD, /* kernel module */
	KIND_BPF, /* eBPF object */
	KIND_COUNT,
};

/* "mod", "bpf". */
const char *kind_name(enum probe_kind_id kind);
/* Unknown: ERR_USAGE, with the names there are. */
must_check int kind_parse(const char *name, enum probe_kind_id *ret, struct err *e);

#endif
