#include "gate/object.h"

#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gate/sections.h"

/* Copies len bytes as printable ASCII, cut to fit. */
static void copy_printable(char *ret, size_t room, const char *bytes, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < room; n++)
		ret[n] = bytes[n] >= 0x20 && bytes[n] < 0x7f ? bytes[n] : '?';
	ret[n] = '\0';
}

static void add_finding(struct object_report *r, const char *what, const char *expected, const char *format, ...) printf_like(4, 5);

static void add_finding(struct object_report *r, const char *what, const char *expected, const char *format, ...)
{
	char found[256];
	va_list args;

	if (r->finding_count == FINDINGS_MAX)
		return;
	struct finding *f = &r->findings[r->finding_count++];
	va_start(args, format);
	int n = vsnprintf(found, sizeof(found), format, args);
	va_end(args);
	f->what = what;
	copy_printable(f->expected, sizeof(f->expected), expected, strlen(expected));
	copy_printable(f->found, sizeof(f->found), found, n < 0 ? 0 : strlen(found));
}

/* What the header must say. False: it makes no sense to look further. */
static bool check_header(Elf *elf, const struct gate_expect *expect, struct object_report *r)
{
	uint16_t machine = expect->kind == KIND_BPF ? EM_BPF : expect->elf_machine;
	int data = expect->elf_machine == EM_S390 ? ELFDATA2MSB : ELFDATA2LSB;
	char wanted[32];
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
		add_finding(r, "format", "an ELF file", "something else");
		return false;
	}
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		add_finding(r, "class", "ELF64", "class %d", header.e_ident[EI_CLASS]);
	if (header.e_ident[EI_DATA] != data)
		add_finding(r, "byte order", data == ELFDATA2LSB ? "little-endian" : "big-endian", "%d", header.e_ident[EI_DATA]);
	if (header.e_type != ET_REL)
		add_finding(r, "type", "relocatable (1)", "type %u", header.e_type);
	snprintf(wanted, sizeof(wanted), "%u", machine);
	if (header.e_machine != machine)
		add_finding(r, "machine", wanted, "%u", header.e_machine);
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
		add_finding(r, "debug", "no debug information", "section %s", debug);
	if (!symbols)
		add_finding(r, "symbols", "a symbol table", "none");
}

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

static void check_module(const struct section_list *list, const struct gate_expect *expect, struct object_report *r)
{
	const struct section *modinfo = section_find(list, ".modinfo");
	size_t release_len = strlen(expect->release);

	take_modinfo(modinfo, "vermagic", r->vermagic, sizeof(r->vermagic));
	take_modinfo(modinfo, "license", r->license, sizeof(r->license));
	take_modinfo(modinfo, "name", r->module_name, sizeof(r->module_name));
	if (strncmp(r->vermagic, expect->release, release_len) != 0 || r->vermagic[release_len] != ' ')
		add_finding(r, "vermagic", expect->release, "%s", r->vermagic[0] ? r->vermagic : "none");
	if (!r->license[0])
		add_finding(r, "license", "a license", "none");
	if (!r->module_name[0] || (expect->module_name && strcmp(r->module_name, expect->module_name) != 0))
		add_finding(r, "name", expect->module_name ? expect->module_name : "a name", "%s",
			    r->module_name[0] ? r->module_name : "none");
	const struct section *self = section_find(list, ".gnu.linkonce.this_module");
	if (!self || self->len == 0)
		add_finding(r, "module", "section .gnu.linkonce.this_module", "none");
}

static void check_bpf(const struct section_list *list, struct object_report *r)
{
	enum { INSTRUCTION_BYTES = 8 };
	const struct section *license = section_find(list, "license");

	for (size_t i = 0; i < list->count; i++) {
		const struct section *s = &list->items[i];
		if (s->type != SHT_PROGBITS || !(s->flags & SHF_EXECINSTR) || s->len == 0)
			continue;
		if (s->len % INSTRUCTION_BYTES)
			add_finding(r, "instructions", "whole instructions of 8 bytes", "%zu bytes in %s", s->len, s->name);
		/* .text holds functions that programs call, never a program. */
		else if (strcmp(s->name, ".text") != 0)
			r->programs++;
	}
	if (r->programs == 0)
		add_finding(r, "programs", "at least one program section", "none");
	if (license)
		copy_printable(r->license, sizeof(r->license), license->bytes, strnlen(license->bytes, license->len));
	if (!r->license[0])
		add_finding(r, "license", "a non-empty license section", license ? "an empty one" : "none");
}

static int check_sections(Elf *elf, const void *bytes, size_t len, const struct gate_expect *expect, struct object_report *r,
			  struct err *e)
{
	cleanup_section_list struct section_list list = { 0 };
	char oddity[128];

	if (section_list_read(elf, bytes, len, &list, oddity, sizeof(oddity), e) < 0)
		return -1;
	if (oddity[0]) {
		add_finding(r, "sections", "sound section headers", "%s", oddity);
		return 0;
	}
	check_common(&list, r);
	if (expect->kind == KIND_BPF)
		check_bpf(&list, r);
	else
		check_module(&list, expect, r);
	return 0;
}

int object_check(const void *bytes, size_t len, const struct gate_expect *expect, struct object_report *ret, struct err *e)
{
	struct object_report report = { 0 };
	int rc = 0;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_set(e, ERR_SYSTEM, "libelf is too old");
	if (len == 0 || len > OBJECT_BYTES_MAX) {
		add_finding(&report, "size", "1 byte to 64 MiB", "%zu bytes", len);
		*ret = report;
		return 0;
	}
	/* Read-only use: libelf copies what it would have to change. */
	Elf *elf = elf_memory((char *)bytes, len);
	if (!elf)
		add_finding(&report, "format", "an ELF file", "%s", elf_errmsg(-1));
	else if (check_header(elf, expect, &report))
		rc = check_sections(elf, bytes, len, expect, &report, e);
	elf_end(elf);
	if (rc == 0)
		*ret = report;
	return rc;
}
