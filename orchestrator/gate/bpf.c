/* What an eBPF object is checked for, in turn. */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/bpf_btf.h"
#include "gate/bpf_code.h"
#include "gate/bpf_elf.h"
#include "gate/bpf_facts.h"
#include "gate/bpf_map.h"
#include "gate/bpf_relocation.h"
#include "gate/checks.h"
#include "gate/license.h"

/* .text holds functions that programs call, never a program. */
static bool is_program(const struct section *s)
{
	return bpf_section_is_code(s) && strcmp(s->name, ".text") != 0;
}

static void check_programs(const struct bpf_elf *o)
{
	for (size_t i = 0; i < o->list->count; i++) {
		const struct section *s = &o->list->items[i];
		if (!is_program(s))
			continue;
		const char *identifier = bpf_program_identifier(s->name);
		if (identifier)
			bpf_kernel_needs(o, "program type", identifier, s->name);
		else
			finding_add(o->report, "program section", "a section that loaders know", "%s", s->name);
		o->report->programs++;
	}
	if (o->report->programs == 0)
		finding_add(o->report, "programs", "at least one program section", "none");
}

static int check_code(const struct bpf_elf *o, const char **ret_gpl_helper, struct err *e)
{
	for (size_t i = 1; i <= o->list->count; i++)
		if (bpf_section_is_code(section_at(o->list, i)) && bpf_code_check(o, i, ret_gpl_helper, e) < 0)
			return -1;
	return 0;
}

static void check_license(const struct bpf_elf *o, const char *gpl_helper)
{
	const struct section *s = section_find(o->list, "license");
	struct object_report *r = o->report;
	char found[96];

	if (s)
		copy_printable(r->license, sizeof(r->license), s->bytes, strnlen(s->bytes, s->len));
	if (!r->license[0])
		finding_add(r, "license", "a non-empty license section", s ? "an empty one" : "none");
	else if (gpl_helper && !license_is_gpl_compatible(r->license)) {
		snprintf(found, sizeof(found), "a licence compatible with the GPL, for the helper %s", gpl_helper);
		finding_add(r, "license", found, "%s", r->license);
	}
}

static bool has_probe(const struct bpf_elf *o)
{
	for (size_t i = 0; i < o->list->count; i++) {
		const char *identifier = is_program(&o->list->items[i]) ? bpf_program_identifier(o->list->items[i].name) : NULL;
		if (identifier && strcmp(identifier, "BPF_PROG_TYPE_KPROBE") == 0)
			return true;
	}
	return false;
}

static bool has_old_maps(const struct bpf_elf *o)
{
	for (size_t i = 0; i < o->list->count; i++)
		if (bpf_section_is_old_maps(&o->list->items[i]))
			return true;
	return false;
}

/* Before 5.0 a kernel takes programs for probes only with its own LINUX_VERSION_CODE. Loaders that know .maps ask the kernel for it
 * where the object does not have it. What a release tells of the code's last part, nobody can rely on. */
static void check_version(const struct bpf_elf *o)
{
	const struct section *s = section_find(o->list, "version");
	unsigned major, minor;
	char expected[64];
	int read = 0;

	if (sscanf(o->expect->release, "%3u.%3u%n", &major, &minor, &read) != 2 || !read || major >= 5 || !has_probe(o))
		return;
	if (!s && !has_old_maps(o))
		return;
	snprintf(expected, sizeof(expected), "the version code of %u.%u in section version", major, minor);
	if (!s || s->len != sizeof(uint32_t)) {
		finding_add(o->report, "version", expected, s ? "one of %zu bytes" : "no such section", s ? s->len : 0);
		return;
	}
	uint32_t code = bpf_u32(o, s->bytes);
	if (code >> 16 != major || (code >> 8 & 0xff) != minor)
		finding_add(o->report, "version", expected, "that of %u.%u", code >> 16, code >> 8 & 0xff);
}

int bpf_check(const struct section_list *list, const struct gate_expect *expect, struct object_report *r, struct err *e)
{
	cleanup_bpf_elf struct bpf_elf o = { 0 };
	const char *gpl_helper = NULL;

	if (bpf_elf_read(list, expect, r, &o, e) < 0 || bpf_btf_read(&o, e) < 0 || check_code(&o, &gpl_helper, e) < 0)
		return -1;
	check_programs(&o);
	check_license(&o, gpl_helper);
	check_version(&o);
	bpf_maps_check(&o);
	return bpf_btf_ext_check(&o, e) < 0 ? -1 : bpf_map_relocations_check(&o, e);
}
