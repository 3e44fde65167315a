#include "gate/module.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "gate/reference.h"
#include "gate/vermagic.h"

enum {
	LOADED_BYTES_MAX = 64 << 20,
	/* struct module begins with an enum and a list_head, on 64 bits, then its name. */
	SELF_NAME_AT = 24,
	SELF_NAME_BYTES = 56,
};

const char *modinfo_next(const struct section *modinfo, const char *key, size_t *at, size_t *ret_len)
{
	size_t key_len = strlen(key);

	while (modinfo && *at < modinfo->len) {
		const char *item = modinfo->bytes + *at;
		size_t len = strnlen(item, modinfo->len - *at);
		*at += len + 1;
		if (len > key_len && item[key_len] == '=' && memcmp(item, key, key_len) == 0) {
			*ret_len = len - key_len - 1;
			return item + key_len + 1;
		}
	}
	return NULL;
}

bool modinfo_has(const struct section *modinfo, const char *key, const char *value)
{
	size_t at = 0, len = 0;
	const char *found;

	while ((found = modinfo_next(modinfo, key, &at, &len)))
		if (len == strlen(value) && memcmp(found, value, len) == 0)
			return true;
	return false;
}

static void take_modinfo(const struct module *m, const char *key, char *ret, size_t room)
{
	size_t at = 0, len = 0;
	const char *value = modinfo_next(m->modinfo, key, &at, &len);

	if (value)
		copy_printable(ret, room, value, len);
}

static void check_vermagic(const struct module *m)
{
	struct object_report *r = m->report;
	struct vermagic wanted;
	const char *found = r->vermagic;

	vermagic_expected(m->expect->reference, m->expect->release, m->expect->elf_machine, &wanted);
	size_t len = strlen(wanted.text);
	if (found[0] && strncmp(found, wanted.text, len) == 0 && !(wanted.whole && found[len]))
		return;
	/* Of the blank at the end only the program has use. */
	if (len)
		wanted.text[len - 1] = '\0';
	finding_add(r, "vermagic", len ? wanted.text : "a vermagic", "%s", found[0] ? found : "none");
}

/* The name stands twice: for tools, and for the kernel. Kernels before 4.13 have only the latter. */
static void check_name(const struct module *m)
{
	const struct section *self = section_find(m->list, ".gnu.linkonce.this_module");
	struct object_report *r = m->report;
	const struct reference *kernel = m->expect->reference;
	const char *wanted = m->expect->module_name;
	char kept[SELF_NAME_BYTES + 1] = "";

	if (!self || self->len == 0)
		finding_add(r, "module", "section .gnu.linkonce.this_module", "none");
	else if (self->len >= SELF_NAME_AT + SELF_NAME_BYTES && !(kernel && reference_layout_is_random(kernel)))
		copy_printable(kept, sizeof(kept), self->bytes + SELF_NAME_AT,
			       strnlen(self->bytes + SELF_NAME_AT, SELF_NAME_BYTES));
	if (!r->module_name[0])
		memcpy(r->module_name, kept, sizeof(kept));
	if (!r->module_name[0] || (wanted && strcmp(r->module_name, wanted) != 0))
		finding_add(r, "name", wanted ? wanted : "a name", "%s", r->module_name[0] ? r->module_name : "none");
	else if (kept[0] && strcmp(kept, r->module_name) != 0)
		finding_add(r, "name", r->module_name, "%s in .gnu.linkonce.this_module", kept);
}

static void check_size(const struct module *m)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < m->list->count && bytes <= LOADED_BYTES_MAX; i++) {
		const struct section *s = &m->list->items[i];
		if (s->flags & SHF_ALLOC)
			bytes = s->size > LOADED_BYTES_MAX ? s->size : bytes + s->size;
	}
	if (bytes > LOADED_BYTES_MAX)
		finding_add(m->report, "size", "at most 64 MiB when loaded", "%llu bytes or more", (unsigned long long)bytes);
}

static int check_against_kernel(struct module *m, struct err *e)
{
	if (symbol_list_read(m->list, m->big_endian, &m->symbols, e) < 0)
		return -1;
	module_check_symbols(m);
	module_check_code(m);
	module_check_texts(m);
	return module_check_versions(m, e);
}

int module_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r, struct err *e)
{
	struct module m = {
		.list = list,
		.expect = expect,
		.report = r,
		.modinfo = section_find(list, ".modinfo"),
		.big_endian = expect->elf_machine == EM_S390,
	};

	take_modinfo(&m, "vermagic", r->vermagic, sizeof(r->vermagic));
	take_modinfo(&m, "license", r->license, sizeof(r->license));
	take_modinfo(&m, "name", r->module_name, sizeof(r->module_name));
	check_vermagic(&m);
	if (!r->license[0])
		finding_add(r, "license", "a license", "none");
	check_name(&m);
	check_size(&m);
	int rc = check_against_kernel(&m, e);
	symbol_list_release(&m.symbols);
	return rc;
}
