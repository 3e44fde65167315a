/* Files made to hurt their reader. Whatever they hold, they end in a finding; that nobody reads beyond them is for the sanitizers
 * to see, so every file is checked in a block of exactly its length. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf_fixture.h"
#include "fixture.h"
#include "gate/object.h"

static struct object_report check(const struct buf *object, size_t len, const struct reference *kernel)
{
	const struct gate_expect expect = { KIND_BPF, "4.19.0-x", EM_X86_64, NULL, kernel };
	struct object_report r;
	struct err e = { 0 };
	cleanup_free char *bytes = malloc(len ? len : 1);

	cr_assert(bytes);
	memcpy(bytes, object->data, len);
	cr_assert_eq(object_check(bytes, len, &expect, &r, &e), 0, "%s", e.message);
	return r;
}

static bool has_finding(const struct object_report *r, const char *what)
{
	for (size_t i = 0; i < r->finding_count; i++)
		if (strcmp(r->findings[i].what, what) == 0)
			return true;
	return false;
}

static void expect_finding(const struct buf *object, const char *what, const char *label)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	struct object_report r = check(object, object->len, kernel);

	cr_expect(has_finding(&r, what), "%s: no finding '%s' but '%s': %s", label, what, r.findings[0].what, r.findings[0].found);
}

/* The section headers, which a writer puts last, moved to where the file begins. */
static void move_headers_first(const struct buf *object, struct buf *ret)
{
	struct err e = { 0 };
	Elf64_Ehdr header;

	memcpy(&header, object->data, sizeof(header));
	size_t table_len = header.e_shnum * sizeof(Elf64_Shdr), rest_len = header.e_shoff - sizeof(header);
	cr_assert_eq(buf_append(ret, object->data, sizeof(header), &e), 0);
	cr_assert_eq(buf_append(ret, object->data + header.e_shoff, table_len, &e), 0);
	cr_assert_eq(buf_append(ret, object->data + sizeof(header), rest_len, &e), 0);
	object_header(ret)->e_shoff = sizeof(header);
	for (size_t i = 1; i < header.e_shnum; i++)
		object_section(ret, i)->sh_offset += table_len;
}

Test(hostile, what_is_cut_short_never_passes)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };
	cleanup_buf struct buf turned = { 0 };

	make_full_bpf(&object);
	move_headers_first(&object, &turned);
	struct object_report whole = check(&turned, turned.len, kernel);
	cr_assert_eq(whole.finding_count, 0u, "%s: %s", whole.findings[0].what, whole.findings[0].found);
	const Elf64_Shdr *last = full_section(&turned, ".shstrtab");
	size_t end = last->sh_offset + last->sh_size; /* what follows is padding */
	for (size_t len = 0; len < object.len; len++) {
		struct object_report r = check(&object, len, kernel);
		cr_expect(r.finding_count > 0, "%zu of %zu bytes pass", len, object.len);
	}
	for (size_t len = 0; len < end; len++) {
		struct object_report r = check(&turned, len, kernel);
		cr_expect(r.finding_count > 0, "%zu of %zu bytes pass, headers first", len, end);
	}
}

/* One byte at a time turned over: all bits, then the highest, then the lowest. */
Test(hostile, what_is_damaged_is_survived)
{
	static const char masks[] = { (char)0xff, (char)0x80, 1 };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };
	size_t found = 0;

	make_full_bpf(&object);
	for (size_t at = 0; at < object.len * sizeof(masks); at++) {
		char mask = masks[at % sizeof(masks)];
		object.data[at / sizeof(masks)] ^= mask;
		struct object_report r = check(&object, object.len, kernel);
		object.data[at / sizeof(masks)] ^= mask;
		found += r.finding_count > 0;
		for (size_t i = 0; i < r.finding_count; i++)
			for (const char *p = r.findings[i].found; *p; p++)
				cr_assert(*p >= 0x20 && *p < 0x7f, "byte %zu", at / sizeof(masks));
	}
	/* Padding, addresses, line numbers and the like may say anything. */
	cr_expect(found > object.len * sizeof(masks) / 3, "%zu of %zu found", found, object.len * sizeof(masks));
}

Test(hostile, tables_that_lie)
{
	static const struct {
		const char *label;
		uint16_t count, names, entry_bytes;
		uint64_t offset;  /* UINT64_MAX: stays */
		uint64_t count_0; /* sh_size of section 0 */
		uint32_t names_0; /* its sh_link */
		const char *what, *or_what;
	} rows[] = {
		{ "a huge count", 0xfeff, 12, 64, UINT64_MAX, 0, 0, "sections", "format" },
		{ "the greatest count", 0xffff, 12, 64, UINT64_MAX, 0, 0, "sections", "format" },
		{ "no count at all", 0, 12, 64, UINT64_MAX, 0, 0, "sections", "format" },
		{ "a huge count in section 0", 0, 12, 64, UINT64_MAX, UINT32_MAX, 0, "sections", "format" },
		{ "a count whose bytes wrap around", 0, 12, 64, UINT64_MAX, UINT64_MAX / 64 + 2, 0, "sections", "format" },
		{ "the greatest count in section 0", 0, 12, 64, UINT64_MAX, UINT64_MAX, 0, "sections", "format" },
		{ "one more than there are", 14, 12, 64, UINT64_MAX, 0, 0, "sections", "format" },
		{ "names in no section", 13, 60, 64, UINT64_MAX, 0, 0, "programs", "program section" },
		{ "names in a section of section 0", 13, SHN_XINDEX, 64, UINT64_MAX, 0, UINT32_MAX, "programs", "program section" },
		{ "entries of no bytes", 13, 12, 0, UINT64_MAX, 0, 0, "sections", "format" },
		{ "entries of 63 bytes", 13, 12, 63, UINT64_MAX, 0, 0, "sections", "format" },
		{ "a table at the file's start", 13, 12, 64, 0, 0, 0, "sections", "format" },
		{ "a table between the bytes", 13, 12, 64, 65, 0, 0, "sections", "format" },
		{ "a table that wraps around", 13, 12, 64, UINT64_MAX - 63, 0, 0, "sections", "format" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf object = { 0 };
		make_full_bpf(&object);
		Elf64_Ehdr *header = object_header(&object);
		cr_assert(header->e_shnum == 13 && header->e_shstrndx == 12);
		object_section(&object, 0)->sh_size = rows[i].count_0;
		object_section(&object, 0)->sh_link = rows[i].names_0;
		header->e_shnum = rows[i].count;
		header->e_shstrndx = rows[i].names;
		header->e_shentsize = rows[i].entry_bytes;
		if (rows[i].offset != UINT64_MAX)
			header->e_shoff = rows[i].offset;
		struct object_report r = check(&object, object.len, kernel);
		cr_expect(has_finding(&r, rows[i].what) || has_finding(&r, rows[i].or_what), "%s: '%s': %s", rows[i].label,
			  r.findings[0].what, r.findings[0].found);
	}
}

/* Each section in turn, and its place, its length, what it is linked to. */
Test(hostile, sections_that_lie)
{
	static const struct {
		const char *label;
		uint64_t offset, size; /* 1: stays */
	} rows[] = {
		{ "the greatest length", 1, UINT64_MAX },
		{ "the greatest place", UINT64_MAX, 1 },
		{ "both together wrap around", UINT64_MAX - 7, 16 },
		{ "a length that is negative", 1, UINT64_MAX - 7 },
		{ "half of what there is", 1, (uint64_t)1 << 63 },
		{ "another's place", 64, 4096 },
	};
	cleanup_buf struct buf object = { 0 };

	make_full_bpf(&object);
	for (size_t s = 1; s < object_header(&object)->e_shnum; s++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			Elf64_Shdr *section = object_section(&object, s), kept = *section;
			if (rows[i].offset != 1)
				section->sh_offset = rows[i].offset;
			if (rows[i].size != 1)
				section->sh_size = rows[i].size;
			expect_finding(&object, "sections", rows[i].label);
			*section = kept;
		}
}

Test(hostile, links_to_anywhere_are_survived)
{
	static const uint32_t numbers[] = { 0, 1, 2, 8, 9, 13, 0xff00, UINT32_MAX };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };

	make_full_bpf(&object);
	for (size_t s = 0; s < object_header(&object)->e_shnum; s++)
		for (size_t i = 0; i < ARRAY_LEN(numbers) * 3; i++) {
			Elf64_Shdr *section = object_section(&object, s), kept = *section;
			*(i % 3 == 0 ? &section->sh_link : i % 3 == 1 ? &section->sh_info : &section->sh_type) = numbers[i / 3];
			struct object_report r = check(&object, object.len, kernel);
			cr_expect(r.finding_count <= FINDINGS_MAX);
			*section = kept;
		}
	/* Names of symbols out of what holds no names, or out of the symbols themselves. */
	full_section(&object, ".symtab")->sh_link = 8;
	expect_finding(&object, "symbols", "a table that names itself");
}

Test(hostile, overlapping_sections_are_refused)
{
	static const char *const names[] = {
		".text", "kprobe/f", ".maps", ".rodata", "license", ".relkprobe/f", ".symtab", ".BTF"
	};
	cleanup_buf struct buf object = { 0 };

	make_full_bpf(&object);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		Elf64_Shdr *section = full_section(&object, names[i]), kept = *section;
		section->sh_offset = full_section(&object, ".strtab")->sh_offset + 1;
		section->sh_size = 1;
		expect_finding(&object, "sections", names[i]);
		*section = kept;
		section->sh_size = full_section(&object, ".shstrtab")->sh_offset - section->sh_offset + 1;
		expect_finding(&object, "sections", names[i]);
		*section = kept;
	}
}

Test(hostile, texts_without_an_end)
{
	static const char *const names[] = { ".strtab", ".shstrtab", "license", ".BTF" };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_buf struct buf object = { 0 };
		make_full_bpf(&object);
		const Elf64_Shdr *s = full_section(&object, names[i]);
		/* The end of the BTF is the end of its texts. */
		size_t from = strcmp(names[i], ".BTF") == 0 ? s->sh_size - 8 : 0;
		memset(object.data + s->sh_offset + from, 'x', s->sh_size - from);
		struct object_report r = check(&object, object.len, kernel);
		cr_expect(r.finding_count > 0, "%s", names[i]);
	}
}

/* A section without bytes may say that it is as long as it likes. */
Test(hostile, sections_without_bytes)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	static const uint64_t sizes[] = { 0, 1, UINT32_MAX, UINT64_MAX };
	cleanup_buf struct buf object = { 0 };

	make_full_bpf(&object);
	for (size_t s = 1; s < object_header(&object)->e_shnum; s++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			Elf64_Shdr *section = object_section(&object, s), kept = *section;
			section->sh_type = SHT_NOBITS;
			section->sh_size = sizes[i];
			struct object_report r = check(&object, object.len, kernel);
			cr_expect(r.finding_count <= FINDINGS_MAX);
			*section = kept;
		}
	full_section(&object, ".rodata")->sh_type = SHT_NOBITS;
	struct object_report r = check(&object, object.len, kernel);
	cr_expect_eq(r.finding_count, 0u, "%s: %s", r.findings[0].what, r.findings[0].found);
	full_section(&object, ".rodata")->sh_size = 0;
	expect_finding(&object, "relocation", "data of no bytes");
}

/* Every word of the BTF in turn gets the numbers that hurt. */
Test(hostile, btf_of_bad_numbers_is_survived)
{
	static const uint32_t numbers[] = {
		0, 1, 0x7fffffff, 0x80000000, 0xffffff00, UINT32_MAX, 0x0400ffff, 0x0f00ffff, 0x8d000001
	};
	static const char *const names[] = { ".BTF", ".BTF.ext", ".symtab", ".relkprobe/f" };
	cleanup_of(reference) struct reference *kernel = make_kernel(NULL);
	cleanup_buf struct buf object = { 0 };

	make_full_bpf(&object);
	for (size_t n = 0; n < ARRAY_LEN(names); n++)
		for (size_t at = 0; at + 4 <= full_section(&object, names[n])->sh_size; at += 4)
			for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
				char *word = full_bytes(&object, names[n], at), kept[4];
				memcpy(kept, word, sizeof(kept));
				memcpy(word, &numbers[i], sizeof(kept));
				struct object_report r = check(&object, object.len, kernel);
				cr_expect(r.finding_count <= FINDINGS_MAX);
				memcpy(word, kept, sizeof(kept));
			}
}
