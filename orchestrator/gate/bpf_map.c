#include "gate/bpf_map.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/bpf_btf.h"
#include "gate/bpf_facts.h"

enum { MAPS_MAX = 4096 }; /* far beyond any real object; a program may use 64 */

struct definition {
	uint32_t type, key_bytes, value_bytes;
	bool has_key, has_value;
};

bool bpf_section_is_maps(const struct section *s)
{
	return strcmp(s->name, ".maps") == 0;
}

bool bpf_section_is_old_maps(const struct section *s)
{
	return strcmp(s->name, "maps") == 0 || str_starts(s->name, "maps/") || str_ends(s->name, "/maps");
}

static void check_definition(const struct bpf_elf *o, const char *name, const struct definition *d)
{
	const struct bpf_map_type *type = bpf_map_type_find(d->type);

	if (!type) {
		finding_add(o->report, "map type", "a type that is known", "type %u of '%s'", d->type, name);
		return;
	}
	bpf_kernel_needs(o, "map type", type->identifier, name);
	if (type->sizes == BPF_SIZES_INDEX && d->has_key && d->key_bytes != sizeof(uint32_t))
		finding_add(o->report, "map", "keys of 4 bytes", "%u bytes in '%s'", d->key_bytes, name);
	if (type->sizes == BPF_SIZES_NONE && ((d->has_key && d->key_bytes) || (d->has_value && d->value_bytes)))
		finding_add(o->report, "map", "neither keys nor values", "%u and %u bytes in '%s'", d->key_bytes, d->value_bytes,
			    name);
}

/* How libbpf's headers say a number: the length of an array that a pointer points to, or, where it may need 64 bits, the value of
 * an enum. */
static bool read_number(const struct btf *btf, uint32_t field, uint32_t *ret)
{
	const struct btf_type *t = bpf_btf_skip(btf, field);
	const struct btf_type *array = t && btf_is_ptr(t) ? bpf_btf_skip(btf, t->type) : NULL;

	if (t && btf_is_any_enum(t))
		return true;
	if (!array || !btf_is_array(array))
		return false;
	*ret = btf_array(array)->nelems;
	return true;
}

/* How they say a type. */
static bool read_size(const struct btf *btf, uint32_t field, uint32_t *ret)
{
	const struct btf_type *t = bpf_btf_skip(btf, field);
	long long size = t && btf_is_ptr(t) ? btf__resolve_size(btf, t->type) : -1;

	if (size < 0 || size > UINT32_MAX)
		return false;
	*ret = (uint32_t)size;
	return true;
}

static bool read_field(const struct btf *btf, const char *name, uint32_t type, struct definition *d)
{
	static const char *const numbers[] = { "max_entries", "map_flags", "numa_node", "pinning", "map_extra" };
	uint32_t unused;

	if (strcmp(name, "type") == 0)
		return read_number(btf, type, &d->type);
	if (strcmp(name, "key_size") == 0)
		return (d->has_key = read_number(btf, type, &d->key_bytes));
	if (strcmp(name, "value_size") == 0)
		return (d->has_value = read_number(btf, type, &d->value_bytes));
	if (strcmp(name, "key") == 0)
		return (d->has_key = read_size(btf, type, &d->key_bytes));
	if (strcmp(name, "value") == 0)
		return (d->has_value = read_size(btf, type, &d->value_bytes));
	if (strcmp(name, "values") == 0) {
		const struct btf_type *t = bpf_btf_skip(btf, type);
		return t && btf_is_array(t);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(name, numbers[i]) == 0)
			return read_number(btf, type, &unused);
	return false;
}

static void check_variable(const struct bpf_elf *o, const char *name, const struct btf_type *variable)
{
	const struct btf_type *type = btf_is_var(variable) ? bpf_btf_skip(o->btf, variable->type) : NULL;
	struct definition d = { 0 };

	if (!type || !btf_is_struct(type)) {
		finding_add(o->report, "map", "a struct in the BTF", "'%s' is none", name);
		return;
	}
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *m = &btf_members(type)[i];
		const char *field = btf__str_by_offset(o->btf, m->name_off);
		if (!read_field(o->btf, field, m->type, &d)) {
			finding_add(o->report, "map", "fields as libbpf's headers make them", "'%s' in '%s'", field, name);
			return;
		}
	}
	check_definition(o, name, &d);
}

static bool is_map(const struct symbol *s, size_t section)
{
	return s->type == STT_OBJECT && s->section == section;
}

static size_t count_maps(const struct bpf_elf *o, size_t section)
{
	size_t count = 0;

	for (size_t i = 0; i < o->symbols.count; i++)
		count += is_map(&o->symbols.items[i], section);
	return count;
}

/* In an object that was not linked yet only names join variables and symbols. */
static const struct btf_type *variable_of(const struct bpf_elf *o, const struct btf_type *maps, const char *name)
{
	for (unsigned i = 0; i < btf_vlen(maps); i++) {
		const struct btf_type *t = btf__type_by_id(o->btf, btf_var_secinfos(maps)[i].type);
		if (strcmp(btf__str_by_offset(o->btf, t->name_off), name) == 0)
			return t;
	}
	return NULL;
}

static void check_maps(const struct bpf_elf *o, size_t section)
{
	const struct btf_type *maps = bpf_btf_section(o->btf, ".maps");
	size_t count = count_maps(o, section);

	if (!maps) {
		finding_add(o->report, "maps", "BTF of the section .maps", "none");
		return;
	}
	if (count != btf_vlen(maps)) {
		finding_add(o->report, "maps", "as many maps as the BTF of .maps has", "%zu for %u", count, btf_vlen(maps));
		return;
	}
	for (size_t i = 0; i < o->symbols.count; i++) {
		const struct symbol *s = &o->symbols.items[i];
		if (!is_map(s, section))
			continue;
		const struct btf_type *variable = variable_of(o, maps, s->name);
		if (variable)
			check_variable(o, s->name, variable);
		else
			finding_add(o->report, "maps", "a variable in the BTF", "none for '%s'", s->name);
	}
}

static void check_old_maps(const struct bpf_elf *o, size_t section)
{
	enum { DEFINITION_BYTES_MIN = 16, DEFINITION_BYTES_MAX = 1024 };
	const struct section *s = section_at(o->list, section);
	size_t count = count_maps(o, section), bytes = count ? s->len / count : 0;

	if (bytes < DEFINITION_BYTES_MIN || bytes > DEFINITION_BYTES_MAX || s->len % count || bytes % 4) {
		finding_add(o->report, "maps", "whole map definitions", "%zu bytes for %zu maps", s->len, count);
		return;
	}
	for (size_t i = 0; i < o->symbols.count; i++) {
		const struct symbol *m = &o->symbols.items[i];
		if (!is_map(m, section))
			continue;
		if (m->value > s->len - bytes || m->value % bytes) {
			finding_add(o->report, "maps", "whole map definitions", "'%s' between them", m->name);
			continue;
		}
		const char *at = s->bytes + m->value;
		const struct definition d = { bpf_u32(o, at), bpf_u32(o, at + 4), bpf_u32(o, at + 8), true, true };
		check_definition(o, m->name, &d);
	}
}

void bpf_maps_check(const struct bpf_elf *o)
{
	for (size_t i = 1; i <= o->list->count; i++) {
		const struct section *s = section_at(o->list, i);
		bool old = bpf_section_is_old_maps(s);
		if ((!old && !bpf_section_is_maps(s)) || s->type != SHT_PROGBITS || s->len == 0 || bpf_section_is_code(s))
			continue;
		if (count_maps(o, i) > MAPS_MAX)
			finding_add(o->report, "maps", "at most 4096", "%zu", count_maps(o, i));
		else if (old)
			check_old_maps(o, i);
		else
			check_maps(o, i);
	}
}
