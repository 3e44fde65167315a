/* One instruction of eBPF. Internal to gate. */
#ifndef ORCHESTRATE_GATE_BPF_INSTRUCTION_H
#define ORCHESTRATE_GATE_BPF_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

#include "gate/bpf_elf.h"

/* The names are those of linux/bpf_common.h and linux/bpf.h, which know less of them the older they are. */
enum {
	BPF_CODE_LOAD_IMMEDIATE = 0x18, /* 64 bits, of which the next instruction has the upper half */
	BPF_CODE_CALL = 0x85,
	BPF_CODE_EXIT = 0x95,
	BPF_CODE_JUMP = 0x05,
	BPF_CODE_JUMP_FAR = 0x06,      /* its distance is the immediate */
	BPF_CODE_JUMP_REGISTER = 0x0d, /* its target is known to nobody here */
	BPF_CALL_HELPER = 0,	       /* in the source register of a call */
	BPF_CALL_FUNCTION = 1,
};

struct bpf_instruction {
	uint8_t code;
	unsigned target, source; /* registers */
	int16_t offset;
	int32_t immediate;
};

struct bpf_instruction bpf_instruction_at(const struct bpf_elf *o, const char *at);
/* What a kernel must know to take this instruction, an identifier for bpf_kernel_has; "": all do; NULL: there is no such one.
 * Format: Documentation/bpf/standardization/instruction-set.rst. */
const char *bpf_instruction_identifier(const struct bpf_instruction *i);
/* Whether it may go on at another place of its function, and how many instructions behind the next one. */
bool bpf_instruction_jumps(const struct bpf_instruction *i, int64_t *ret_distance);

#endif
