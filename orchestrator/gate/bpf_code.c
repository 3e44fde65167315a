#include "gate/bpf_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/bpf_facts.h"
#include "gate/bpf_instruction.h"
#include "gate/bpf_relocation.h"
#include "gate/reference.h"

/* What is known about each instruction. */
enum { SECOND_HALF = 1, RELOCATED = 2 };

struct code {
	const struct bpf_elf *o;
	const struct section *section;
	size_t index; /* the section's */
	size_t count; /* instructions */
	uint8_t *marks;
};

/* Always false: what is wrong with the instruction, found where. */
static bool wrong(const struct code *c, const char *what, const char *expected, size_t at, const char *format, ...)
	printf_like(5, 6);
static bool wrong(const struct code *c, const char *what, const char *expected, size_t at, const char *format, ...)
{
	char found[128];
	va_list args;

	va_start(args, format);
	vsnprintf(found, sizeof(found), format, args);
	va_end(args);
	finding_add(c->o->report, what, expected, "%s in %s at instruction %zu", found, c->section->name, at);
	return false;
}

static struct bpf_instruction instruction(const struct code *c, size_t at)
{
	return bpf_instruction_at(c->o, c->section->bytes + at * BPF_INSTRUCTION_BYTES);
}

/* The second half of a 64-bit constant is an instruction with nothing but an immediate. */
static bool check_pair(const struct code *c, size_t at, const struct bpf_instruction *first)
{
	enum { PSEUDO_LAST = 6 };

	if (at + 1 < c->count && first->source <= PSEUDO_LAST && first->offset == 0) {
		struct bpf_instruction second = instruction(c, at + 1);
		if (second.code == 0 && second.target == 0 && second.source == 0 && second.offset == 0) {
			c->marks[at + 1] = SECOND_HALF;
			return true;
		}
	}
	return wrong(c, "instructions", "both halves of a 64-bit constant", at, "half of one");
}

static bool check_codes(const struct code *c)
{
	for (size_t at = 0; at < c->count; at++) {
		if (c->marks[at] & SECOND_HALF)
			continue;
		struct bpf_instruction i = instruction(c, at);
		const char *identifier = bpf_instruction_identifier(&i);
		if (!identifier)
			return wrong(c, "instructions", "instructions that exist", at, "code 0x%02x", i.code);
		if (*identifier && !bpf_kernel_has(c->o, identifier)) {
			char expected[96];
			snprintf(expected, sizeof(expected), "what a kernel without %s takes", identifier);
			return wrong(c, "instructions", expected, at, "code 0x%02x", i.code);
		}
		if (i.code == BPF_CODE_LOAD_IMMEDIATE && !check_pair(c, at, &i))
			return false;
	}
	return true;
}

static int check_relocations(const struct code *c, struct err *e)
{
	cleanup_bpf_relocations struct bpf_relocations all = { 0 };

	if (bpf_relocations_read(c->o, c->index, &all, e) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++) {
		uint64_t at = all.items[i].offset / BPF_INSTRUCTION_BYTES;
		if (at >= c->count || all.items[i].offset % BPF_INSTRUCTION_BYTES || (c->marks[at] & SECOND_HALF)) {
			finding_add(c->o->report, "relocation", "places of instructions", "offset %llu in %s",
				    (unsigned long long)all.items[i].offset, c->section->name);
			continue;
		}
		bpf_relocation_check(c->o, c->section, &all.items[i]);
		c->marks[at] |= RELOCATED; /* also one that leads nowhere: one finding is enough */
	}
	return 0;
}

static bool is_function_start(const struct code *c, size_t at)
{
	size_t count, low = 0;
	const struct symbol *const *functions = bpf_functions_of(c->o, c->index, &count);

	for (size_t high = count; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (functions[middle]->value < at * BPF_INSTRUCTION_BYTES)
			low = middle + 1;
		else
			high = middle;
	}
	return count == 0 || (low < count && functions[low]->value == at * BPF_INSTRUCTION_BYTES);
}

static bool check_helper(const struct code *c, size_t at, const struct bpf_instruction *i, const char **ret_gpl_helper)
{
	unsigned last = c->o->expect->reference ? reference_bpf_helper_count(c->o->expect->reference) : 0;
	const char *gpl_helper = bpf_gpl_helper(i->immediate);
	char expected[64] = "a helper";

	if (gpl_helper && !*ret_gpl_helper)
		*ret_gpl_helper = gpl_helper;
	if (i->immediate > 0 && (last == 0 || (unsigned)i->immediate <= last))
		return true;
	if (last)
		snprintf(expected, sizeof(expected), "a helper that this kernel has (1 to %u)", last);
	return wrong(c, "helper", expected, at, "helper %d", i->immediate);
}

static bool check_call(const struct code *c, size_t at, const struct bpf_instruction *i, const char **ret_gpl_helper)
{
	int64_t to = (int64_t)at + 1 + i->immediate;

	if (c->marks[at] & RELOCATED) {
		if (i->source == BPF_CALL_FUNCTION)
			return true;
		return wrong(c, "call", "a relocated call that calls a function", at, "kind %u", i->source);
	}
	if (i->source == BPF_CALL_HELPER)
		return check_helper(c, at, i, ret_gpl_helper);
	if (i->source != BPF_CALL_FUNCTION)
		return wrong(c, "call", "a call of a helper or of a function", at, "kind %u", i->source);
	if (to < 0 || (uint64_t)to >= c->count || !is_function_start(c, (size_t)to))
		return wrong(c, "call", "a call of a function in the object", at, "one to instruction %lld", (long long)to);
	bpf_kernel_needs(c->o, "call", "BPF_PSEUDO_CALL", c->section->name);
	return true;
}

static bool check_jump(const struct code *c, size_t at, int64_t distance, size_t start, size_t end)
{
	int64_t to = (int64_t)at + 1 + distance;

	if (to >= (int64_t)start && to < (int64_t)end && !(c->marks[to] & SECOND_HALF))
		return true;
	return wrong(c, "jump", "jumps to instructions of the same function", at, "one to %lld", (long long)to);
}

/* The kernel wants functions to end with something that never goes on. */
static bool check_end(const struct code *c, size_t start, size_t end)
{
	struct bpf_instruction last = instruction(c, end - 1);
	bool second = c->marks[end - 1] & SECOND_HALF;

	/* Compilers let a function end with a call of something that does not return. */
	if (!second && (last.code == BPF_CODE_EXIT || last.code == BPF_CODE_JUMP || last.code == BPF_CODE_JUMP_FAR ||
			last.code == BPF_CODE_JUMP_REGISTER || (last.code == BPF_CODE_CALL && (c->marks[end - 1] & RELOCATED))))
		return true;
	return wrong(c, "instructions", "a function that ends with an exit or a jump", end - 1,
		     "code 0x%02x at the end of the one from %zu", last.code, start);
}

/* Which kernels take how much: bpf_prog_load() in kernel/bpf/syscall.c. The higher limit and the identifier are both of 5.2. */
static bool check_size(const struct code *c, size_t start, size_t end)
{
	enum { SHORT_PROGRAM_MAX = 4096, LONG_PROGRAM_MAX = 1000000 };
	size_t limit = bpf_kernel_has(c->o, "BPF_PSEUDO_MAP_VALUE") ? LONG_PROGRAM_MAX : SHORT_PROGRAM_MAX;
	char expected[64];

	if (end - start <= limit)
		return true;
	snprintf(expected, sizeof(expected), "programs of at most %zu instructions", limit);
	return wrong(c, "program size", expected, start, "%zu", end - start);
}

static bool check_function(const struct code *c, size_t start, size_t end, const char **ret_gpl_helper)
{
	int64_t distance;

	for (size_t at = start; at < end; at++) {
		if (c->marks[at] & SECOND_HALF)
			continue;
		struct bpf_instruction i = instruction(c, at);
		if (i.code == BPF_CODE_CALL && !check_call(c, at, &i, ret_gpl_helper))
			return false;
		if (bpf_instruction_jumps(&i, &distance) && !check_jump(c, at, distance, start, end))
			return false;
	}
	return check_end(c, start, end) && check_size(c, start, end);
}

/* Where the symbols name no function, a section is one. */
static void check_functions(const struct code *c, const char **ret_gpl_helper)
{
	size_t count, end = 0;
	const struct symbol *const *functions = bpf_functions_of(c->o, c->index, &count);

	if (count == 0)
		check_function(c, 0, c->count, ret_gpl_helper);
	for (size_t i = 0; i < count; i++) {
		size_t start = functions[i]->value / BPF_INSTRUCTION_BYTES;
		if (i && functions[i]->value == functions[i - 1]->value && functions[i]->size == functions[i - 1]->size)
			continue; /* one function of two names */
		if (start < end) {
			finding_add(c->o->report, "symbols", "functions that don't overlap", "'%s' in %s", functions[i]->name,
				    c->section->name);
			return;
		}
		end = start + functions[i]->size / BPF_INSTRUCTION_BYTES;
		if (!check_function(c, start, end, ret_gpl_helper))
			return;
	}
}

int bpf_code_check(const struct bpf_elf *o, size_t section, const char **ret_gpl_helper, struct err *e)
{
	const struct section *s = section_at(o->list, section);
	size_t count = s->len / BPF_INSTRUCTION_BYTES;

	if (s->len % BPF_INSTRUCTION_BYTES) {
		finding_add(o->report, "instructions", "whole instructions of 8 bytes", "%zu bytes in %s", s->len, s->name);
		return 0;
	}
	cleanup_free uint8_t *marks = calloc(count + 1, sizeof(*marks));
	if (!marks)
		return err_no_memory(e);
	const struct code c = { o, s, section, count, marks };
	if (!check_codes(&c))
		return 0;
	if (check_relocations(&c, e) < 0)
		return -1;
	check_functions(&c, ret_gpl_helper);
	return 0;
}
