/* An eBPF object's own description of its types, and of what it needs of the kernel. Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_BTF_H
#define ORCHESTRATE_GATE_BPF_BTF_H

#include "gate/bpf_elf.h"

/* Reads section .BTF into o->btf and o->externs. o->btf stays NULL where there is none or it is unsound: then it was a finding.
 * Sound are header and lengths (libbpf's btf__new), every name inside the texts, every type one that there is, functions, variables
 * and sections made of what they are to be made of. -1: out of memory. Format: Documentation/bpf/btf.rst. */
must_check int bpf_btf_read(struct bpf_elf *o, struct err *e);
/* Section .BTF.ext: its tables lie inside it, and speak of sections, instructions, types and names that there are.
 * -1: out of memory. */
must_check int bpf_btf_ext_check(const struct bpf_elf *o, struct err *e);

/* The variables of the section of that name: NULL, where btf is NULL too, or the DATASEC. */
const struct btf_type *bpf_btf_section(const struct btf *btf, const char *name);
/* Whether the BTF says that the kernel is to have that variable or function. */
bool bpf_btf_has_extern(const struct bpf_elf *o, const char *name);
/* The type behind names and qualifiers; NULL where there is none, as in a circle. */
const struct btf_type *bpf_btf_skip(const struct btf *btf, uint32_t type);

#endif
