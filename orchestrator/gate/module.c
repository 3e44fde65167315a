#include <string.h>

#include "gate/checks.h"

/* .modinfo is a row of NUL-terminated key=value texts. NULL when there is no such key; *ret_len excludes the NUL. */
static const char *modinfo_value(const struct section *s, const char *key, size_t *ret_len)
{
	size_t key_len = strlen(key);

	for (size_t at = 0; at < s->len;) {
		const char *item = s->bytes + at;
		size_t len = strnlen(item, s->len - at);
		if (len > key_len && item[key_len] == '=' && memcmp(item, key, key_len) == 0) {
			*ret_len = len - key_len - 1;
			return item + key_len + 1;
		}
		at += len + 1;
	}
	return NULL;
}

static void take_modinfo(const struct section *s, const char *key, char *ret, size_t room)
{
	size_t len = 0;
	const char *value = s ? modinfo_value(s, key, &len) : NULL;

	if (value)
		copy_printable(ret, room, value, len);
}

void module_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r)
{
	const struct section *modinfo = section_find(list, ".modinfo");
	size_t release_len = strlen(expect->release);

	take_modinfo(modinfo, "vermagic", r->vermagic, sizeof(r->vermagic));
	take_modinfo(modinfo, "license", r->license, sizeof(r->license));
	take_modinfo(modinfo, "name", r->module_name, sizeof(r->module_name));
	if (strncmp(r->vermagic, expect->release, release_len) != 0 || r->vermagic[release_len] != ' ')
		finding_add(r, "vermagic", expect->release, "%s", r->vermagic[0] ? r->vermagic : "none");
	if (!r->license[0])
		finding_add(r, "license", "a license", "none");
	if (!r->module_name[0] || (expect->module_name && strcmp(r->module_name, expect->module_name) != 0))
		finding_add(r, "name", expect->module_name ? expect->module_name : "a name", "%s",
			    r->module_name[0] ? r->module_name : "none");
	const struct section *self = section_find(list, ".gnu.linkonce.this_module");
	if (!self || self->len == 0)
		finding_add(r, "module", "section .gnu.linkonce.this_module", "none");
}
