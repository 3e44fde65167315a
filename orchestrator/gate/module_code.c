#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/module.h"

static bool imports(const struct module *m, const char *name)
{
	for (size_t i = 0; i < m->symbols.count; i++)
		if (m->symbols.items[i].section == SHN_UNDEF && strcmp(m->symbols.items[i].name, name) == 0)
			return true;
	return false;
}

static bool has_code(const struct module *m)
{
	for (size_t i = 0; i < m->list->count; i++) {
		const struct section *s = &m->list->items[i];
		if (s->type == SHT_PROGBITS && (s->flags & SHF_EXECINSTR) && s->len > 0)
			return true;
	}
	return false;
}

/* A setting that has been renamed. */
static bool either(const struct reference *kernel, const char *now, const char *before)
{
	return reference_config_on(kernel, now) || reference_config_on(kernel, before);
}

/* From 4.16 until the compiler's abilities became settings (4.18) its own one was no setting, only which of them is wanted. */
static bool has_stack_protector(const struct reference *kernel)
{
	static const char *const settings[] = { "STACKPROTECTOR", "CC_STACKPROTECTOR", "CC_STACKPROTECTOR_REGULAR",
						"CC_STACKPROTECTOR_STRONG", "CC_STACKPROTECTOR_AUTO" };

	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (reference_config_on(kernel, settings[i]))
			return true;
	return false;
}

void module_check_code(const struct module *m)
{
	const struct reference *kernel = m->expect->reference;

	if (!kernel || !reference_has_config(kernel))
		return;
	if (m->expect->elf_machine == EM_X86_64) {
		if (either(kernel, "MITIGATION_RETPOLINE", "RETPOLINE") && !modinfo_has(m->modinfo, "retpoline", "Y"))
			finding_add(m->report, "retpoline", "retpoline=Y in .modinfo, as the kernel's config asks", "none");
		if (either(kernel, "MITIGATION_RETHUNK", "RETHUNK") && has_code(m) && !imports(m, "__x86_return_thunk"))
			finding_add(m->report, "return thunk", "returns by way of __x86_return_thunk, as the kernel's config asks",
				    "it is not imported");
	}
	if (!has_stack_protector(kernel) && imports(m, "__stack_chk_fail"))
		finding_add(m->report, "stack protector", "none, as the kernel's config has it off",
			    "__stack_chk_fail is imported");
}
