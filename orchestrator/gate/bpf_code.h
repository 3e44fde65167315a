/* Are the instructions of an eBPF object such as its kernel could take? Not whether it will: that is its verifier's to say.
 * Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_CODE_H
#define ORCHESTRATE_GATE_BPF_CODE_H

#include "gate/bpf_elf.h"

/* One section of instructions (bpf_section_is_code): codes that exist and that the kernel knows, whole 64-bit constants,
 * relocations, helpers and called functions that exist, jumps inside functions, ends of functions, sizes. At most one finding for
 * what is wrong with single instructions. *ret_gpl_helper: becomes the name of the first helper for GPL-compatible programs
 * (static) where it was NULL. -1: out of memory. */
must_check int bpf_code_check(const struct bpf_elf *o, size_t section, const char **ret_gpl_helper, struct err *e);

#endif
