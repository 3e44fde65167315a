#include "gate/vermagic.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gate/reference.h"

/* The setting that a line `#ifdef CONFIG_X`, `#if defined(CONFIG_X)` or `#elif defined(CONFIG_X)` asks for. */
static bool condition_holds(const char *line, size_t len, const struct reference *config)
{
	static const char prefix[] = "CONFIG_";
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	const char *name = memmem(line, len, prefix, strlen(prefix));
	char option[128];

	if (!name)
		return false;
	name += strlen(prefix);
	size_t name_len = strspn(name, letters);
	if (name_len >= sizeof(option))
		return false;
	memcpy(option, name, name_len);
	option[name_len] = '\0';
	return reference_config_on(config, option);
}

/* The string of a line `#define MACRO "string"`. */
static bool defined_string(const char *line, size_t len, const char *macro, char *ret, size_t room)
{
	static const char define[] = "#define ";
	size_t macro_len = strlen(macro), at = strlen(define);

	if (len <= at + macro_len || memcmp(line, define, at) != 0 || memcmp(line + at, macro, macro_len) != 0)
		return false;
	const char *open = memchr(line + at + macro_len, '"', len - at - macro_len);
	/* A longer name, or nothing but blanks between. */
	if (!open || strspn(line + at + macro_len, " \t") != (size_t)(open - line) - at - macro_len || line[at + macro_len] == '"')
		return false;
	const char *close = memchr(open + 1, '"', len - (size_t)(open + 1 - line));
	if (!close || (size_t)(close - open) > room)
		return false;
	memcpy(ret, open + 1, (size_t)(close - open) - 1);
	ret[close - open - 1] = '\0';
	return true;
}

bool vermagic_part(const char *text, const struct reference *config, const char *macro, char *ret, size_t room)
{
	bool holds = true, held = false; /* of an #if and its #elif: this one; one before it */

	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		size_t len = (size_t)(end - line);
		if (str_starts(line, "#ifndef")) {
			held = holds = !condition_holds(line, len, config);
		} else if (str_starts(line, "#if")) {
			held = holds = condition_holds(line, len, config);
		} else if (str_starts(line, "#elif")) {
			holds = !held && condition_holds(line, len, config);
			held = held || holds;
		} else if (str_starts(line, "#else")) {
			holds = !held;
		} else if (str_starts(line, "#endif")) {
			holds = true;
		} else if (holds && defined_string(line, len, macro, ret, room)) {
			return true;
		}
	}
	return false;
}

static void add(struct vermagic *v, const char *part)
{
	size_t len = strlen(v->text);

	snprintf(v->text + len, sizeof(v->text) - len, "%s", part);
}

/* MODULE_ARCH_VERMAGIC, of arch/<...>/include/asm/vermagic.h (asm/module.h before 5.8). */
static const char *arch_part(uint16_t elf_machine)
{
	return elf_machine == EM_X86_64 ? "" : elf_machine == EM_AARCH64 ? "aarch64" : NULL;
}

void vermagic_expected(const struct reference *kernel, const char *release, uint16_t elf_machine, struct vermagic *ret)
{
	static const char *const macros[] = { "MODULE_VERMAGIC_SMP", "MODULE_VERMAGIC_PREEMPT", "MODULE_VERMAGIC_MODULE_UNLOAD",
					      "MODULE_VERMAGIC_MODVERSIONS" };
	const char *arch = arch_part(elf_machine);
	char part[64];

	*ret = (struct vermagic){ 0 };
	/* With some distros only the packages tell, and not all of them. */
	add(ret, *release || !kernel ? release : reference_release(kernel));
	if (!ret->text[0])
		return;
	add(ret, " ");
	for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
		if (!kernel || !reference_vermagic_part(kernel, macros[i], part, sizeof(part)))
			return;
		add(ret, part);
	}
	/* Some vendors' kernels have one more word here, by how the compiler was called; others end with a random number. */
	if (!arch || reference_vermagic_names(kernel, "MODULE_VERMAGIC_RETPOLINE"))
		return;
	add(ret, arch);
	ret->whole = !reference_layout_is_random(kernel);
}
