#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "stream/sink.h"

DEFINE_CLEANUP(sink, struct sink, sink_free)
DEFINE_CLEANUP(source, struct source, source_free)

static const struct err disk_full = { .kind = ERR_SYSTEM, .errnum = ENOSPC, .message = "no space left" };

Test(sink, buffer_has_a_limit)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = { .kind = ERR_NONE };
	cleanup_of(sink) struct sink *s = sink_to_buf(&b, 5, &e);

	cr_expect_eq(sink_write(s, "abc", 3, &e), 0);
	cr_expect_eq(sink_write(s, "de", 2, &e), 0);
	cr_expect_eq(sink_write(s, NULL, 0, &e), 0);
	cr_expect_eq(sink_write(s, "f", 1, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_str_eq(buf_text(&b), "abcde");
	err_clear(&e);
	cr_expect_eq(sink_finish(s, &e), -1, "what failed does not finish");
	cr_expect_eq(e.kind, ERR_LIMIT);
}

Test(sink, nothing_after_the_end)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = { .kind = ERR_NONE };
	cleanup_of(sink) struct sink *s = sink_to_buf(&b, 100, &e);

	cr_expect_eq(sink_finish(s, &e), 0);
	cr_expect_eq(sink_finish(s, &e), 0);
	cr_expect_eq(sink_write(s, "x", 1, &e), -1);
	cr_expect_eq(b.len, 0);
	sink_free(NULL);
}

Test(sink, descriptor)
{
	struct err e = { .kind = ERR_NONE };
	char bytes[8] = "";
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cleanup_of(sink) struct sink *s = sink_to_fd(fds[1], &e);
	cr_expect_eq(sink_write(s, "xyz", 3, &e), 0);
	cr_expect_eq(read(fds[0], bytes, 7), 3);
	cr_expect_str_eq(bytes, "xyz");
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++) {
		err_clear(&e);
		cr_expect_eq(sink_write(s, "x", 1, &e), -1);
		cr_expect_eq(e.errnum, EPIPE);
	}
	cr_expect_eq(close(fds[1]), 0, "the descriptor stays its owner's");
}

Test(sink, digest_counts_what_goes_through)
{
	cleanup_buf struct buf b = { 0 };
	struct err e = { .kind = ERR_NONE };
	uint64_t count = 7;
	struct digest d, expected;
	cleanup_of(sink) struct sink *inner = sink_to_buf(&b, 100, &e);
	cleanup_of(sink) struct sink *s = sink_digest(inner, &count, &d, &e);

	cr_expect_eq(sink_write(s, "a", 1, &e), 0);
	cr_expect_eq(count, 7, "not before the end");
	cr_expect_eq(sink_write(s, "bc", 2, &e), 0);
	cr_expect_eq(sink_finish(s, &e), 0);
	cr_expect_eq(count, 3);
	cr_assert_eq(digest_of("abc", 3, &expected, &e), 0);
	cr_expect(digest_equal(&d, &expected));
	cr_expect_str_eq(buf_text(&b), "abc");
	cr_expect_eq(sink_write(inner, "d", 1, &e), -1, "the inner sink is finished too");
	/* Without anybody to tell and anywhere to go. */
	cleanup_of(sink) struct sink *none = sink_digest(NULL, NULL, NULL, &e);
	cr_expect_eq(sink_write(none, "abc", 3, &e), 0);
	cr_expect_eq(sink_finish(none, &e), 0);
}

Test(sink, errors_of_the_inner_one_come_up_and_stay)
{
	for (int which = 0; which < 2; which++) {
		struct err e = { .kind = ERR_NONE };
		static char bytes[200000];
		cleanup_of(sink) struct sink *inner = sink_that_fails(10, &disk_full);
		cleanup_of(sink) struct sink *s = which ? sink_gzip(inner, 6, &e) : sink_digest(inner, NULL, NULL, &e);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)rand();
		cr_expect_eq(sink_write(s, bytes, sizeof(bytes), &e), -1);
		cr_expect_eq(e.errnum, ENOSPC);
		err_clear(&e);
		cr_expect_eq(sink_finish(s, &e), -1);
		cr_expect_str_eq(e.message, "no space left");
	}
}

Test(sink, gzip_that_only_fails_at_the_end)
{
	struct err e = { .kind = ERR_NONE };
	cleanup_of(sink) struct sink *inner = sink_that_fails(10, &disk_full);
	cleanup_of(sink) struct sink *s = sink_gzip(inner, 6, &e);

	cr_expect_eq(sink_write(s, "held back until then", 20, &e), 0);
	cr_expect_eq(sink_finish(s, &e), -1);
	cr_expect_eq(e.errnum, ENOSPC);
}

Test(sink, copy_tells_both_sides_failures)
{
	static const struct err lost = { .kind = ERR_TEMPORARY, .message = "connection lost" };
	struct err e = { .kind = ERR_NONE };
	cleanup_buf struct buf b = { 0 };
	cleanup_of(sink) struct sink *good = sink_to_buf(&b, 1000, &e);
	cleanup_of(sink) struct sink *bad = sink_that_fails(5, &disk_full);
	cleanup_of(source) struct source *first = source_from_chunks("0123456789", 10, 3, NULL, &e);
	cleanup_of(source) struct source *second = source_from_chunks("0123456789", 10, 3, NULL, &e);
	cleanup_of(source) struct source *broken = source_from_chunks("ab", 2, 3, &lost, &e);

	cr_expect_eq(sink_copy(good, first, &e), 0);
	cr_expect_str_eq(buf_text(&b), "0123456789");
	cr_expect_eq(sink_copy(bad, second, &e), -1);
	cr_expect_eq(e.errnum, ENOSPC);
	cr_expect_eq(sink_copy(good, broken, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY);
	cr_expect_eq(sink_write(good, "!", 1, &e), 0, "it was not finished");
}

/* Compresses len bytes, written in pieces. */
static void compress_to(struct buf *out, const char *bytes, size_t len, size_t piece, int level)
{
	struct err e;
	cleanup_of(sink) struct sink *inner = sink_to_buf(out, SIZE_MAX, &e);
	cleanup_of(sink) struct sink *s = sink_gzip(inner, level, &e);

	cr_assert_not_null(s, "%s", e.message);
	for (size_t at = 0; at < len; at += piece)
		cr_assert_eq(sink_write(s, bytes + at, len - at < piece ? len - at : piece, &e), 0, "%s", e.message);
	cr_assert_eq(sink_finish(s, &e), 0, "%s", e.message);
}

static void expect_inflates_to(const struct buf *gz, const char *bytes, size_t len)
{
	z_stream z = { .next_in = (unsigned char *)gz->data, .avail_in = (unsigned)gz->len };
	cleanup_free char *back = malloc(len + 1);

	cr_assert_not_null(back);
	z.next_out = (unsigned char *)back;
	z.avail_out = (unsigned)len + 1;
	cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
	cr_expect_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_expect_eq(z.total_out, len);
	cr_expect_eq(z.avail_in, 0, "nothing behind it");
	cr_expect(z.total_out == len && memcmp(back, bytes, len) == 0);
	inflateEnd(&z);
}

Test(gzip, gives_back_what_went_in)
{
	enum { MOST = 300000 };
	static const size_t sizes[] = { 0, 1, 1000, 32767, 32768, 32769, MOST };
	cleanup_free char *noise = malloc(MOST), *text = malloc(MOST);

	cr_assert(noise && text);
	srand(1);
	for (size_t i = 0; i < MOST; i++) {
		noise[i] = (char)(rand() >> 7);
		text[i] = "CONFIG_X=y\n"[i % 11];
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (int level = 1; level <= 9; level += 4) {
			cleanup_buf struct buf a = { 0 };
			cleanup_buf struct buf b = { 0 };
			compress_to(&a, noise, sizes[i], 65536, level);
			expect_inflates_to(&a, noise, sizes[i]);
			compress_to(&b, text, sizes[i], 65536, level);
			expect_inflates_to(&b, text, sizes[i]);
		}
}

Test(gzip, same_bytes_give_the_same_file)
{
	enum { LEN = 200000 };
	cleanup_free char *text = malloc(LEN);
	cleanup_buf struct buf a = { 0 };
	cleanup_buf struct buf b = { 0 };
	cleanup_buf struct buf c = { 0 };

	cr_assert_not_null(text);
	for (size_t i = 0; i < LEN; i++)
		text[i] = (char)("drivers/net/"[i % 12] + (i / 4096) % 3);
	compress_to(&a, text, LEN, LEN, 9);
	compress_to(&b, text, LEN, LEN, 9);
	compress_to(&c, text, LEN, 1013, 9);
	cr_expect(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	cr_expect(a.len == c.len && memcmp(a.data, c.data, a.len) == 0, "however it was cut into writes");
}

Test(gzip, header_says_nothing)
{
	cleanup_buf struct buf gz = { 0 };

	compress_to(&gz, "x", 1, 1, 9);
	cr_assert_gt(gz.len, 18);
	/* RFC 1952, 2.3: magic, deflate, no flags, no time; then XFL, and OS unknown. */
	cr_expect_eq(memcmp(gz.data, "\x1f\x8b\x08\0\0\0\0\0", 8), 0);
	cr_expect_eq((unsigned char)gz.data[9], 255);
}
