/* index_parse: whole documents by way of the filter process, which is this program itself. */
#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "parsing.h"
#include "stream/archive_stream.h"

static const char *this_program(void)
{
	static char path[4096];

	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	cr_assert(n > 0);
	path[n] = '\0';
	return path;
}

static int file_with(const void *bytes, size_t len)
{
	struct err e;
	int fd = memfd_create("document", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fd_write_all(fd, bytes, len, &e), 0, "%s", e.message);
	return fd; /* its position is at the end: index_parse must not mind */
}

/* What libarchive's filter makes of text: appended. */
static void compress(const char *text, size_t len, const char *filter, struct buf *ret)
{
	struct err e;
	struct sink *sink = sink_to_buf(ret, 64 << 20, &e);
	cleanup_of(archive_writer) struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_raw(a);
	if (filter)
		cr_assert_eq(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK, "%s", archive_error_string(a));
	cr_assert_eq(archive_write_open_sink(a, sink, &e), 0, "%s", e.message);
	archive_entry_set_filetype(entry, AE_IFREG);
	cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK);
	cr_assert_eq(archive_write_data(a, text, len), (la_ssize_t)len);
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_entry_free(entry);
	sink_free(sink);
}

static int parse(const struct buf *bytes, size_t len, enum document_kind kind, struct buf *ret, const struct cancel *cancel,
		 struct err *e)
{
	cleanup_index_rules struct index_rules rules = { .kind = INDEX_APT, .name = strdup("main") };
	cleanup_close int fd = file_with(buf_text(bytes), len);

	add_text(&rules.packages, "linux-headers-\\d.*\\.deb");
	add_text(&rules.components, "main");
	add_text(&rules.architectures, "amd64");
	return index_parse(this_program(), fd, "the document", &rules, kind, 0, ret, cancel, e);
}

/* count packages of which every tenth is wanted. */
static void make_packages(size_t count, struct buf *ret)
{
	struct err e;

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(buf_printf(ret, &e,
					"Package: %s-%zu\nVersion: 1\nArchitecture: amd64\n"
					"Filename: pool/%s-%zu_1_amd64.deb\nSize: %zu\n\n",
					i % 10 ? "other" : "linux-headers", i, i % 10 ? "other" : "linux-headers", i, i),
			     0);
}

static int count_item(void *context, const struct index_item *item, struct err *e)
{
	(void)e;
	*(size_t *)context += item->chosen;
	return 0;
}

Test(parse, every_compression)
{
	static const char *const filters[] = { NULL, "gzip", "xz", "zstd", "bzip2" };
	cleanup_buf struct buf text = { 0 };

	make_packages(3000, &text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf lines = { 0 };
		struct document_facts facts = { 0 };
		struct err e = { 0 };
		size_t chosen = 0;
		compress(text.data, text.len, filters[i], &packed);
		cr_assert_eq(buf_puts(&lines, "before\n", &e), 0);
		cr_assert_eq(parse(&packed, packed.len, DOCUMENT_PACKAGES, &lines, NULL, &e), 0, "%s: %s", filters[i], e.message);
		cr_expect(str_starts(buf_text(&lines), "before\n"), "it is appended");
		cr_assert_eq(index_items_decode(lines.data + 7, lines.len - 7, count_item, &chosen, &facts, &e), 0, "%s",
			     e.message);
		cr_expect_eq(chosen, 300);
		cr_expect_eq(facts.entries, 3000);
	}
}

Test(parse, what_is_no_such_document)
{
	static const struct {
		enum document_kind kind;
		const char *text;
		const char *message;
	} rows[] = {
		{ DOCUMENT_PACKAGES, "<!DOCTYPE html>\n<title>502 Bad Gateway</title>\n",
		  "'the document': line 1 is none of a control file" },
		{ DOCUMENT_PACKAGES, "\1\2\3junk\n", "'the document': line 1 is none" },
		{ DOCUMENT_PACKAGES, "junk", "'the document': ends in the middle of line 1" },
		{ DOCUMENT_RELEASE, "", "'the document': no SHA256: not a Release file" },
		{ DOCUMENT_RELEASE, "<html>\n", "'the document': line 1 is none" },
		{ DOCUMENT_MIRROR_LIST, "<html>\n", "'the document': line 1 is no URL of a repository" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct buf bytes = { .data = (char *)rows[i].text };
		cleanup_buf struct buf lines = { 0 };
		struct err e = { 0 };
		cr_expect_eq(parse(&bytes, strlen(rows[i].text), rows[i].kind, &lines, NULL, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_CORRUPT, "row %zu: %s", i, e.message);
		cr_expect(str_starts(e.message, rows[i].message), "row %zu: %s", i, e.message);
		cr_expect_eq(lines.len, 0, "nothing of it is taken");
	}
}

Test(parse, nothing_at_all_is_an_empty_index)
{
	static const char *const filters[] = { NULL, "gzip", "xz", "zstd", "bzip2" };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf lines = { 0 };
		struct err e = { 0 };
		compress("", 0, filters[i], &packed);
		cr_expect_eq(parse(&packed, packed.len, DOCUMENT_PACKAGES, &lines, NULL, &e), 0, "%s", e.message);
		cr_expect_str_eq(buf_text(&lines), "{\"facts\":{\"entries\":0,\"valid_until\":0}}\n");
	}
}

Test(parse, truncation)
{
	static const char *const filters[] = { "gzip", "xz", "zstd", "bzip2" };
	cleanup_buf struct buf text = { 0 };

	make_packages(20000, &text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		compress(text.data, text.len, filters[i], &packed);
		const size_t cuts[] = { 20, packed.len / 2, packed.len - 4 };
		for (size_t j = 0; j < ARRAY_LEN(cuts); j++) {
			cleanup_buf struct buf lines = { 0 };
			struct err e = { 0 };
			cr_expect_eq(parse(&packed, cuts[j], DOCUMENT_PACKAGES, &lines, NULL, &e), -1, "%s at %zu", filters[i],
				     cuts[j]);
			cr_expect_eq(e.kind, ERR_CORRUPT, "%s at %zu: %s", filters[i], cuts[j], e.message);
			cr_expect_eq(lines.len, 0);
		}
	}
}

/* `total` bytes of the unit again and again, as .xz. */
static void make_bomb(const char *unit, uint64_t total, struct buf *ret)
{
	lzma_stream z = LZMA_STREAM_INIT;
	cleanup_buf struct buf plain = { 0 };
	struct err e;

	while (plain.len < 1 << 20)
		cr_assert_eq(buf_puts(&plain, unit, &e), 0);
	cr_assert_eq(lzma_easy_encoder(&z, 0, LZMA_CHECK_CRC32), LZMA_OK);
	for (uint64_t done = 0;;) {
		if (z.avail_in == 0 && done < total) {
			z.next_in = (const uint8_t *)plain.data;
			z.avail_in = plain.len;
			done += plain.len;
		}
		cr_assert_eq(buf_reserve(ret, 65536, &e), 0);
		z.next_out = (uint8_t *)ret->data + ret->len;
		z.avail_out = 65536;
		lzma_ret rc = lzma_code(&z, done < total ? LZMA_RUN : LZMA_FINISH);
		ret->len += 65536 - z.avail_out;
		if (rc == LZMA_STREAM_END)
			break;
		cr_assert_eq(rc, LZMA_OK);
	}
	lzma_end(&z);
}

/* Streams behind each other make a file of any size out of one. */
static void repeat(struct buf *bytes, size_t times)
{
	size_t len = bytes->len;
	struct err e;

	cr_assert_eq(buf_reserve(bytes, len * times, &e), 0);
	for (size_t i = 1; i < times; i++)
		cr_assert_eq(buf_append(bytes, bytes->data, len, &e), 0);
}

Test(parse, bombs, .timeout = 300)
{
	char paragraph[4096] = "Package: x\nVersion: 1\nArchitecture: all\nFilename: x.deb\nDescription: ";
	const struct {
		const char *unit, *message;
	} rows[] = {
		{ "xxxxxxxxxxxxxxxx", "'the document': line 1 is longer than" },
		{ paragraph, "'the document': what it decompresses to is larger than 2147483648 bytes" },
	};

	size_t len = strlen(paragraph);
	memset(paragraph + len, 'y', 4000 - len);
	strcpy(paragraph + 4000, "\n\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf bomb = { 0 };
		cleanup_buf struct buf lines = { 0 };
		struct err e = { 0 };
		make_bomb(rows[i].unit, 256 << 20, &bomb);
		repeat(&bomb, 40); /* 10 GB */
		cr_assert_lt(bomb.len, 16 << 20);
		cr_expect_eq(parse(&bomb, bomb.len, DOCUMENT_PACKAGES, &lines, NULL, &e), -1);
		cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
		cr_expect(str_starts(e.message, rows[i].message), "%s", e.message);
		cr_expect_eq(lines.len, 0);
	}
}

Test(parse, cancelled)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_buf struct buf lines = { 0 };
	struct err e = { 0 };
	struct cancel c;

	make_packages(100, &text);
	cr_assert_eq(cancel_init(&c, &e), 0);
	cancel_set(&c);
	cr_expect_eq(parse(&text, text.len, DOCUMENT_PACKAGES, &lines, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED, "%s", e.message);
	cancel_release(&c);
}

Test(parse, arguments_of_the_filter)
{
	static const char *const rows[][4] = {
		{ "index", "Packages", "0", NULL },
		{ "index", "novel", "0", "{\"kind\":\"apt\"}" },
		{ "index", "Packages", "-1", "{\"kind\":\"apt\"}" },
		{ "index", "Packages", "0", "{}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cr_expect_eq(index_filter_run(rows[i][3] ? 4 : 3, (char **)rows[i], &e), -1, "row %zu", i);
		cr_expect_neq(e.kind, ERR_NONE);
	}
}
