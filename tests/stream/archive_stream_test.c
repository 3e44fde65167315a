#include <archive_entry.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "stream/archive_stream.h"

DEFINE_CLEANUP(sink, struct sink, sink_free)
DEFINE_CLEANUP(source, struct source, source_free)

enum { MEMBERS = 3, MEMBER_BYTES = 1500, BLOCK = 512, BODY_AT = BLOCK, SECOND_AT = BLOCK + 3 * BLOCK };

/* Writes MEMBERS files of MEMBER_BYTES bytes. */
static int write_tar(struct sink *sink, struct err *e)
{
	cleanup_of(archive_writer) struct archive *a = archive_write_new();
	char body[MEMBER_BYTES];

	memset(body, 'b', sizeof(body));
	archive_write_set_format_ustar(a);
	if (archive_write_open_sink(a, sink, e) < 0)
		return -1;
	for (int i = 0; i < MEMBERS; i++) {
		struct archive_entry *entry = archive_entry_new();
		char name[32];
		snprintf(name, sizeof(name), "member%d", i);
		archive_entry_set_pathname(entry, name);
		archive_entry_set_mode(entry, AE_IFREG | 0644);
		archive_entry_set_size(entry, sizeof(body));
		int rc = archive_write_header(a, entry);
		archive_entry_free(entry);
		if (rc != ARCHIVE_OK || archive_write_data(a, body, sizeof(body)) != (la_ssize_t)sizeof(body))
			return archive_err(a, e);
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : archive_err(a, e);
}

/* Reads all members with their bodies; gives their number, or -1. */
static int read_tar(struct source *s, struct err *e)
{
	cleanup_of(archive_reader) struct archive *a = archive_read_new();
	struct archive_entry *entry;
	int members = 0, rc;

	archive_read_support_format_tar(a);
	if (archive_read_open_source(a, s, e) < 0)
		return -1;
	while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		cleanup_of(source) struct source *body = source_from_archive_member(a, e);
		char bytes[MEMBER_BYTES + 1];
		cr_assert_not_null(body);
		if (source_read_exact(body, bytes, MEMBER_BYTES, e) < 0)
			return -1;
		cr_expect_eq(source_read(body, bytes, sizeof(bytes), e), 0);
		cr_expect_eq(source_read(body, bytes, sizeof(bytes), e), 0);
		members++;
	}
	return rc == ARCHIVE_EOF ? members : archive_err(a, e);
}

static void make_tar(struct buf *ret)
{
	struct err e;
	cleanup_of(sink) struct sink *sink = sink_to_buf(ret, 1 << 20, &e);

	cr_assert_eq(write_tar(sink, &e), 0, "%s", e.message);
}

Test(archive_stream, round_trip)
{
	static const size_t pieces[] = { 1, 511, 512, 1 << 20 };
	cleanup_buf struct buf tar = { 0 };

	make_tar(&tar);
	cr_expect_eq(tar.len, MEMBERS * 4 * BLOCK + 2 * BLOCK, "no padding at the end: %zu", tar.len);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct err e = { .kind = ERR_NONE };
		cleanup_of(source) struct source *s = source_from_chunks(tar.data, tar.len, pieces[i], NULL, &e);
		cr_expect_eq(read_tar(s, &e), MEMBERS, "pieces of %zu: %s", pieces[i], e.message);
	}
}

Test(archive_stream, a_failure_below_keeps_its_kind_and_text)
{
	static const struct err causes[] = {
		{ .kind = ERR_TEMPORARY, .message = "connection lost after 100% of %s" },
		{ .kind = ERR_LIMIT, .message = "the package is larger than 5 bytes" },
		{ .kind = ERR_CANCELLED, .message = "cancelled" },
	};
	static const size_t cuts[] = { 0, 100, BLOCK, BODY_AT + 700, SECOND_AT, SECOND_AT + 10, 8 * BLOCK };
	cleanup_buf struct buf tar = { 0 };

	make_tar(&tar);
	for (size_t c = 0; c < ARRAY_LEN(causes); c++)
		for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
			struct err e = { .kind = ERR_NONE };
			cleanup_of(source) struct source *s = source_from_chunks(tar.data, cuts[i], 4096, &causes[c], &e);
			cr_expect_eq(read_tar(s, &e), -1, "cut at %zu", cuts[i]);
			cr_expect_eq(e.kind, causes[c].kind, "cut at %zu: %s: %s", cuts[i], err_kind_name(e.kind), e.message);
			cr_expect_str_eq(e.message, causes[c].message, "cut at %zu: %s", cuts[i], e.message);
		}
}

Test(archive_stream, a_short_archive_is_corrupt)
{
	static const size_t cuts[] = { 1, 100, BLOCK - 1, BLOCK, BODY_AT + 700, SECOND_AT + 10, SECOND_AT + BLOCK };
	cleanup_buf struct buf tar = { 0 };

	make_tar(&tar);
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct err e = { .kind = ERR_NONE };
		cleanup_of(source) struct source *s = source_from_chunks(tar.data, cuts[i], 4096, NULL, &e);
		cr_expect_eq(read_tar(s, &e), -1, "cut at %zu", cuts[i]);
		cr_expect_eq(e.kind, ERR_CORRUPT, "cut at %zu: %s: %s", cuts[i], err_kind_name(e.kind), e.message);
		cr_expect_str_not_empty(e.message);
	}
}

Test(archive_stream, what_is_no_archive)
{
	static const char *const texts[] = { "<html><body>404 not found</body></html>", "x", "\x1f\x8b" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = { .kind = ERR_NONE };
		cleanup_of(source) struct source *s = source_from_chunks(texts[i], strlen(texts[i]), 4096, NULL, &e);
		cr_expect_eq(read_tar(s, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_CORRUPT, "row %zu: %s", i, e.message);
	}
}

Test(archive_stream, a_full_disk_is_told)
{
	static const struct err full = { .kind = ERR_SYSTEM, .message = "writing: no space left" };
	static const size_t rooms[] = { 0, 100, 4000 };

	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		struct err e = { .kind = ERR_NONE };
		cleanup_of(sink) struct sink *sink = sink_that_fails(rooms[i], &full);
		cr_expect_eq(write_tar(sink, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_SYSTEM, "row %zu: %s", i, e.message);
		cr_expect_str_eq(e.message, full.message, "row %zu", i);
	}
}

Test(archive_stream, out_of_memory_is_not_the_archives_fault)
{
	cleanup_of(archive_reader) struct archive *a = archive_read_new();
	struct err e = { .kind = ERR_NONE };

	archive_set_error(a, ENOMEM, "Can't allocate memory");
	cr_expect_eq(archive_err(a, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(e.errnum, ENOMEM);
}
