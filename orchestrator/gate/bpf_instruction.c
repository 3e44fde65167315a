#include "gate/bpf_instruction.h"

enum {
	CLASS_LD = 0,
	CLASS_LDX,
	CLASS_ST,
	CLASS_STX,
	CLASS_ALU,
	CLASS_JMP,
	CLASS_JMP32,
	CLASS_ALU64,
	CLASS_MASK = 7,
	/* loads and stores */
	SIZE_MASK = 0x18,
	SIZE_W = 0x00,
	SIZE_DW = 0x18,
	MODE_MASK = 0xe0,
	MODE_ABS = 0x20,
	MODE_IND = 0x40,
	MODE_MEM = 0x60,
	MODE_MEMSX = 0x80,
	MODE_ATOMIC = 0xc0,
	/* arithmetic and jumps */
	SOURCE_REGISTER = 0x08,
	OPERATION_MASK = 0xf0,
	OPERATION_DIV = 0x30,
	OPERATION_NEG = 0x80,
	OPERATION_MOD = 0x90,
	OPERATION_MOV = 0xb0,
	OPERATION_ARSH = 0xc0,
	OPERATION_END = 0xd0,
	OPERATION_JA = 0x00,
	OPERATION_JSGE = 0x70,
	OPERATION_CALL = 0x80,
	OPERATION_EXIT = 0x90,
	OPERATION_JSLE = 0xd0,
	OPERATION_JCOND = 0xe0,
	REGISTERS_END = 11,
};

/* One name for all that came with 6.6: longer jumps, sign extension, signed division, byte swaps. */
static const char fourth_edition[] = "BPF_MEMSX";
static const char everywhere[] = "";

struct bpf_instruction bpf_instruction_at(const struct bpf_elf *o, const char *at)
{
	uint8_t registers = (uint8_t)at[1];
	unsigned low = registers & 0x0f, high = registers >> 4;

	return (struct bpf_instruction){ .code = (uint8_t)at[0],
					 .target = o->big_endian ? high : low,
					 .source = o->big_endian ? low : high,
					 .offset = (int16_t)bpf_u16(o, at + 2),
					 .immediate = (int32_t)bpf_u32(o, at + 4) };
}

static const char *atomic_identifier(const struct bpf_instruction *i)
{
	enum {
		ADD = 0x00,
		FETCH = 0x01,
		OR = 0x40,
		AND = 0x50,
		XOR = 0xa0,
		XCHG = 0xe1,
		CMPXCHG = 0xf1,
		LOAD = 0x100,
		STORE = 0x110
	};

	if (i->immediate == LOAD || i->immediate == STORE)
		return "BPF_LOAD_ACQ";
	if ((i->code & SIZE_MASK) != SIZE_W && (i->code & SIZE_MASK) != SIZE_DW)
		return NULL;
	switch (i->immediate) {
	case ADD:
		return everywhere;
	case ADD | FETCH:
	case OR:
	case OR | FETCH:
	case AND:
	case AND | FETCH:
	case XOR:
	case XOR | FETCH:
	case XCHG:
	case CMPXCHG:
		return "BPF_ATOMIC";
	default:
		return NULL;
	}
}

static const char *memory_identifier(const struct bpf_instruction *i)
{
	unsigned class = i->code & CLASS_MASK, mode = i->code & MODE_MASK, size = i->code & SIZE_MASK;

	if (class == CLASS_LD) {
		/* Packets, as classic BPF had it. */
		if (mode == MODE_ABS || mode == MODE_IND)
			return size == SIZE_DW ? NULL : everywhere;
		return i->code == BPF_CODE_LOAD_IMMEDIATE ? everywhere : NULL;
	}
	if (mode == MODE_MEM)
		return everywhere;
	if (class == CLASS_LDX && mode == MODE_MEMSX)
		return size == SIZE_DW ? NULL : fourth_edition;
	return class == CLASS_STX && mode == MODE_ATOMIC ? atomic_identifier(i) : NULL;
}

static const char *move_identifier(const struct bpf_instruction *i)
{
	bool whole = (i->code & CLASS_MASK) == CLASS_ALU64;

	if (i->offset == 0)
		return everywhere;
	if (!(i->code & SOURCE_REGISTER))
		return NULL;
	if (i->offset == 8 || i->offset == 16 || (i->offset == 32 && whole))
		return fourth_edition;
	return i->offset == 1 && whole ? "BPF_ADDR_SPACE_CAST" : NULL;
}

static const char *arithmetic_identifier(const struct bpf_instruction *i)
{
	unsigned operation = i->code & OPERATION_MASK;
	bool from_register = i->code & SOURCE_REGISTER, whole = (i->code & CLASS_MASK) == CLASS_ALU64;

	if (operation > OPERATION_END)
		return NULL;
	if (operation == OPERATION_MOV)
		return move_identifier(i);
	if (operation == OPERATION_END) {
		if (i->offset || (i->immediate != 16 && i->immediate != 32 && i->immediate != 64) || (whole && from_register))
			return NULL;
		return whole ? fourth_edition : everywhere;
	}
	if (operation == OPERATION_NEG && from_register)
		return NULL;
	if (i->offset == 1 && (operation == OPERATION_DIV || operation == OPERATION_MOD))
		return fourth_edition;
	return i->offset ? NULL : everywhere;
}

static const char *jump_identifier(const struct bpf_instruction *i)
{
	unsigned operation = i->code & OPERATION_MASK;
	bool from_register = i->code & SOURCE_REGISTER, half = (i->code & CLASS_MASK) == CLASS_JMP32;

	switch (operation) {
	case OPERATION_JA:
		if (half)
			return from_register ? NULL : fourth_edition;
		return from_register ? "BPF_MAP_TYPE_INSN_ARRAY" : everywhere;
	case OPERATION_CALL:
	case OPERATION_EXIT:
		return half || from_register ? NULL : everywhere;
	case OPERATION_JCOND:
		return half || from_register ? NULL : "BPF_JCOND";
	default:
		if (operation > OPERATION_JCOND)
			return NULL;
		if (half)
			return "BPF_JMP32";
		return operation > OPERATION_EXIT ? "BPF_JLT" : everywhere;
	}
}

const char *bpf_instruction_identifier(const struct bpf_instruction *i)
{
	if (i->target >= REGISTERS_END || i->source >= REGISTERS_END)
		return NULL;
	switch (i->code & CLASS_MASK) {
	case CLASS_ALU:
	case CLASS_ALU64:
		return arithmetic_identifier(i);
	case CLASS_JMP:
	case CLASS_JMP32:
		return jump_identifier(i);
	default:
		return memory_identifier(i);
	}
}

bool bpf_instruction_jumps(const struct bpf_instruction *i, int64_t *ret_distance)
{
	unsigned class = i->code & CLASS_MASK;

	if ((class != CLASS_JMP && class != CLASS_JMP32) || i->code == BPF_CODE_CALL || i->code == BPF_CODE_EXIT ||
	    i->code == BPF_CODE_JUMP_REGISTER)
		return false;
	*ret_distance = i->code == BPF_CODE_JUMP_FAR ? i->immediate : i->offset;
	return true;
}
