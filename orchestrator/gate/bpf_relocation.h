/* Is there something for every relocation of a program? Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_RELOCATION_H
#define ORCHESTRATE_GATE_BPF_RELOCATION_H

#include "gate/bpf_elf.h"

/* One relocation of a section of instructions, which lies inside it: it must fit its instruction and lead to a map, to data, to a
 * function, or to what the object's BTF says that the kernel has. False: it was a finding. */
bool bpf_relocation_check(const struct bpf_elf *o, const struct section *code, const struct bpf_relocation *r);
/* Those of the section of map definitions: to other maps, or to programs. */
must_check int bpf_map_relocations_check(const struct bpf_elf *o, struct err *e);

#endif
