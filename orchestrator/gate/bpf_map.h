/* The definitions of an eBPF object's maps. Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_MAP_H
#define ORCHESTRATE_GATE_BPF_MAP_H

#include "gate/bpf_elf.h"

/* Whether a section has definitions of maps as libbpf wants them, in BTF; or those of the old form, whose loaders each call
 * it in their own way: maps, maps/<name>, <program>/maps. */
bool bpf_section_is_maps(const struct section *s);
bool bpf_section_is_old_maps(const struct section *s);

/* Section .maps: every map has a variable of its BTF section, whose struct has fields that loaders know. Section maps, the old
 * form: as many whole struct bpf_map_def as there are symbols, of 16 bytes at least (type, key size, value size, entries). In both,
 * a type that the kernel has, and sizes that it takes for it where they are given: a loader may change them. */
void bpf_maps_check(const struct bpf_elf *o);

#endif
