#include <elf.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gate/license.h"
#include "gate/module.h"

/* A namespace "module:NAME,..." stands for the modules that may use the symbol; a name may end in "*", and dashes in it are as good
 * as underscores. */
static bool names_module(const char *name_space, const char *module)
{
	char names[256];
	int n = snprintf(names, sizeof(names), "%s", name_space + strlen("module:"));

	if (n < 0 || (size_t)n >= sizeof(names))
		return false;
	for (char *p = names; *p; p++)
		*p = *p == '-' ? '_' : *p;
	for (char *rest = names, *name; (name = strsep(&rest, ","));)
		if (fnmatch(name, module, 0) == 0)
			return true;
	return false;
}

static bool may_use(const struct module *m, const struct reference_symbol *symbol)
{
	const char *name_space = symbol->name_space;

	if (!*name_space)
		return true;
	if (str_starts(name_space, "module:"))
		return names_module(name_space, m->report->module_name);
	return reference_config_on(m->expect->reference, "MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS") ||
	       modinfo_has(m->modinfo, "import_ns", name_space);
}

static void check_import(const struct module *m, const struct symbol *s)
{
	const struct reference_symbol *exported = reference_symbol(m->expect->reference, s->name);
	struct object_report *r = m->report;
	char expected[160];

	if (!exported) {
		/* The kernel leaves weak ones unresolved; the other one is no symbol of anybody's. */
		if (s->bind != STB_WEAK && strcmp(s->name, "_GLOBAL_OFFSET_TABLE_") != 0)
			finding_add(r, "symbol", "exported by the kernel or one of its modules", "'%s' is not", s->name);
		return;
	}
	if (exported->gpl && !license_is_gpl_compatible(r->license)) {
		snprintf(expected, sizeof(expected), "a licence compatible with the GPL, for '%s'", s->name);
		finding_add(r, "gpl", expected, "%s", r->license[0] ? r->license : "none");
	}
	if (!may_use(m, exported)) {
		snprintf(expected, sizeof(expected), "namespace %s imported, for '%s'", exported->name_space, s->name);
		finding_add(r, "namespace", expected, "it is not");
	}
}

void module_check_symbols(const struct module *m)
{
	const struct reference *kernel = m->expect->reference;

	for (size_t i = 0; i < m->symbols.count; i++) {
		const struct symbol *s = &m->symbols.items[i];
		if (s->section == SHN_COMMON)
			finding_add(m->report, "common", "no COMMON symbols", "'%s'", s->name);
		else if (s->section == SHN_UNDEF && kernel && reference_has_symbols(kernel))
			check_import(m, s);
	}
}
