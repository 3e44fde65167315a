/* What names and numbers of eBPF mean, as tables. A kernel is asked by identifiers of its include/uapi/linux/bpf.h, not by its
 * version: vendors backport. Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_FACTS_H
#define ORCHESTRATE_GATE_BPF_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* What a kernel must know to take the programs of that section: BPF_PROG_TYPE_*, or the way of attaching where that came later than
 * its program type. NULL: no loader knows such a section. Source: libbpf, docs/program_types.rst; a '?' before the name (not
 * loaded unless asked for) and anything behind a slash are allowed everywhere. */
const char *bpf_program_identifier(const char *section_name);
/* What a kernel must know to give programs the data of that section by address; NULL: it is no data section. */
const char *bpf_data_identifier(const char *section_name);

/* What the kernel demands of maps of a type; its *_map_alloc_check functions. */
struct bpf_map_type {
	const char *identifier;
	enum { BPF_SIZES_ANY, BPF_SIZES_INDEX, BPF_SIZES_NONE } sizes; /* INDEX: keys of 4 bytes; NONE: neither keys nor values */
};

/* NULL: no type of that number is known. Source: enum bpf_map_type, whose numbers never change. */
const struct bpf_map_type *bpf_map_type_find(uint32_t number);
/* The name of a helper that is for GPL-compatible programs only, in every kernel that has it; NULL: it isn't, or not in all.
 * Source: gpl_only in kernel/trace/bpf_trace.c, kernel/bpf/helpers.c, net/core/filter.c. */
const char *bpf_gpl_helper(int32_t number);

#endif
