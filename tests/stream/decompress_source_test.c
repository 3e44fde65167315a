#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "fixture.h"
#include "stream/archive_stream.h"
#include "stream/decompress_source.h"

DEFINE_CLEANUP(source, struct source, source_free)

enum { LEN = 400000, MEMORY = 128 << 20, MAX = 1 << 20 };

static const char *const filters[] = { "gzip", "xz", "zstd", "bzip2" };

/* Neither too simple nor of one kind throughout. */
static void make_text(struct buf *text)
{
	struct err e;

	srand(11);
	while (text->len < LEN)
		cr_assert_eq(buf_printf(text, &e, "Package: p%d\nSize: %d\n\n", rand() % 5000, rand()), 0);
}

/* Appends what the filter makes of len bytes. */
static void compress(const void *bytes, size_t len, const char *filter, struct buf *ret)
{
	struct err e;
	struct sink *sink = sink_to_buf(ret, MAX, &e);
	cleanup_of(archive_writer) struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	archive_write_set_format_raw(a);
	cr_assert_eq(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK, "%s", archive_error_string(a));
	cr_assert_eq(archive_write_open_sink(a, sink, &e), 0, "%s", e.message);
	archive_entry_set_filetype(entry, AE_IFREG);
	cr_assert_eq(archive_write_header(a, entry), ARCHIVE_OK);
	cr_assert_eq(archive_write_data(a, bytes, len), (la_ssize_t)len);
	cr_assert_eq(archive_write_close(a), ARCHIVE_OK);
	archive_entry_free(entry);
	sink_free(sink);
}

/* Reads it whole in pieces of `piece`. */
static int decode(const struct buf *bytes, size_t cut, size_t piece, uint64_t max, struct buf *ret, struct err *e)
{
	cleanup_of(source) struct source *s =
		source_decompress(source_from_chunks(bytes->data, cut, piece, NULL, e), MEMORY, max, e);
	char chunk[5000];
	ssize_t n = s ? 0 : -1;

	while (s && (n = source_read(s, chunk, sizeof(chunk), e)) > 0)
		cr_assert_eq(buf_append(ret, chunk, (size_t)n, e), 0);
	return n < 0 ? -1 : 0;
}

static void expect_same(const struct buf *got, const struct buf *text, const char *label)
{
	cr_expect(got->len == text->len && memcmp(got->data, text->data, text->len) == 0, "%s: %zu bytes", label, got->len);
}

Test(decompress, gives_back_what_went_in)
{
	static const size_t pieces[] = { 1, 7, 4096, 1 << 20 };
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		compress(text.data, text.len, filters[i], &packed);
		cr_assert_lt(packed.len, text.len);
		for (size_t j = 0; j < ARRAY_LEN(pieces); j++) {
			cleanup_buf struct buf got = { 0 };
			struct err e = { 0 };
			cr_expect_eq(decode(&packed, packed.len, pieces[j], MAX, &got, &e), 0, "%s: %s", filters[i], e.message);
			expect_same(&got, &text, filters[i]);
		}
	}
}

Test(decompress, members_behind_each_other)
{
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		compress(text.data, 100000, filters[i], &packed);
		compress(text.data + 100000, text.len - 100000, filters[i], &packed);
		cr_expect_eq(decode(&packed, packed.len, 4096, MAX, &got, &e), 0, "%s: %s", filters[i], e.message);
		expect_same(&got, &text, filters[i]);
	}
}

Test(decompress, what_is_not_compressed_stays)
{
	static const char *const texts[] = { "",
					     "P",
					     "Package: x\n",
					     "\x1f",
					     "\xfd"
					     "7zX",
					     "BZ",
					     "<html>" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf bytes = { .data = (char *)texts[i], .len = strlen(texts[i]) };
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		cr_expect_eq(decode(&bytes, bytes.len, 3, MAX, &got, &e), 0, "%s", e.message);
		cr_expect_str_eq(buf_text(&got), texts[i]);
	}
}

Test(decompress, nothing_compressed_is_nothing)
{
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		compress("", 0, filters[i], &packed);
		cr_assert_gt(packed.len, 0);
		cr_expect_eq(decode(&packed, packed.len, 4096, MAX, &got, &e), 0, "%s: %s", filters[i], e.message);
		cr_expect_eq(got.len, 0);
	}
}

Test(decompress, only_one_layer_comes_off)
{
	cleanup_buf struct buf inner = { 0 };
	cleanup_buf struct buf outer = { 0 };
	cleanup_buf struct buf got = { 0 };
	struct err e = { 0 };

	compress("text", 4, "bzip2", &inner);
	compress(inner.data, inner.len, "zstd", &outer);
	cr_expect_eq(decode(&outer, outer.len, 4096, MAX, &got, &e), 0, "%s", e.message);
	expect_same(&got, &inner, "bzip2 in zstd");
}

Test(decompress, truncation_is_corrupt)
{
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		compress(text.data, text.len, filters[i], &packed);
		const size_t cuts[] = { 6, 30, packed.len / 3, packed.len - 5, packed.len - 1 };
		for (size_t j = 0; j < ARRAY_LEN(cuts); j++) {
			cleanup_buf struct buf got = { 0 };
			struct err e = { 0 };
			cr_expect_eq(decode(&packed, cuts[j], 4096, MAX, &got, &e), -1, "%s cut at %zu of %zu", filters[i], cuts[j],
				     packed.len);
			cr_expect_eq(e.kind, ERR_CORRUPT, "%s cut at %zu: %s", filters[i], cuts[j], e.message);
		}
	}
}

Test(decompress, damage_is_corrupt)
{
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		compress(text.data, text.len, filters[i], &packed);
		packed.data[packed.len / 2] ^= 0x55;
		cr_expect_eq(decode(&packed, packed.len, 4096, MAX, &got, &e), -1, "%s", filters[i]);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s: %s", filters[i], e.message);
	}
}

Test(decompress, junk_behind_is_corrupt)
{
	static const char *const strict[] = { "gzip", "xz", "zstd" };

	for (size_t i = 0; i < ARRAY_LEN(strict); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		compress("text", 4, strict[i], &packed);
		cr_assert_eq(buf_puts(&packed, "<html>junk</html>", &e), 0);
		cr_expect_eq(decode(&packed, packed.len, 4096, MAX, &got, &e), -1, "%s", strict[i]);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s: %s", strict[i], e.message);
	}
}

Test(decompress, size_is_limited)
{
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		cleanup_buf struct buf got = { 0 };
		cleanup_buf struct buf all = { 0 };
		struct err e = { 0 };
		compress(text.data, text.len, filters[i], &packed);
		cr_expect_eq(decode(&packed, packed.len, 4096, text.len - 1, &got, &e), -1, "%s", filters[i]);
		cr_expect_eq(e.kind, ERR_LIMIT, "%s: %s", filters[i], e.message);
		cr_expect_lt(got.len, text.len);
		cr_expect_eq(decode(&packed, packed.len, 4096, text.len, &all, &e), 0, "%s: %s", filters[i], e.message);
	}
}

Test(decompress, a_failure_below_is_kept)
{
	static const struct err lost = { .kind = ERR_TEMPORARY, .message = "connection lost" };
	cleanup_buf struct buf text = { 0 };

	make_text(&text);
	for (size_t i = 0; i <= ARRAY_LEN(filters); i++) {
		cleanup_buf struct buf packed = { 0 };
		struct err e = { 0 };
		if (i < ARRAY_LEN(filters))
			compress(text.data, text.len, filters[i], &packed);
		else
			cr_assert_eq(buf_append(&packed, text.data, text.len, &e), 0);
		const size_t places[] = { 0, 3, packed.len / 2 };
		for (size_t j = 0; j < ARRAY_LEN(places); j++) {
			cleanup_of(source) struct source *s =
				source_decompress(source_from_chunks(packed.data, places[j], 4096, &lost, &e), MEMORY, MAX, &e);
			cr_expect(!s || source_drain(s, &e) < 0);
			cr_expect_eq(e.kind, ERR_TEMPORARY, "%zu at %zu: %s", i, places[j], e.message);
		}
	}
}
