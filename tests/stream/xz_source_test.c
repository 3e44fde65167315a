#include <criterion/criterion.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "fixture.h"
#include "stream/xz_source.h"

DEFINE_CLEANUP(source, struct source, source_free)

enum { LEN = 3 << 20, MEMORY = 256 << 20 };

/* Text that compresses, but not to nothing. */
static char *make_text(void)
{
	char *text = malloc(LEN);

	cr_assert_not_null(text);
	srand(7);
	for (size_t i = 0; i < LEN; i++)
		text[i] = (char)('a' + (i % 64 < 60 ? i % 17 : (size_t)rand() % 26));
	return text;
}

/* A .xz stream in blocks of block_bytes, appended. */
static void append_xz(struct buf *out, const char *bytes, size_t len, size_t block_bytes)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_mt options = { .threads = 1, .block_size = block_bytes, .preset = 0, .check = LZMA_CHECK_CRC64 };
	struct err e;

	cr_assert_eq(lzma_stream_encoder_mt(&z, &options), LZMA_OK);
	cr_assert_eq(buf_reserve(out, len + 65536, &e), 0);
	z.next_in = (const uint8_t *)bytes;
	z.avail_in = len;
	z.next_out = (uint8_t *)out->data + out->len;
	z.avail_out = len + 65536;
	lzma_ret rc;
	do
		rc = lzma_code(&z, LZMA_FINISH);
	while (rc == LZMA_OK);
	cr_assert_eq(rc, LZMA_STREAM_END);
	out->len += z.total_out;
	lzma_end(&z);
}

/* Decodes; gives the number of bytes that are as in text, or -1. */
static ssize_t decode(struct source *inner, size_t piece, unsigned threads, uint64_t memory, const char *text, struct err *e)
{
	cleanup_of(source) struct source *s = source_xz(inner, threads, memory, e);
	cleanup_free char *chunk = malloc(piece);
	size_t total = 0;
	ssize_t n;

	if (!s)
		return -1;
	while ((n = source_read(s, chunk, piece, e)) > 0) {
		cr_assert(total + (size_t)n <= LEN && memcmp(text + total, chunk, (size_t)n) == 0, "at %zu", total);
		total += (size_t)n;
	}
	return n < 0 ? -1 : (ssize_t)total;
}

Test(xz, gives_back_what_went_in)
{
	static const struct {
		size_t in, out;
		unsigned threads;
	} rows[] = { { 1 << 20, 65536, 1 }, { 1 << 20, 65536, 2 }, { 1000, 997, 2 }, { 4096, 4 << 20, 2 } };
	cleanup_free char *text = make_text();
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf two = { 0 };

	append_xz(&one, text, LEN, 512 * 1024);
	append_xz(&two, text, LEN / 2, 512 * 1024);
	append_xz(&two, text + LEN / 2, LEN / 2, LEN);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { .kind = ERR_NONE };
		cr_expect_eq(decode(source_from_chunks(one.data, one.len, rows[i].in, NULL, &e), rows[i].out, rows[i].threads,
				    MEMORY, text, &e),
			     LEN, "row %zu: %s", i, e.message);
		cr_expect_eq(decode(source_from_chunks(two.data, two.len, rows[i].in, NULL, &e), rows[i].out, rows[i].threads,
				    MEMORY, text, &e),
			     LEN, "two streams, row %zu: %s", i, e.message);
	}
}

Test(xz, empty_and_tiny)
{
	cleanup_free char *text = make_text();

	for (size_t len = 0; len < 3; len++) {
		cleanup_buf struct buf xz = { 0 };
		struct err e = { .kind = ERR_NONE };
		append_xz(&xz, text, len, LEN);
		cr_expect_eq(decode(source_from_chunks(xz.data, xz.len, 1, NULL, &e), 16, 2, MEMORY, text, &e), (ssize_t)len, "%s",
			     e.message);
	}
}

Test(xz, short_files_are_corrupt)
{
	cleanup_free char *text = make_text();
	cleanup_buf struct buf xz = { 0 };

	append_xz(&xz, text, LEN, 512 * 1024);
	const size_t cuts[] = { 0, 1, 6, 12, 100, xz.len / 2, xz.len - 12, xz.len - 1 };
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
		for (unsigned threads = 1; threads <= 2; threads++) {
			struct err e = { .kind = ERR_NONE };
			cr_expect_eq(decode(source_from_chunks(xz.data, cuts[i], 4096, NULL, &e), 65536, threads, MEMORY, text, &e),
				     -1, "cut at %zu", cuts[i]);
			cr_expect_eq(e.kind, ERR_CORRUPT, "cut at %zu: %s", cuts[i], e.message);
		}
}

Test(xz, damage_is_corrupt)
{
	cleanup_free char *text = make_text();
	cleanup_buf struct buf xz = { 0 };

	append_xz(&xz, text, LEN, 512 * 1024);
	const size_t places[] = { 0, 7, 30, xz.len / 2, xz.len - 20, xz.len - 1 };
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct err e = { .kind = ERR_NONE };
		cleanup_buf struct buf bad = { 0 };
		cr_assert_eq(buf_append(&bad, xz.data, xz.len, &e), 0);
		bad.data[places[i]] ^= 0x55;
		struct source *inner = source_from_chunks(bad.data, bad.len, 4096, NULL, &e);
		cleanup_of(source) struct source *s = source_xz(inner, 2, MEMORY, &e);
		cr_expect_eq(source_drain(s, &e), -1, "byte %zu", places[i]);
		cr_expect_eq(e.kind, ERR_CORRUPT, "byte %zu: %s", places[i], e.message);
	}
	struct err e = { .kind = ERR_NONE };
	cr_assert_eq(buf_puts(&xz, "junk", &e), 0);
	cr_expect_eq(decode(source_from_chunks(xz.data, xz.len, 4096, NULL, &e), 65536, 2, MEMORY, text, &e), -1,
		     "something behind it");
	cr_expect_eq(e.kind, ERR_CORRUPT);
}

Test(xz, memory_is_limited)
{
	cleanup_free char *text = make_text();
	cleanup_buf struct buf xz = { 0 };
	struct err e = { .kind = ERR_NONE };

	append_xz(&xz, text, LEN, LEN);
	cr_expect_eq(decode(source_from_chunks(xz.data, xz.len, 4096, NULL, &e), 65536, 2, 64 * 1024, text, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s: %s", err_kind_name(e.kind), e.message);
}

Test(xz, a_failure_below_is_kept)
{
	static const struct err lost = { .kind = ERR_TEMPORARY, .message = "connection lost" };
	cleanup_free char *text = make_text();
	cleanup_buf struct buf xz = { 0 };
	struct err e = { .kind = ERR_NONE };

	append_xz(&xz, text, LEN, 512 * 1024);
	cr_expect_eq(decode(source_from_chunks(xz.data, xz.len / 2, 4096, &lost, &e), 65536, 2, MEMORY, text, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY);
	cr_expect_str_eq(e.message, "connection lost");
}
