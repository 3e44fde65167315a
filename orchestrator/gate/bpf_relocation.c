#include "gate/bpf_relocation.h"

#include <elf.h>
#include <string.h>

#include "gate/bpf_btf.h"
#include "gate/bpf_facts.h"
#include "gate/bpf_instruction.h"
#include "gate/bpf_map.h"

static bool unresolved(const struct bpf_elf *o, const char *expected, const struct section *code, const struct bpf_relocation *r,
		       const char *why)
{
	finding_add(o->report, "relocation", expected, "'%s' in %s at instruction %llu%s", r->symbol->name, code->name,
		    (unsigned long long)(r->offset / BPF_INSTRUCTION_BYTES), why);
	return false;
}

/* The place, from its section's start, that an instruction gets to know: what the instruction holds counts on from the symbol. */
static bool is_inside(const struct section *s, int64_t addend, const struct bpf_relocation *r)
{
	uint64_t from = r->symbol->value, back = addend < 0 ? (uint64_t)-addend : 0, on = addend < 0 ? 0 : (uint64_t)addend;

	return from < s->size && back <= from && on < s->size - from;
}

static bool check_function(const struct bpf_elf *o, const struct section *code, const struct bpf_relocation *r,
			   const struct bpf_instruction *i)
{
	const struct section *to = section_at(o->list, r->symbol->section);
	bool calls = i->code == BPF_CODE_CALL;
	/* A call's number is that of an instruction, counted from the next one; an address is in bytes. */
	int64_t addend = calls ? ((int64_t)i->immediate + 1) * BPF_INSTRUCTION_BYTES : i->immediate;

	if (!is_inside(to, addend, r) || (r->symbol->value + (uint64_t)addend) % BPF_INSTRUCTION_BYTES)
		return unresolved(o, "a function in the object", code, r, ", beyond the end of its section");
	bpf_kernel_needs(o, "relocation", calls ? "BPF_PSEUDO_CALL" : "BPF_PSEUDO_FUNC", code->name);
	return true;
}

static bool check_address(const struct bpf_elf *o, const struct section *code, const struct bpf_relocation *r,
			  const struct bpf_instruction *i)
{
	const struct section *to = section_at(o->list, r->symbol->section);
	const char *identifier = bpf_data_identifier(to->name);

	if (bpf_section_is_maps(to) || bpf_section_is_old_maps(to))
		return r->symbol->value < to->len ? true : unresolved(o, "a map in the object", code, r, ", beyond the last map");
	if (bpf_section_is_code(to))
		return check_function(o, code, r, i);
	if (!identifier)
		return unresolved(o, "a map, data or a function", code, r, ", which is none of them");
	if (!is_inside(to, i->immediate, r))
		return unresolved(o, "data in the object", code, r, ", beyond the end of its section");
	bpf_kernel_needs(o, "relocation", identifier, to->name);
	return true;
}

bool bpf_relocation_check(const struct bpf_elf *o, const struct section *code, const struct bpf_relocation *r)
{
	/* Documentation/bpf/llvm_reloc.rst; elf.h has names for the first one only. */
	enum { R_64_64 = 1, R_64_32 = 10 };
	struct bpf_instruction i = bpf_instruction_at(o, code->bytes + r->offset);
	const struct section *to = section_at(o->list, r->symbol->section);

	if (r->type != (i.code == BPF_CODE_CALL ? R_64_32 : R_64_64) ||
	    (i.code != BPF_CODE_CALL && i.code != BPF_CODE_LOAD_IMMEDIATE))
		return unresolved(o, "a relocation that fits its instruction", code, r, "");
	if (r->symbol->section == SHN_UNDEF)
		return bpf_btf_has_extern(o, r->symbol->name) || unresolved(o, "a symbol that is defined", code, r, ", undefined");
	if (!to)
		return unresolved(o, "a symbol of a section", code, r, ", which has none");
	if (i.code != BPF_CODE_CALL)
		return check_address(o, code, r, &i);
	if (!bpf_section_is_code(to))
		return unresolved(o, "a call of a function", code, r, ", which is none");
	return check_function(o, code, r, &i);
}

int bpf_map_relocations_check(const struct bpf_elf *o, struct err *e)
{
	enum { ADDRESS_BYTES = 8 };
	const struct section *maps = section_find(o->list, ".maps");
	cleanup_bpf_relocations struct bpf_relocations all = { 0 };

	if (!maps)
		return 0;
	if (bpf_relocations_read(o, (size_t)(maps - o->list->items) + 1, &all, e) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++) {
		const struct bpf_relocation *r = &all.items[i];
		const struct section *to = section_at(o->list, r->symbol->section);
		if (maps->len < ADDRESS_BYTES || r->offset > maps->len - ADDRESS_BYTES)
			finding_add(o->report, "relocation", "places inside their section", "offset %llu in %s",
				    (unsigned long long)r->offset, maps->name);
		else if (!to || r->symbol->value >= to->len || (to != maps && !bpf_section_is_code(to)))
			finding_add(o->report, "relocation", "a map or a program", "'%s' in %s", r->symbol->name, maps->name);
	}
	return 0;
}
