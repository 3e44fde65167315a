#include "gate/bpf_btf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct types {
	const struct bpf_elf *o;
	const struct btf *btf;
	uint32_t count, at; /* types with void; the one looked at */
};

/* Always false. */
static bool unsound(const struct types *t, const char *expected, const char *what, uint32_t number)
{
	finding_add(t->o->report, "BTF", expected, "%s %u in type %u", what, number, t->at);
	return false;
}

static bool name_is_there(const struct types *t, uint32_t offset)
{
	return btf__str_by_offset(t->btf, offset) || unsound(t, "names inside the texts", "offset", offset);
}

static bool type_is_there(const struct types *t, uint32_t type)
{
	return type < t->count || unsound(t, "types that there are", "type", type);
}

/* A type that must be of one kind, or of another. */
static bool kind_is(const struct types *t, uint32_t type, unsigned kind, unsigned other)
{
	if (!type_is_there(t, type))
		return false;
	unsigned found = btf_kind(btf__type_by_id(t->btf, type));
	return found == kind || found == other || unsound(t, "functions, variables and sections of what makes them", "type", type);
}

static bool check_members(const struct types *t, const struct btf_type *type)
{
	const struct btf_member *m = btf_members(type);

	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (!name_is_there(t, m[i].name_off) || !type_is_there(t, m[i].type))
			return false;
	return true;
}

static bool check_values(const struct types *t, const struct btf_type *type)
{
	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (!name_is_there(t, btf_is_enum(type) ? btf_enum(type)[i].name_off : btf_enum64(type)[i].name_off))
			return false;
	return true;
}

static bool check_parameters(const struct types *t, const struct btf_type *type)
{
	const struct btf_param *p = btf_params(type);

	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (!name_is_there(t, p[i].name_off) || !type_is_there(t, p[i].type))
			return false;
	return type_is_there(t, type->type);
}

static bool check_variables(const struct types *t, const struct btf_type *type)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(type);

	for (unsigned i = 0; i < btf_vlen(type); i++)
		if (!kind_is(t, v[i].type, BTF_KIND_VAR, BTF_KIND_FUNC))
			return false;
	return true;
}

static bool check_type(const struct types *t, const struct btf_type *type)
{
	if (!name_is_there(t, type->name_off))
		return false;
	switch (btf_kind(type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(t, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_values(t, type);
	case BTF_KIND_ARRAY:
		return type_is_there(t, btf_array(type)->type) && type_is_there(t, btf_array(type)->index_type);
	case BTF_KIND_FUNC_PROTO:
		return check_parameters(t, type);
	case BTF_KIND_FUNC:
		return kind_is(t, type->type, BTF_KIND_FUNC_PROTO, BTF_KIND_FUNC_PROTO);
	case BTF_KIND_DATASEC:
		return check_variables(t, type);
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return true;
	default:
		return type_is_there(t, type->type);
	}
}

static bool check_types(const struct bpf_elf *o, const struct btf *btf)
{
	struct types t = { .o = o, .btf = btf, .count = btf__type_cnt(btf) };

	for (t.at = 1; t.at < t.count; t.at++)
		if (!check_type(&t, btf__type_by_id(btf, t.at)))
			return false;
	return true;
}

const struct btf_type *bpf_btf_skip(const struct btf *btf, uint32_t type)
{
	enum { DEPTH_MAX = 32 };

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *t = btf__type_by_id(btf, type);
		if (!t || (!btf_is_mod(t) && !btf_is_typedef(t)))
			return t;
		type = t->type;
	}
	return NULL;
}

const struct btf_type *bpf_btf_section(const struct btf *btf, const char *name)
{
	for (uint32_t i = 1; btf && i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		if (btf_is_datasec(t) && strcmp(btf__str_by_offset(btf, t->name_off), name) == 0)
			return t;
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int find_externs(struct bpf_elf *o, struct err *e)
{
	const struct btf_type *sections[] = { bpf_btf_section(o->btf, ".kconfig"), bpf_btf_section(o->btf, ".ksyms") };
	size_t room = 1;

	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		room += sections[i] ? btf_vlen(sections[i]) : 0;
	o->externs = calloc(room, sizeof(*o->externs));
	if (!o->externs)
		return err_no_memory(e);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		for (unsigned v = 0; sections[i] && v < btf_vlen(sections[i]); v++) {
			const struct btf_type *t = btf__type_by_id(o->btf, btf_var_secinfos(sections[i])[v].type);
			o->externs[o->extern_count++] = btf__str_by_offset(o->btf, t->name_off);
		}
	qsort(o->externs, o->extern_count, sizeof(*o->externs), compare_names);
	return 0;
}

bool bpf_btf_has_extern(const struct bpf_elf *o, const char *name)
{
	return *name && o->extern_count && bsearch(&name, o->externs, o->extern_count, sizeof(*o->externs), compare_names);
}

int bpf_btf_read(struct bpf_elf *o, struct err *e)
{
	const struct section *s = section_find(o->list, ".BTF");

	if (!s)
		return 0;
	libbpf_set_print(NULL); /* it would write to stderr what becomes a finding */
	struct btf *btf = btf__new(s->bytes, (uint32_t)s->len);
	if (!btf && errno == ENOMEM)
		return err_no_memory(e);
	if (!btf)
		finding_add(o->report, "BTF", "a sound section .BTF", "%s", strerror(errno));
	else if (!check_types(o, btf))
		btf__free(btf);
	else
		o->btf = btf;
	return o->btf ? find_externs(o, e) : 0;
}
