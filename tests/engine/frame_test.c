#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/frame.h"

struct taken {
	struct buf out, err;
};

static int take_out(void *context, const void *bytes, size_t len, struct err *e)
{
	return buf_append(&((struct taken *)context)->out, bytes, len, e);
}

static int take_err(void *context, const void *bytes, size_t len, struct err *e)
{
	return buf_append(&((struct taken *)context)->err, bytes, len, e);
}

static void add_frame(struct buf *b, unsigned char stream, const char *text)
{
	struct err e;
	size_t len = strlen(text);
	unsigned char head[FRAME_HEAD] = { stream, 0, 0, 0, 0, 0, (unsigned char)(len >> 8), (unsigned char)len };

	cr_assert(buf_append(b, head, sizeof(head), &e) == 0 && buf_append(b, text, len, &e) == 0);
}

static void add_sample(struct buf *b)
{
	add_frame(b, 1, "hello ");
	add_frame(b, 2, "oh dear");
	add_frame(b, 1, "");
	add_frame(b, 1, "world\n");
	add_frame(b, 2, "!");
}

/* Feeds a copy on the heap, so that a sanitizer sees a read beyond the piece. */
static int feed_piece(struct frame_reader *r, const char *bytes, size_t len, const struct frame_sinks *sinks, struct err *e)
{
	char *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	int done = frame_feed(r, copy, len, sinks, e);
	free(copy);
	return done;
}

Test(frame, same_streams_at_every_two_splits)
{
	cleanup_buf struct buf b = { 0 };

	add_sample(&b);
	for (size_t first = 0; first <= b.len; first++)
		for (size_t second = first; second <= b.len; second++) {
			struct frame_reader r = { 0 };
			struct taken t = { 0 };
			const struct frame_sinks sinks = { take_out, take_err, &t };
			struct err e = { 0 };
			cr_assert(feed_piece(&r, b.data, first, &sinks, &e) == 0, "%s", e.message);
			cr_assert(feed_piece(&r, b.data + first, second - first, &sinks, &e) == 0, "%s", e.message);
			cr_assert(feed_piece(&r, b.data + second, b.len - second, &sinks, &e) == 0, "%s", e.message);
			cr_assert(frame_finish(&r, &e) == 0, "split at %zu and %zu: %s", first, second, e.message);
			cr_assert_str_eq(buf_text(&t.out), "hello world\n");
			cr_assert_str_eq(buf_text(&t.err), "oh dear!");
			buf_release(&t.out);
			buf_release(&t.err);
		}
}

Test(frame, every_cut_inside_a_frame_is_noticed)
{
	cleanup_buf struct buf b = { 0 };
	const struct frame_sinks drop = { 0 };

	add_sample(&b);
	size_t ends[] = { 0, 14, 29, 37, 51, 60 };
	for (size_t cut = 0; cut <= b.len; cut++) {
		struct frame_reader r = { 0 };
		struct err e = { 0 };
		bool whole = false;
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			whole |= ends[i] == cut;
		cr_assert(frame_feed(&r, b.data, cut, &drop, &e) == 0);
		cr_expect_eq(frame_finish(&r, &e), whole ? 0 : -1, "cut at %zu", cut);
		cr_expect_eq(e.kind, whole ? ERR_NONE : ERR_CORRUPT, "cut at %zu", cut);
	}
}

Test(frame, refuses_what_is_no_frame)
{
	static const struct {
		unsigned char head[FRAME_HEAD];
		const char *message;
	} rows[] = {
		{ { 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, "4294967295 bytes" },
		{ { 1, 0, 0, 0, 1, 0, 0, 1 }, "16777217 bytes" },
		{ { 4, 0, 0, 0, 0, 0, 0, 1 }, "no frame" },
		{ { 1, 0, 7, 0, 0, 0, 0, 1 }, "no frame" },
		{ { 'H', 'T', 'T', 'P', '/', '1', '.', '1' }, "no frame" },
	};
	const struct frame_sinks drop = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct frame_reader r = { 0 };
		struct err e = { 0 };
		cr_expect_eq(frame_feed(&r, rows[i].head, FRAME_HEAD, &drop, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_PROTOCOL, "row %zu: %s", i, e.message);
		cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
	}
}

Test(frame, reports_the_engines_own_error_in_whole)
{
	cleanup_buf struct buf b = { 0 };
	const struct frame_sinks drop = { 0 };

	add_frame(&b, 1, "before");
	add_frame(&b, 3, "the shim went away\n");
	for (size_t piece = 1; piece <= b.len; piece++) {
		struct frame_reader r = { 0 };
		struct err e = { 0 };
		int done = 0;
		for (size_t at = 0; at < b.len && done == 0; at += piece)
			done = frame_feed(&r, b.data + at, b.len - at < piece ? b.len - at : piece, &drop, &e);
		cr_expect_eq(done, -1);
		cr_expect_eq(e.kind, ERR_FAILED);
		cr_expect_str_eq(e.message, "engine: the shim went away");
	}
}

static int refuse(void *context, const void *bytes, size_t len, struct err *e)
{
	(void)context;
	(void)bytes;
	return err_set(e, ERR_LIMIT, "enough after %zu bytes", len);
}

Test(frame, a_sink_can_stop_it)
{
	cleanup_buf struct buf b = { 0 };
	struct frame_reader r = { 0 };
	const struct frame_sinks sinks = { refuse, NULL, NULL };
	struct err e = { 0 };

	add_sample(&b);
	cr_expect_eq(frame_feed(&r, b.data, b.len, &sinks, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
}
