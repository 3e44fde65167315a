#include "kernel/arch.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

static const struct arch arches[] = {
	{ "amd64", "x86", "amd64", { "x86", "x86_64" }, EM_X86_64 },
	{ "arm64", "arm64", "arm64", { "arm64" }, EM_AARCH64 },
};

static const char *const names[] = { "amd64", "arm64", NULL };

_Static_assert(ARRAY_LEN(names) == ARRAY_LEN(arches) + 1, "every architecture has its name in the list of names");

const struct arch *arch_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (strcmp(arches[i].name, name) == 0)
			return &arches[i];
	return NULL;
}

bool arch_is_configured(const struct arch *arch, const char *config)
{
	for (size_t i = 0; i < ARRAY_LEN(arch->config); i++)
		if (arch->config[i] && strcmp(arch->config[i], config) == 0)
			return true;
	return false;
}

const char *const *arch_names(void)
{
	return names;
}
