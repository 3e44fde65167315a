#include "gate/object.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

static const struct gate_expect module = { KIND_MOD, "6.1.0-x", EM_X86_64, "probe", NULL };
static const struct gate_expect bpf = { KIND_BPF, "6.1.0-x", EM_X86_64, NULL, NULL };

static void check(const struct buf *object, const struct gate_expect *expect, struct object_report *ret)
{
	struct err e = { 0 };

	cr_assert_eq(object_check(object->data, object->len, expect, ret, &e), 0, "%s", e.message);
}

/* The first finding must be the one; "" is none. */
static void expect_finding(const struct buf *object, const struct gate_expect *expect, const char *what, const char *found,
			   const char *label)
{
	struct object_report r;

	check(object, expect, &r);
	cr_expect_str_eq(r.finding_count ? r.findings[0].what : "", what, "%s: %s: %s", label,
			 r.finding_count ? r.findings[0].what : "", r.finding_count ? r.findings[0].found : "");
	if (r.finding_count && found)
		cr_expect(strstr(r.findings[0].found, found), "%s: found %s", label, r.findings[0].found);
}

Test(object, good_ones_pass)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf o = { 0 };
	struct object_report r;

	make_module(&mod);
	check(&mod, &module, &r);
	cr_expect_eq(r.finding_count, 0u, "%s: %s", r.findings[0].what, r.findings[0].found);
	cr_expect_str_eq(r.vermagic, "6.1.0-x SMP preempt ");
	cr_expect_str_eq(r.license, "GPL");
	cr_expect_str_eq(r.module_name, "probe");
	make_bpf(&o);
	check(&o, &bpf, &r);
	cr_expect_eq(r.finding_count, 0u, "%s: %s", r.findings[0].what, r.findings[0].found);
	cr_expect_eq(r.programs, 1u);
	cr_expect_str_eq(r.license, "GPL");
}

Test(object, modules_that_do_not_fit)
{
	static const struct {
		const char *label;
		struct part parts[5];
		const char *what, *found;
	} rows[] = {
		{ "other release",
		  { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-y SMP"), THIS_MODULE, NO_MORE },
		  "vermagic",
		  "6.1.0-y SMP" },
		{ "longer release",
		  { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x2 SMP"), THIS_MODULE, NO_MORE },
		  "vermagic",
		  "6.1.0-x2" },
		{ "release alone",
		  { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x"), THIS_MODULE, NO_MORE },
		  "vermagic",
		  "6.1.0-x" },
		{ "no vermagic", { MODINFO("license=GPL\0name=probe"), THIS_MODULE, NO_MORE }, "vermagic", "none" },
		{ "part of a key",
		  { MODINFO("license=GPL\0name=probe\0xvermagic=6.1.0-x SMP"), THIS_MODULE, NO_MORE },
		  "vermagic",
		  "none" },
		{ "no license", { MODINFO("name=probe\0vermagic=6.1.0-x SMP"), THIS_MODULE, NO_MORE }, "license", "none" },
		{ "empty license",
		  { MODINFO("license=\0name=probe\0vermagic=6.1.0-x SMP"), THIS_MODULE, NO_MORE },
		  "license",
		  "none" },
		{ "other name",
		  { MODINFO("license=GPL\0name=other\0vermagic=6.1.0-x SMP"), THIS_MODULE, NO_MORE },
		  "name",
		  "other" },
		{ "no modinfo", { THIS_MODULE, NO_MORE }, "vermagic", "none" },
		{ "no module", { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x SMP"), NO_MORE }, "module", "none" },
		{ "terminal escapes",
		  { MODINFO("license=GPL\0name=probe\0vermagic=\033[2J SMP"), THIS_MODULE, NO_MORE },
		  "vermagic",
		  "?[2J SMP" },
		{ "debug left",
		  { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x SMP"),
		    THIS_MODULE,
		    { ".debug_info", SHT_PROGBITS, 0, "x", 1 },
		    NO_MORE },
		  "debug",
		  ".debug_info" },
		{ "debug relocations",
		  { MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x SMP"),
		    THIS_MODULE,
		    { ".rela.debug_line", SHT_RELA, 0, "x", 1 },
		    NO_MORE },
		  "debug",
		  ".rela.debug_line" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		make_object(EM_X86_64, rows[i].parts, &object);
		expect_finding(&object, &module, rows[i].what, rows[i].found, rows[i].label);
	}
}

Test(object, bpf_objects_that_do_not_fit)
{
	static const struct {
		const char *label;
		struct part parts[4];
		const char *what, *found;
	} rows[] = {
		{ "no program", { LICENSE("GPL"), NO_MORE }, "programs", "none" },
		{ "functions only", { PROGRAM(".text"), LICENSE("GPL"), NO_MORE }, "programs", "none" },
		{ "empty program",
		  { { "kprobe/x", SHT_PROGBITS, SHF_EXECINSTR, "", 0 }, LICENSE("GPL"), NO_MORE },
		  "programs",
		  "none" },
		{ "half an instruction",
		  { { "kprobe/x", SHT_PROGBITS, SHF_EXECINSTR, "0123456789ab", 12 }, LICENSE("GPL"), NO_MORE },
		  "instructions",
		  "12 bytes in kprobe/x" },
		{ "no license", { PROGRAM("kprobe/x"), NO_MORE }, "license", "none" },
		{ "empty license", { PROGRAM("kprobe/x"), LICENSE(""), NO_MORE }, "license", "an empty one" },
		{ "license without bytes",
		  { PROGRAM("kprobe/x"), { "license", SHT_NOBITS, 0, NULL, 4 }, NO_MORE },
		  "license",
		  "none" },
		{ "debug left",
		  { PROGRAM("kprobe/x"), LICENSE("GPL"), { ".debug_str", SHT_PROGBITS, 0, "x", 1 }, NO_MORE },
		  "debug",
		  ".debug_str" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		make_object(EM_BPF, rows[i].parts, &object);
		expect_finding(&object, &bpf, rows[i].what, rows[i].found, rows[i].label);
	}
}

/* A signature stands behind the module (module-signing.rst), where no section is. */
Test(object, bytes_behind_the_last_section_do_no_harm)
{
	cleanup_buf struct buf mod = { 0 };
	struct object_report r;
	struct err e;

	make_module(&mod);
	cr_assert_eq(buf_puts(&mod, "signature~Module signature appended~\n", &e), 0);
	check(&mod, &module, &r);
	cr_expect_eq(r.finding_count, 0u, "%s", r.findings[0].what);
}

Test(object, wrong_headers)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf o = { 0 };

	make_module(&mod);
	make_bpf(&o);
	expect_finding(&o, &module, "machine", "247", "eBPF as a module");
	expect_finding(&mod, &bpf, "machine", "62", "module as eBPF");
	object_header(&mod)->e_machine = EM_AARCH64;
	expect_finding(&mod, &module, "machine", "183", "other machine");
	object_header(&mod)->e_machine = EM_X86_64;
	object_header(&mod)->e_type = ET_DYN;
	expect_finding(&mod, &module, "type", "type 3", "shared object");
	object_header(&mod)->e_type = ET_REL;
	object_header(&mod)->e_ident[EI_CLASS] = ELFCLASS32;
	expect_finding(&mod, &module, "class", "class 1", "32 bit");
	object_header(&mod)->e_ident[EI_CLASS] = ELFCLASS64;
	object_header(&mod)->e_ident[EI_DATA] = ELFDATA2MSB;
	expect_finding(&mod, &module, "byte order", NULL, "big-endian");
}

Test(object, things_that_are_no_elf_at_all)
{
	static const char text[] = "#!/bin/sh\necho not an object, but long enough to be taken for one by the careless\n";
	static char zeros[4096];
	const struct buf rows[] = { { (char *)text, sizeof(text), 0 }, { zeros, sizeof(zeros), 0 }, { (char *)"\177ELF", 4, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_finding(&rows[i], &module, "format", "something else", "no ELF");
	const struct buf nothing = { zeros, 0, 0 };
	expect_finding(&nothing, &module, "size", "0 bytes", "empty");
}

Test(object, section_tables_that_lie)
{
	cleanup_buf struct buf mod = { 0 };

	make_module(&mod);
	Elf64_Ehdr *header = object_header(&mod);
	Elf64_Ehdr kept = *header;

	header->e_shnum = 0xff00;
	expect_finding(&mod, &module, "sections", NULL, "huge e_shnum");
	*header = kept;
	header->e_shnum = 0; /* then the count is in section 0: there it is 0 too */
	expect_finding(&mod, &module, "sections", NULL, "no sections");
	object_section(&mod, 0)->sh_size = UINT64_MAX / sizeof(Elf64_Shdr);
	expect_finding(&mod, &module, "format", NULL, "huge count in section 0"); /* libelf itself refuses it */
	*header = kept;
	header->e_shoff = UINT64_MAX - 8;
	expect_finding(&mod, &module, "sections", NULL, "table beyond the end");
	*header = kept;
	header->e_shentsize = 8;
	expect_finding(&mod, &module, "sections", NULL, "small entries");
	*header = kept;
	object_section(&mod, 2)->sh_offset = UINT64_MAX - 1;
	expect_finding(&mod, &module, "sections", "beyond the end", "offset overflow");
	object_section(&mod, 2)->sh_offset = object_section(&mod, 1)->sh_offset + 1;
	expect_finding(&mod, &module, "sections", "overlap", "overlap");
}

Test(object, truncated_ones_never_pass)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf o = { 0 };

	make_module(&mod);
	make_bpf(&o);
	for (size_t len = 0; len < mod.len; len += 16) {
		const struct buf cut = { mod.data, len, 0 };
		struct object_report r;
		check(&cut, &module, &r);
		cr_expect(r.finding_count > 0, "%zu of %zu bytes pass", len, mod.len);
	}
	for (size_t len = 0; len < o.len; len += 16) {
		const struct buf cut = { o.data, len, 0 };
		struct object_report r;
		check(&cut, &bpf, &r);
		cr_expect(r.finding_count > 0, "%zu of %zu bytes pass", len, o.len);
	}
}

/* Every byte turned over, one at a time: whatever the verdict, texts stay printable and nothing breaks. */
Test(object, damaged_ones_are_survived)
{
	cleanup_buf struct buf mod = { 0 };

	make_module(&mod);
	for (size_t at = 0; at < mod.len; at++) {
		struct object_report r;
		mod.data[at] ^= (char)0xff;
		check(&mod, &module, &r);
		for (const char *p = r.vermagic; *p; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f, "byte %zu", at);
		mod.data[at] ^= (char)0xff;
	}
}

Test(object, reports_travel_as_json)
{
	static const struct part parts[] = { MODINFO("name=x"), NO_MORE };
	cleanup_buf struct buf object = { 0 };
	struct object_report r, back;
	struct err e = { 0 };

	make_object(EM_X86_64, parts, &object);
	check(&object, &module, &r);
	cr_assert(r.finding_count >= 3);
	json_t *json = object_report_to_json(&r, &e);
	cr_assert(json);
	cr_assert_eq(object_report_from_json(json, &back, &e), 0, "%s", e.message);
	cr_expect_eq(back.finding_count, r.finding_count);
	cr_expect_str_eq(back.findings[1].what, r.findings[1].what);
	cr_expect_str_eq(back.findings[1].expected, r.findings[1].expected);
	json_object_set_new(json, "name", json_string("\033[2J"));
	cr_expect_eq(object_report_from_json(json, &back, &e), -1);
	cr_expect_eq(e.kind, ERR_PROTOCOL);
	json_decref(json);
}
