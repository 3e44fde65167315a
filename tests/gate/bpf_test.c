#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf_fixture.h"
#include "fixture.h"
#include "gate/object.h"

/* On the heap and no byte longer, so that a sanitizer sees who reads beyond. */
static void check(const struct buf *object, const struct reference *kernel, const char *release, struct object_report *ret)
{
	const struct gate_expect expect = { KIND_BPF, release, EM_X86_64, NULL, kernel };
	struct err e = { 0 };
	cleanup_free char *bytes = malloc(object->len);

	cr_assert(bytes);
	memcpy(bytes, object->data, object->len);
	cr_assert_eq(object_check(bytes, object->len, &expect, ret, &e), 0, "%s", e.message);
}

/* One of the findings is the one. */
static void expect_found(const struct object_report *r, const char *what, const char *text, const char *label)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (strcmp(r->findings[i].what, what) == 0 &&
		    (strstr(r->findings[i].found, text) || strstr(r->findings[i].expected, text)))
			return;
	for (size_t i = 0; i < r->finding_count; i++)
		cr_log_info("%s: %s: expected %s, found %s", label, r->findings[i].what, r->findings[i].expected,
			    r->findings[i].found);
	cr_expect_fail("%s: no finding '%s' with '%s'", label, what, text);
}

static void expect_passes(const struct object_report *r, const char *label)
{
	cr_expect_eq(r->finding_count, 0u, "%s: %s: expected %s, found %s", label, r->findings[0].what, r->findings[0].expected,
		     r->findings[0].found);
}

Test(bpf, whole_objects_pass)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf full = { 0 };
	cleanup_buf struct buf old = { 0 };
	struct object_report r;

	make_full_bpf(&full);
	make_old_bpf(&old);
	check(&full, kernel, "4.19.0-27-amd64", &r);
	expect_passes(&r, "full");
	cr_expect_eq(r.programs, 1u);
	check(&old, kernel, "4.19.0-27-amd64", &r);
	expect_passes(&r, "old");
	check(&full, NULL, "6.1.0-x", &r);
	expect_passes(&r, "of a kernel of which nothing is known");
}

/* clang-format off */
#define BYTES(text) text, sizeof(text) - 1
/* clang-format on */

/* Other bytes in one place. */
static const struct {
	const char *label, *section;
	size_t offset;
	const char *bytes;
	size_t len;
	const char *what, *found;
} changes[] = {
	{ "a helper of a later kernel", "kprobe/f", 3 * INSTRUCTION + 4, BYTES("\x06"), "helper",
	  "helper 6 in kprobe/f at instruction 3" },
	{ "helper 0", "kprobe/f", 3 * INSTRUCTION + 4, BYTES("\0"), "helper", "helper 0" },
	{ "a negative helper", "kprobe/f", 3 * INSTRUCTION + 4, BYTES("\xff\xff\xff\xff"), "helper", "helper -1" },
	{ "a code that there is not", "kprobe/f", 9 * INSTRUCTION, BYTES("\xff"), "instructions",
	  "code 0xff in kprobe/f at instruction 9" },
	{ "a call by register", "kprobe/f", 3 * INSTRUCTION, BYTES("\x8d"), "instructions", "code 0x8d" },
	{ "register 11", "kprobe/f", 9 * INSTRUCTION + 1, BYTES("\x0b"), "instructions", "at instruction 9" },
	{ "register 15 as a source", "kprobe/f", 1, BYTES("\xf6"), "instructions", "at instruction 0" },
	{ "a reserved offset", "kprobe/f", 2, BYTES("\x07"), "instructions", "at instruction 0" },
	{ "a load with sign extension", "kprobe/f", 0, BYTES("\x91"), "instructions", "BPF_MEMSX" },
	{ "half a constant", "kprobe/f", 2 * INSTRUCTION, BYTES("\xb7"), "instructions",
	  "half of one in kprobe/f at instruction 1" },
	{ "a constant at the very end", "kprobe/f", 10 * INSTRUCTION, BYTES("\x18"), "instructions", "half of one" },
	{ "a jump behind the end", "kprobe/f", 4 * INSTRUCTION + 2, BYTES("\x07"), "jump", "one to 12" },
	{ "a jump just behind the end", "kprobe/f", 4 * INSTRUCTION + 2, BYTES("\x06"), "jump", "one to 11" },
	{ "a jump before the start", "kprobe/f", 4 * INSTRUCTION + 2, BYTES("\x00\x80"), "jump", "one to -32763" },
	{ "a jump into a constant", "kprobe/f", 4 * INSTRUCTION + 2, BYTES("\x01"), "jump", "one to 6" },
	{ "no exit", "kprobe/f", 10 * INSTRUCTION, BYTES("\xb7"), "instructions", "code 0xb7 at the end of the one from 0" },
	{ "an end in a helper", "kprobe/f", 10 * INSTRUCTION, BYTES("\x85\0\0\0\1"), "instructions", "code 0x85 at the end" },
	{ "a call to nowhere", ".text", 0, BYTES("\x85\x10\0\0\x09\0\0\0"), "call", "one to instruction 10 in .text" },
	{ "a call into a function", "kprobe/f", 3 * INSTRUCTION, BYTES("\x85\x10\0\0\1"), "call", "one to instruction 5" },
	{ "a call of a third kind", "kprobe/f", 3 * INSTRUCTION, BYTES("\x85\x20"), "call", "kind 2" },
	{ "a relocated helper", "kprobe/f", 7 * INSTRUCTION, BYTES("\x85\0"), "call", "kind 0" },
	{ "a called function beyond its section", "kprobe/f", 7 * INSTRUCTION + 4, BYTES("\2\0\0\0"), "relocation",
	  "'twice' in kprobe/f at instruction 7, beyond the end" },
	{ "data beyond their section", "kprobe/f", 5 * INSTRUCTION + 4, BYTES("\x08"), "relocation",
	  "'limit' in kprobe/f at instruction 5" },
	{ "data before their section", "kprobe/f", 5 * INSTRUCTION + 4, BYTES("\xff\xff\xff\xff"), "relocation", "'limit'" },
	{ "a relocation between instructions", ".relkprobe/f", 0, BYTES("\x0c"), "relocation", "offset 12 in kprobe/f" },
	{ "a relocation of half a constant", ".relkprobe/f", 0, BYTES("\x10"), "relocation", "offset 16" },
	{ "a relocation behind the end", ".relkprobe/f", 0, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), "relocation",
	  "offset 18446744073709551615" },
	{ "a relocation of an exit", ".relkprobe/f", 0, BYTES("\x50"), "relocation", "'events' in kprobe/f at instruction 10" },
	{ "a relocation of a third type", ".relkprobe/f", 8, BYTES("\x02"), "relocation", "'events'" },
	{ "a symbol that there is not", ".relkprobe/f", 12, BYTES("\xff\xff\xff\xff"), "relocation", "symbol 4294967295" },
	{ "a licence that is not the GPL's", "license", 0, BYTES("MIT"), "license", "helper probe_read" },
	{ "an empty licence", "license", 0, BYTES("\0"), "license", "an empty one" },
	{ "another version", "version", 1, BYTES("\x0e"), "version", "that of 4.14" },
	{ "another byte order of the BTF", ".BTF", 0, BYTES("\x9e"), "BTF", "sound section .BTF" },
	{ "BTF types longer than the section", ".BTF", 12, BYTES("\xff\xff\xff\x7f"), "BTF", "sound section .BTF" },
	{ "BTF texts without an end", ".BTF", 20, BYTES("\x01"), "BTF", "" },
	{ "a BTF name behind the texts", ".BTF", 24, BYTES("\xff\xff"), "BTF", "offset 65535 in type 1" },
	{ "a BTF type that there is not", ".BTF", 24 + 16 + 12, BYTES("\xff"), "BTF", "type 255 in type 2" },
	{ "a map type of the future", ".BTF", 60, BYTES("\xc8"), "map type", "type 200 of 'events'" },
	{ "a map type of a later kernel", ".BTF", 60, BYTES("\x1b"), "map type", "BPF_MAP_TYPE_RINGBUF" },
	{ "a ring buffer with keys", ".BTF", 60, BYTES("\x1b"), "map", "4 and 4 bytes in 'events'" },
	{ "keys of a type that goes round in circles", ".BTF", 120, BYTES("\x06"), "map", "'key' in 'events'" },
	{ "keys of 8 bytes", ".BTF", 120, BYTES("\x03"), "map", "8 bytes in 'events'" },
	{ "a field that loaders don't know", ".BTF", 148, BYTES("\1\0\0\0"), "map", "'int' in 'events'" },
	{ "a number that is none", ".BTF", 148 + 4, BYTES("\1"), "map", "'type' in 'events'" },
	{ "a map that is a number", ".BTF", 204, BYTES("\1"), "map", "'events' is none" },
	{ "no header of .BTF.ext", ".BTF.ext", 0, BYTES("\0"), "BTF", "header" },
	{ "a table behind .BTF.ext", ".BTF.ext", 12, BYTES("\xff\xff\xff\xff"), "BTF", "functions of .BTF.ext" },
	{ "records of no bytes", ".BTF.ext", 24, BYTES("\0"), "BTF", "bytes: 0 in the functions" },
	{ "a section that there is not", ".BTF.ext", 28, BYTES("\x01"), "BTF", "name 1" },
	{ "records without end", ".BTF.ext", 32, BYTES("\xff\xff\xff\xff"), "BTF", "records: 4294967295" },
	{ "a function behind its section", ".BTF.ext", 36, BYTES("\x58"), "BTF", "offset 88" },
	{ "a function that is none", ".BTF.ext", 40, BYTES("\x01"), "BTF", "record for offset 0" },
	{ "a line between instructions", ".BTF.ext", 24 + 36 + 12, BYTES("\x19"), "BTF", "offset 25 in the lines" },
};

Test(bpf, other_bytes_are_found)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		memcpy(full_bytes(&object, changes[i].section, changes[i].offset), changes[i].bytes, changes[i].len);
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, changes[i].what, changes[i].found, changes[i].label);
	}
}

/* What only a later kernel has, and the object makes use of. */
Test(bpf, other_kernels_are_found)
{
	static const struct {
		const char *without, *what, *found;
	} rows[] = {
		{ "BPF_PROG_TYPE_KPROBE", "program type", "kprobe/f" },
		{ "BPF_MAP_TYPE_ARRAY", "map type", "events" },
		{ "BPF_PSEUDO_MAP_VALUE", "relocation", ".rodata" },
		{ "BPF_PSEUDO_CALL", "relocation", "kprobe/f" },
		{ "BPF_JMP32", "instructions", "code 0x16 in kprobe/f at instruction 4" },
		{ "BPF_ATOMIC", "instructions", "code 0xdb in .text at instruction 0" },
	};
	cleanup_of(reference) struct reference *whole = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };
	struct object_report r;

	make_full_bpf(&object);
	*full_bytes(&object, "kprobe/f", 4 * INSTRUCTION) = BPF_JMP32 | BPF_JEQ | BPF_K;
	memcpy(full_bytes(&object, ".text", 0), "\xdb\x10\0\0\x01\0\0\0", INSTRUCTION); /* fetch and add */
	check(&object, whole, "4.19.0-27-amd64", &r);
	expect_passes(&r, "with all of it");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(reference) struct reference *kernel = make_kernel(rows[i].without);
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, rows[i].what, rows[i].found, rows[i].without);
		expect_found(&r, rows[i].what, rows[i].without, rows[i].without);
	}
}

static void rename_section(struct buf *object, const char *name, const char *to)
{
	cr_assert_eq(strlen(name), strlen(to));
	memcpy(full_bytes(object, ".shstrtab", full_section(object, name)->sh_name), to, strlen(to));
}

Test(bpf, other_sections_are_found)
{
	static const struct {
		const char *name, *to, *what, *found;
	} rows[] = {
		{ "kprobe/f", "kprube/f", "program section", "kprube/f" },
		{ "kprobe/f", "kprobes1", "program section", "kprobes1" },
		{ "kprobe/f", "iter/fff", "program type", "BPF_TRACE_ITER" },
		{ "license", "licence", "license", "none" },
		{ ".maps", ".mops", "relocation", "'events' in kprobe/f at instruction 1, which is none of them" },
		{ ".maps", "amaps", "relocation", "'events'" },
		{ ".BTF", ".btf", "maps", "BTF of the section .maps" },
		{ ".BTF", ".btf", "BTF", "section .BTF beside" },
		{ ".rodata", "romance", "relocation", "'limit' in kprobe/f at instruction 5, which is none of them" },
		{ "version", ".debug_", "debug", ".debug_" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		rename_section(&object, rows[i].name, rows[i].to);
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, rows[i].what, rows[i].found, rows[i].to);
	}
}

/* Names that mean the same, and functions that are no programs. */
Test(bpf, known_sections_pass)
{
	static const char *const names[] = { "?kprobe/", "uprobe/x", "ksyscall", "usdt/a:b" };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		full_section(&object, ".BTF.ext")->sh_type = SHT_NULL; /* it names the section too */
		rename_section(&object, "kprobe/f", names[i]);
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_passes(&r, names[i]);
	}
}

Test(bpf, other_symbols_are_found)
{
	static const struct {
		const char *label, *symbol;
		uint16_t section;
		uint64_t value, size;
		const char *what, *found;
	} rows[] = {
		{ "undefined map", "events", SHN_UNDEF, 0, 0, "relocation", "'events' in kprobe/f at instruction 1, undefined" },
		{ "undefined function", "twice", SHN_UNDEF, 0, 0, "relocation", "'twice' in kprobe/f at instruction 7, undefined" },
		{ "absolute", "limit", SHN_ABS, 0, 0, "relocation", "'limit' in kprobe/f at instruction 5, which has none" },
		{ "common", "limit", SHN_COMMON, 0, 8, "relocation", "'limit'" },
		{ "a section that there is not", "limit", 200, 0, 8, "relocation", "'limit'" },
		{ "behind its section", "limit", 4, 8, 8, "relocation", "'limit'" },
		{ "far behind its section", "limit", 4, UINT64_MAX, 8, "relocation", "'limit'" },
		{ "a call of data", "twice", 4, 0, 8, "relocation", "'twice' in kprobe/f at instruction 7, which is none" },
		{ "a long function", "twice", 1, 0, 17, "symbols", "twice" },
		{ "a function beyond its section", "twice", 1, 8, 16, "symbols", "twice" },
		{ "a huge function", "twice", 1, 8, UINT64_MAX - 8, "symbols", "twice" },
		{ "a function inside another", "twice", 2, 8, 16, "symbols", "'twice' in kprobe/f" },
		{ "a map elsewhere", "events", 4, 0, 8, "maps", "0 for 1" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		Elf64_Sym *s = full_symbol(&object, rows[i].symbol);
		s->st_shndx = rows[i].section;
		s->st_value = rows[i].value;
		s->st_size = rows[i].size;
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, rows[i].what, rows[i].found, rows[i].label);
	}
}

Test(bpf, what_the_btf_wants_of_the_kernel_passes)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };
	struct object_report r;

	make_full_bpf(&object);
	full_symbol(&object, "limit")->st_shndx = SHN_UNDEF;
	check(&object, kernel, "4.19.0-27-amd64", &r);
	expect_passes(&r, "limit");
}

/* Lengths and types of sections. */
Test(bpf, cut_sections_are_found)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t len;
		const char *what, *found;
	} rows[] = {
		{ "kprobe/f", SHT_PROGBITS, 84, "instructions", "84 bytes in kprobe/f" },
		{ "kprobe/f", SHT_NOBITS, 88, "programs", "none" },
		{ ".relkprobe/f", SHT_REL, 40, "relocation", ".relkprobe/f" },
		{ ".relkprobe/f", SHT_RELA, 48, "relocation", "without addends" },
		{ ".BTF", SHT_PROGBITS, 100, "BTF", "sound section .BTF" },
		{ ".BTF", SHT_PROGBITS, 0, "BTF", "sound section .BTF" },
		{ ".BTF.ext", SHT_PROGBITS, 84, "BTF", "lines of .BTF.ext" },
		{ ".BTF.ext", SHT_PROGBITS, 20, "BTF", "header" },
		{ ".symtab", SHT_SYMTAB, 24, "relocation", "symbol 3" },
		{ ".strtab", SHT_STRTAB, 8, "symbols", "symbol 2" },
		{ "license", SHT_NOBITS, 4, "license", "none" },
		{ "version", SHT_PROGBITS, 2, "version", "2 bytes" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		full_section(&object, rows[i].name)->sh_type = rows[i].type;
		full_section(&object, rows[i].name)->sh_size = rows[i].len;
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, rows[i].what, rows[i].found, rows[i].name);
	}
}

Test(bpf, old_maps_are_whole_definitions)
{
	static const struct {
		const char *label;
		size_t offset;
		uint32_t word;
		uint64_t len;
		const char *what, *found;
	} rows[] = {
		{ "type 0", 0, 0, 20, "map type", "type 0 of 'events'" },
		{ "a type of the future", 0, 4096, 20, "map type", "type 4096 of 'events'" },
		{ "a type of a later kernel", 0, BPF_MAP_TYPE_RINGBUF, 20, "map type", "BPF_MAP_TYPE_RINGBUF" },
		{ "a ring buffer with keys", 0, BPF_MAP_TYPE_RINGBUF, 20, "map", "4 and 4 bytes in 'events'" },
		{ "an index of 8 bytes", 4, 8, 20, "map", "8 bytes in 'events'" },
		{ "cut short", 4, 4, 12, "maps", "12 bytes for 1 maps" },
		{ "a bit over", 4, 4, 18, "maps", "18 bytes for 1 maps" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };
	struct object_report r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&object);
		make_old_bpf(&object);
		memcpy(full_bytes(&object, "maps", rows[i].offset), &rows[i].word, sizeof(rows[i].word));
		full_section(&object, "maps")->sh_size = rows[i].len;
		check(&object, kernel, "4.19.0-27-amd64", &r);
		expect_found(&r, rows[i].what, rows[i].found, rows[i].label);
	}
	buf_clear(&object);
	make_old_bpf(&object);
	full_symbol(&object, "events")->st_value = 4;
	check(&object, kernel, "4.19.0-27-amd64", &r);
	expect_found(&r, "maps", "'events' between them", "between definitions");
}

/* Loaders of old maps copy the version from the object; others ask the kernel, unless the object has one. From 5.0 on nobody cares.
 */
Test(bpf, versions_count_where_kernels_look_at_them)
{
	static const struct {
		bool old;
		const char *section, *release, *found; /* NULL: passes */
	} rows[] = {
		{ false, "version", "4.19.0-27-amd64", NULL },
		{ false, "version", "4.14.0-x", "that of 4.19" },
		{ false, "version", "3.10.0-1160.el7.x86_64", "that of 4.19" },
		{ false, "version", "5.10.0-x", NULL },
		{ false, "verzion", "4.14.0-x", NULL },
		{ true, "verzion", "4.19.0-x", "no such section" },
		{ true, "verzion", "5.10.0-x", NULL },
		{ true, "verzion", "rolling", NULL },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		(rows[i].old ? make_old_bpf : make_full_bpf)(&object);
		rename_section(&object, "version", rows[i].section);
		check(&object, kernel, rows[i].release, &r);
		if (rows[i].found)
			expect_found(&r, "version", rows[i].found, rows[i].release);
		else
			expect_passes(&r, rows[i].release);
	}
}

Test(bpf, licences_are_the_kernels_list)
{
	static const struct {
		const char *license;
		bool passes;
	} rows[] = { { "GPL", true },	 { "GPL v2", true }, { "Dual BSD/GPL", true },
		     { "GPLv2", false }, { "gpl", false },   { "Proprietary", false } };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_full_bpf(&object);
		strcpy(full_bytes(&object, "license", 0), rows[i].license);
		check(&object, kernel, "4.19.0-x", &r);
		cr_expect_str_eq(r.license, rows[i].license);
		if (rows[i].passes)
			expect_passes(&r, rows[i].license);
		else
			expect_found(&r, "license", "for the helper probe_read", rows[i].license);
	}
}
