#include <elf.h>
#include <string.h>

#include "gate/checks.h"

void bpf_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r)
{
	enum { INSTRUCTION_BYTES = 8 };
	(void)expect;
	const struct section *license = section_find(list, "license");

	for (size_t i = 0; i < list->count; i++) {
		const struct section *s = &list->items[i];
		if (s->type != SHT_PROGBITS || !(s->flags & SHF_EXECINSTR) || s->len == 0)
			continue;
		if (s->len % INSTRUCTION_BYTES)
			finding_add(r, "instructions", "whole instructions of 8 bytes", "%zu bytes in %s", s->len, s->name);
		/* .text holds functions that programs call, never a program. */
		else if (strcmp(s->name, ".text") != 0)
			r->programs++;
	}
	if (r->programs == 0)
		finding_add(r, "programs", "at least one program section", "none");
	if (license)
		copy_printable(r->license, sizeof(r->license), license->bytes, strnlen(license->bytes, license->len));
	if (!r->license[0])
		finding_add(r, "license", "a non-empty license section", license ? "an empty one" : "none");
}
