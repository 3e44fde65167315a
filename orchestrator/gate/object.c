#include "gate/object.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gate/checks.h"

/* What the header must say. False: it makes no sense to look further. */
static bool check_header(Elf *elf, const struct gate_expect *expect, struct object_report *r)
{
	uint16_t machine = expect->kind == KIND_BPF ? EM_BPF : expect->elf_machine;
	int data = expect->elf_machine == EM_S390 ? ELFDATA2MSB : ELFDATA2LSB;
	char wanted[32];
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
		finding_add(r, "format", "an ELF file", "something else");
		return false;
	}
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		finding_add(r, "class", "ELF64", "class %d", header.e_ident[EI_CLASS]);
	if (header.e_ident[EI_DATA] != data)
		finding_add(r, "byte order", data == ELFDATA2LSB ? "little-endian" : "big-endian", "%d", header.e_ident[EI_DATA]);
	if (header.e_type != ET_REL)
		finding_add(r, "type", "relocatable (1)", "type %u", header.e_type);
	snprintf(wanted, sizeof(wanted), "%u", machine);
	if (header.e_machine != machine)
		finding_add(r, "machine", wanted, "%u", header.e_machine);
	return r->finding_count == 0;
}

static bool is_debug_section(const char *name)
{
	if (str_starts(name, ".rela"))
		name += 5;
	else if (str_starts(name, ".rel"))
		name += 4;
	return str_starts(name, ".debug_") || str_starts(name, ".zdebug_");
}

/* Loadable objects of both kinds have a symbol table, and no debug information after stripping. */
static void check_common(const struct section_list *list, struct object_report *r)
{
	const char *debug = NULL;
	bool symbols = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct section *s = &list->items[i];
		if (!debug && is_debug_section(s->name))
			debug = s->name;
		symbols |= s->type == SHT_SYMTAB && s->len > 0;
	}
	if (debug)
		finding_add(r, "debug", "no debug information", "section %s", debug);
	if (!symbols)
		finding_add(r, "symbols", "a symbol table", "none");
}

static int check_sections(Elf *elf, const void *bytes, size_t len, const struct gate_expect *expect, struct object_report *r,
			  struct err *e)
{
	cleanup_section_list struct section_list list = { 0 };
	char oddity[128];

	if (section_list_read(elf, bytes, len, &list, oddity, sizeof(oddity), e) < 0)
		return -1;
	if (oddity[0]) {
		finding_add(r, "sections", "sound section headers", "%s", oddity);
		return 0;
	}
	check_common(&list, r);
	if (expect->kind == KIND_BPF)
		return bpf_check(&list, expect, r, e);
	return module_check(&list, expect, r, e);
}

int object_check(const void *bytes, size_t len, const struct gate_expect *expect, struct object_report *ret, struct err *e)
{
	struct object_report report = { 0 };
	int rc = 0;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_set(e, ERR_SYSTEM, "libelf is too old");
	if (len == 0 || len > OBJECT_BYTES_MAX) {
		finding_add(&report, "size", "1 byte to 64 MiB", "%zu bytes", len);
		*ret = report;
		return 0;
	}
	/* Read-only use: libelf copies what it would have to change. */
	Elf *elf = elf_memory((char *)bytes, len);
	if (!elf)
		finding_add(&report, "format", "an ELF file", "%s", elf_errmsg(-1));
	else if (check_header(elf, expect, &report))
		rc = check_sections(elf, bytes, len, expect, &report, e);
	elf_end(elf);
	if (rc == 0)
		*ret = report;
	return rc;
}
