#include "gate/bpf_elf.h"

#include <elf.h>
#include <endian.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/reference.h"

void bpf_elf_release(struct bpf_elf *o)
{
	btf__free(o->btf);
	free(o->externs);
	free(o->tables);
	free(o->answers);
	free(o->functions);
	symbol_list_release(&o->symbols);
	*o = (struct bpf_elf){ 0 };
}

void bpf_relocations_release(struct bpf_relocations *r)
{
	free(r->items);
	*r = (struct bpf_relocations){ 0 };
}

bool bpf_section_is_code(const struct section *s)
{
	return s->type == SHT_PROGBITS && (s->flags & SHF_EXECINSTR) && s->len > 0;
}

uint16_t bpf_u16(const struct bpf_elf *o, const char *at)
{
	uint16_t n;

	memcpy(&n, at, sizeof(n));
	return o->big_endian ? be16toh(n) : le16toh(n);
}

uint32_t bpf_u32(const struct bpf_elf *o, const char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return o->big_endian ? be32toh(n) : le32toh(n);
}

bool bpf_kernel_has(const struct bpf_elf *o, const char *identifier)
{
	const struct reference *kernel = o->expect->reference;
	struct bpf_answers *a = o->answers;

	if (!kernel || !reference_has_bpf(kernel))
		return true;
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].identifier == identifier)
			return a->items[i].has;
	bool has = reference_has_bpf_name(kernel, identifier);
	if (a->count < ARRAY_LEN(a->items)) {
		a->items[a->count].identifier = identifier;
		a->items[a->count++].has = has;
	}
	return has;
}

void bpf_kernel_needs(const struct bpf_elf *o, const char *what, const char *identifier, const char *where)
{
	char expected[160];

	if (bpf_kernel_has(o, identifier))
		return;
	snprintf(expected, sizeof(expected), "what a kernel without %s takes", identifier);
	finding_add(o->report, what, expected, "%s", where);
}

/* A section of entries as this machine has them in memory. NULL with *e when out of memory; an empty section has none. */
static void *table_read(const struct bpf_elf *o, const struct section *s, Elf_Type type, size_t entry_bytes, size_t *ret_count,
			struct err *e)
{
	size_t count = s->len / entry_bytes, len = count * entry_bytes;
	void *entries = calloc(count + 1, entry_bytes);

	if (!entries) {
		err_no_memory(e);
		return NULL;
	}
	Elf_Data from = { .d_buf = (void *)s->bytes, .d_type = type, .d_size = len, .d_version = EV_CURRENT };
	Elf_Data to = { .d_buf = entries, .d_type = type, .d_size = len, .d_version = EV_CURRENT };
	*ret_count = count && elf64_xlatetom(&to, &from, o->big_endian ? ELFDATA2MSB : ELFDATA2LSB) ? count : 0;
	return entries;
}

static int compare_functions(const void *a, const void *b)
{
	const struct symbol *x = *(const struct symbol *const *)a, *y = *(const struct symbol *const *)b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* The whole of a function lies inside its section, in whole instructions. */
static bool function_is_sound(const struct bpf_elf *o, const struct symbol *f)
{
	const struct section *s = section_at(o->list, f->section);

	return s && bpf_section_is_code(s) && f->value <= s->len && f->size <= s->len - f->value &&
	       f->value % BPF_INSTRUCTION_BYTES == 0 && f->size % BPF_INSTRUCTION_BYTES == 0;
}

static int find_functions(struct bpf_elf *o, struct err *e)
{
	o->functions = calloc(o->symbols.count + 1, sizeof(*o->functions));
	if (!o->functions)
		return err_no_memory(e);
	for (size_t i = 0; i < o->symbols.count; i++) {
		const struct symbol *f = &o->symbols.items[i];
		if (f->type != STT_FUNC || f->section == SHN_UNDEF || f->size == 0)
			continue;
		if (function_is_sound(o, f))
			o->functions[o->function_count++] = f;
		else
			finding_add(o->report, "symbols", "functions inside their sections", "%s", f->name);
	}
	qsort(o->functions, o->function_count, sizeof(*o->functions), compare_functions);
	return 0;
}

static int compare_tables(const void *a, const void *b)
{
	const struct section *x = *(const struct section *const *)a, *y = *(const struct section *const *)b;

	if (x->info != y->info)
		return x->info < y->info ? -1 : 1;
	return x < y ? -1 : x > y;
}

static int find_tables(struct bpf_elf *o, struct err *e)
{
	o->tables = calloc(o->list->count + 1, sizeof(*o->tables));
	if (!o->tables)
		return err_no_memory(e);
	for (size_t i = 0; i < o->list->count; i++) {
		const struct section *s = &o->list->items[i];
		if ((s->type == SHT_REL || s->type == SHT_RELA) && s->bytes)
			o->tables[o->table_count++] = s;
	}
	qsort(o->tables, o->table_count, sizeof(*o->tables), compare_tables);
	return 0;
}

int bpf_elf_read(const struct section_list *list, const struct gate_expect *expect, struct object_report *r, struct bpf_elf *ret,
		 struct err *e)
{
	*ret = (struct bpf_elf){ .list = list, .expect = expect, .report = r, .big_endian = expect->elf_machine == EM_S390 };
	ret->answers = calloc(1, sizeof(*ret->answers));
	if (!ret->answers)
		return err_no_memory(e);
	if (symbol_list_read(list, ret->big_endian, &ret->symbols, e) < 0)
		return -1;
	for (size_t i = 0; i < ret->symbols.count; i++)
		if (ret->symbols.items[i].name_is_lost)
			finding_add(r, "symbols", "names inside the table of names", "symbol %zu", i + 1);
	return find_functions(ret, e) < 0 ? -1 : find_tables(ret, e);
}

const struct symbol *const *bpf_functions_of(const struct bpf_elf *o, size_t section, size_t *ret_count)
{
	size_t low = 0, high = o->function_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (o->functions[middle]->section < section)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < o->function_count && o->functions[end]->section == section;)
		end++;
	*ret_count = end - low;
	return o->functions + low;
}

static int append_relocations(const struct bpf_elf *o, const struct section *table, struct bpf_relocations *all, struct err *e)
{
	size_t count = 0;

	cleanup_free Elf64_Rel *entries = table_read(o, table, ELF_T_REL, sizeof(*entries), &count, e);
	if (!entries)
		return -1;
	struct bpf_relocation *grown = realloc(all->items, (all->count + count + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(e);
	all->items = grown;
	for (size_t i = 0; i < count; i++) {
		size_t symbol = ELF64_R_SYM(entries[i].r_info);
		if (symbol == 0 || symbol > o->symbols.count) {
			finding_add(o->report, "relocation", "a symbol of the object", "symbol %zu in %s", symbol, table->name);
			break;
		}
		all->items[all->count++] = (struct bpf_relocation){ .offset = entries[i].r_offset,
								    .type = ELF64_R_TYPE(entries[i].r_info),
								    .symbol = &o->symbols.items[symbol - 1] };
	}
	return 0;
}

int bpf_relocations_read(const struct bpf_elf *o, size_t section, struct bpf_relocations *ret, struct err *e)
{
	size_t low = 0;

	for (size_t high = o->table_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (o->tables[middle]->info < section)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < o->table_count && o->tables[low]->info == section; low++) {
		const struct section *s = o->tables[low];
		if (s->type == SHT_RELA || s->len % sizeof(Elf64_Rel))
			finding_add(o->report, "relocation", "a table of whole entries without addends", "%s", s->name);
		else if (append_relocations(o, s, ret, e) < 0)
			return -1;
	}
	return 0;
}
