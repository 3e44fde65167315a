/* The versions of what a module imports: a checksum over each symbol's type. They are in __versions (rows of an unsigned long and
 * 56 bytes of name), and since 6.14 where the kernel says CONFIG_EXTENDED_MODVERSIONS in __version_ext_crcs (32 bits each) and
 * __version_ext_names (the names in the same order, each with its NUL). Where a module has the latter the kernel looks at them
 * alone: kernel/module/version.c. */
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/module.h"

enum { BASIC_BYTES = 64, BASIC_CRC_BYTES = 8, EXTENDED_CRC_BYTES = 4 };

struct version {
	const char *name; /* ends with a NUL, inside the object */
	uint64_t crc;
};

struct versions {
	struct version *items; /* by name */
	size_t count;
	size_t name_bytes; /* names must be shorter to have a row; 0: any length will do */
};

static int compare_versions(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static uint64_t crc_at(const struct module *m, const char *at, size_t bytes)
{
	uint64_t wide;
	uint32_t narrow;

	if (bytes == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return m->big_endian ? be32toh(narrow) : le32toh(narrow);
	}
	memcpy(&wide, at, sizeof(wide));
	return m->big_endian ? be64toh(wide) : le64toh(wide);
}

static bool read_basic(const struct module *m, const struct section *s, struct versions *ret)
{
	for (size_t at = 0; at + BASIC_BYTES <= s->len; at += BASIC_BYTES) {
		const char *name = s->bytes + at + BASIC_CRC_BYTES;
		if (!memchr(name, '\0', BASIC_BYTES - BASIC_CRC_BYTES))
			return false;
		ret->items[ret->count++] = (struct version){ name, crc_at(m, s->bytes + at, BASIC_CRC_BYTES) };
	}
	return s->len % BASIC_BYTES == 0;
}

static bool read_extended(const struct module *m, const struct section *crcs, const struct section *names, struct versions *ret)
{
	size_t name = 0;

	for (size_t at = 0; at + EXTENDED_CRC_BYTES <= crcs->len; at += EXTENDED_CRC_BYTES) {
		size_t len = strnlen(names->bytes + name, names->len - name);
		if (name + len >= names->len)
			return false;
		ret->items[ret->count++] = (struct version){ names->bytes + name, crc_at(m, crcs->bytes + at, EXTENDED_CRC_BYTES) };
		name += len + 1;
	}
	return crcs->len % EXTENDED_CRC_BYTES == 0;
}

static const struct version *find_version(const struct versions *v, const char *name)
{
	const struct version key = { .name = name };

	return v->count ? bsearch(&key, v->items, v->count, sizeof(key), compare_versions) : NULL;
}

/* One symbol, as a table of versions has it. */
static void check_symbol(const struct module *m, const struct versions *v, const char *name)
{
	const struct reference_symbol *exported = reference_symbol(m->expect->reference, name);
	const struct version *version = find_version(v, name);
	char expected[160];

	/* What nobody exports is a finding elsewhere; a kernel that has no version of a symbol wants none. */
	if (!exported || (!version && exported->crc == 0))
		return;
	if (!version && v->name_bytes && strlen(name) >= v->name_bytes)
		return;
	if (version && version->crc == exported->crc)
		return;
	snprintf(expected, sizeof(expected), "0x%08x for '%s'", exported->crc, name);
	if (version)
		finding_add(m->report, "crc", expected, "0x%08llx", (unsigned long long)version->crc);
	else
		finding_add(m->report, "versions", expected, "no version of it");
}

static void check_table(const struct module *m, struct versions *v)
{
	qsort(v->items, v->count, sizeof(*v->items), compare_versions);
	/* Stands for the layout of what kernel and modules share. Nobody refers to it. */
	check_symbol(m, v, "module_layout");
	for (size_t i = 0; i < m->symbols.count; i++) {
		const struct symbol *s = &m->symbols.items[i];
		if (s->section == SHN_UNDEF && s->name[0])
			check_symbol(m, v, s->name);
	}
}

/* name_bytes: as in struct versions. */
static int check_section(const struct module *m, const struct section *s, const struct section *names, size_t name_bytes,
			 struct err *e)
{
	size_t row = names ? EXTENDED_CRC_BYTES : BASIC_BYTES;
	cleanup_free struct version *items = calloc(s->len / row + 1, sizeof(*items));
	struct versions v = { .items = items, .name_bytes = name_bytes };

	if (!items)
		return err_no_memory(e);
	if (!(names ? read_extended(m, s, names, &v) : read_basic(m, s, &v))) {
		finding_add(m->report, "versions", "whole rows of checksums and names", "%s is damaged", s->name);
		return 0;
	}
	check_table(m, &v);
	return 0;
}

int module_check_versions(const struct module *m, struct err *e)
{
	const struct section *basic = section_find(m->list, "__versions");
	const struct section *crcs = section_find(m->list, "__version_ext_crcs");
	const struct section *names = section_find(m->list, "__version_ext_names");
	const struct reference *kernel = m->expect->reference;

	if (!kernel || !reference_has_symbols(kernel) || !reference_config_on(kernel, "MODVERSIONS"))
		return 0;
	if (!basic && !crcs) {
		finding_add(m->report, "versions", "section __versions, as the kernel has CONFIG_MODVERSIONS", "none");
		return 0;
	}
	if (!crcs != !names) {
		finding_add(m->report, "versions", "__version_ext_crcs and __version_ext_names", "only %s",
			    crcs ? crcs->name : names->name);
		return 0;
	}
	/* Beside the extended form, names that are too long for a row are left out. */
	if (basic && check_section(m, basic, NULL, crcs ? BASIC_BYTES - BASIC_CRC_BYTES : 0, e) < 0)
		return -1;
	return crcs ? check_section(m, crcs, names, 0, e) : 0;
}
