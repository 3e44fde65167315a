/* Section .BTF.ext: what is told of single instructions. Documentation/bpf/btf.rst, 4.2. */
#include <stdlib.h>
#include <string.h>

#include "gate/bpf_btf.h"

enum {
	MAGIC = 0xeb9f,
	VERSION = 1,
	HEADER_BYTES_MIN = 24, /* up to line_info_len */
	HEADER_BYTES_CORE = 32,
	AT_VERSION = 2,
	AT_HEADER_BYTES = 4,
	AT_TABLES = 8, /* offset from the header's end and length of each table in turn */
	TABLE_ENTRY_BYTES = 8,
	BLOCK_HEADER_BYTES = 8, /* a section's name, how many records */
	RECORD_SIZE_BYTES = 4,
};

struct ext {
	const struct bpf_elf *o;
	const char *bytes;
	size_t len;
	/* Sections of instructions, by name. */
	const struct section **code;
	size_t code_count;
};

/* Always false. */
static bool unsound(const struct ext *x, const char *table, const char *expected, const char *found, uint32_t number)
{
	finding_add(x->o->report, "BTF", expected, "%s %u in the %s of .BTF.ext", found, number, table);
	return false;
}

static uint32_t u32(const struct ext *x, const char *at)
{
	return bpf_u32(x->o, at);
}

static bool has_name(const struct ext *x, uint32_t offset)
{
	return btf__str_by_offset(x->o->btf, offset) != NULL;
}

static bool function_is_sound(const struct ext *x, const char *record)
{
	const struct btf_type *t = btf__type_by_id(x->o->btf, u32(x, record + 4));

	return t && btf_is_func(t);
}

static bool line_is_sound(const struct ext *x, const char *record)
{
	return has_name(x, u32(x, record + 4)) && has_name(x, u32(x, record + 8));
}

static bool field_is_sound(const struct ext *x, const char *record)
{
	return u32(x, record + 4) < btf__type_cnt(x->o->btf) && has_name(x, u32(x, record + 8));
}

static const struct table {
	const char *name;
	size_t record_bytes_min;
	bool (*is_sound)(const struct ext *x, const char *record);
} tables[] = {
	{ "functions", 8, function_is_sound },
	{ "lines", 16, line_is_sound },
	{ "field accesses", 16, field_is_sound },
};

static int compare_names(const void *a, const void *b)
{
	const struct section *x = *(const struct section *const *)a, *y = *(const struct section *const *)b;

	return strcmp(x->name, y->name);
}

static int find_code(struct ext *x, struct err *e)
{
	const struct section_list *list = x->o->list;

	x->code = calloc(list->count + 1, sizeof(*x->code));
	if (!x->code)
		return err_no_memory(e);
	for (size_t i = 0; i < list->count; i++)
		if (bpf_section_is_code(&list->items[i]))
			x->code[x->code_count++] = &list->items[i];
	qsort(x->code, x->code_count, sizeof(*x->code), compare_names);
	return 0;
}

/* NULL: there is none of that name. */
static const struct section *code_section(const struct ext *x, uint32_t name_offset)
{
	const struct section wanted = { .name = btf__str_by_offset(x->o->btf, name_offset) }, *key = &wanted;
	const struct section **found = wanted.name ? bsearch(&key, x->code, x->code_count, sizeof(*x->code), compare_names) : NULL;

	return found ? *found : NULL;
}

/* All of one section: header and records. *at moves behind them. */
static bool check_block(const struct ext *x, const struct table *t, const char **at, const char *end, size_t record_bytes)
{
	if (end - *at < BLOCK_HEADER_BYTES)
		return unsound(x, t->name, "whole tables", "bytes left over:", (uint32_t)(end - *at));
	uint32_t name = u32(x, *at), count = u32(x, *at + 4);
	const struct section *s = code_section(x, name);
	*at += BLOCK_HEADER_BYTES;
	if (!s)
		return unsound(x, t->name, "sections of instructions", "name", name);
	if (count == 0 || count > (size_t)(end - *at) / record_bytes)
		return unsound(x, t->name, "as many records as it says", "records:", count);
	for (uint32_t i = 0; i < count; i++, *at += record_bytes) {
		uint32_t offset = u32(x, *at);
		if (offset >= s->len || offset % BPF_INSTRUCTION_BYTES)
			return unsound(x, t->name, "places of instructions", "offset", offset);
		if (!t->is_sound(x, *at))
			return unsound(x, t->name, "types and names that there are", "record for offset", offset);
	}
	return true;
}

static bool check_table(const struct ext *x, const struct table *t, size_t start, size_t len)
{
	const char *at = x->bytes + start, *end = at + len;

	if (len == 0)
		return true;
	if (len < RECORD_SIZE_BYTES)
		return unsound(x, t->name, "whole tables", "bytes:", (uint32_t)len);
	uint32_t record_bytes = u32(x, at);
	if (record_bytes < t->record_bytes_min || record_bytes % 4)
		return unsound(x, t->name, "records as long as they must be", "bytes:", record_bytes);
	at += RECORD_SIZE_BYTES;
	while (at < end)
		if (!check_block(x, t, &at, end, record_bytes))
			return false;
	return true;
}

static void check(const struct ext *x)
{
	if (x->len < HEADER_BYTES_MIN || bpf_u16(x->o, x->bytes) != MAGIC || x->bytes[AT_VERSION] != VERSION) {
		finding_add(x->o->report, "BTF", "a sound section .BTF.ext", "another header, or none");
		return;
	}
	uint32_t header_bytes = u32(x, x->bytes + AT_HEADER_BYTES);
	if (header_bytes < HEADER_BYTES_MIN || header_bytes > x->len) {
		finding_add(x->o->report, "BTF", "a sound section .BTF.ext", "a header of %u bytes", header_bytes);
		return;
	}
	size_t count = sizeof(tables) / sizeof(tables[0]) - (header_bytes < HEADER_BYTES_CORE);
	for (size_t i = 0; i < count; i++) {
		const char *entry = x->bytes + AT_TABLES + i * TABLE_ENTRY_BYTES;
		size_t start = u32(x, entry), len = u32(x, entry + 4), room = x->len - header_bytes;
		if (start > room || len > room - start || start % 4) {
			unsound(x, tables[i].name, "tables inside the section", "offset", (uint32_t)start);
			return;
		}
		if (!check_table(x, &tables[i], header_bytes + start, len))
			return;
	}
}

int bpf_btf_ext_check(const struct bpf_elf *o, struct err *e)
{
	const struct section *s = section_find(o->list, ".BTF.ext");
	struct ext x = { .o = o, .bytes = s ? s->bytes : NULL, .len = s ? s->len : 0 };

	if (s && !section_find(o->list, ".BTF"))
		finding_add(o->report, "BTF", "section .BTF beside .BTF.ext", "none");
	if (!s || !o->btf)
		return 0;
	int rc = find_code(&x, e);
	if (rc == 0)
		check(&x);
	free(x.code);
	return rc;
}
