#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/build_log.h"

static void feed(struct build_log *log, const char *text)
{
	struct err e;

	cr_assert_eq(build_log_feed(log, text, strlen(text), &e), 0);
}

static void expect_text(const struct build_log *log, enum probe_kind_id kind, const char *expected)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	cr_assert_eq(build_log_text(log, kind, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text), expected, "%s: '%s'", kind_name(kind), buf_text(&text));
}

static const char whole[] = "unpacking\n== orchestrate: mod\nCC main.o\nLD example.ko\n== orchestrate: bpf\nclang main.c\n";

Test(build_log, is_split_by_markers)
{
	for (size_t piece = 1; piece <= sizeof(whole); piece += 7) {
		cleanup_build_log struct build_log log = { 0 };
		struct err e;
		for (size_t at = 0; at < sizeof(whole) - 1; at += piece) {
			size_t len = sizeof(whole) - 1 - at < piece ? sizeof(whole) - 1 - at : piece;
			cr_assert_eq(build_log_feed(&log, whole + at, len, &e), 0);
		}
		expect_text(&log, KIND_MOD, "unpacking\nCC main.o\nLD example.ko\n");
		expect_text(&log, KIND_BPF, "unpacking\nclang main.c\n");
	}
}

Test(build_log, a_kind_may_come_again_and_unknown_ones_change_nothing)
{
	cleanup_build_log struct build_log log = { 0 };

	feed(&log,
	     "== orchestrate: mod\n1\n== orchestrate: bpf\n2\n== orchestrate: mod\n3\n== orchestrate: module\n4\n == orchestrate: bpf\n5\n");
	expect_text(&log, KIND_MOD, "1\n3\n4\n == orchestrate: bpf\n5\n");
	expect_text(&log, KIND_BPF, "2\n");
}

Test(build_log, the_last_line_needs_no_end)
{
	cleanup_build_log struct build_log log = { 0 };

	feed(&log, "before\n== orchestrate: mod\nkilled in mid-li");
	expect_text(&log, KIND_MOD, "before\nkilled in mid-li\n");
	expect_text(&log, KIND_BPF, "before\n");
}

Test(build_log, nothing_of_a_terminal_gets_through)
{
	static const char printed[] = "\x1b[2J\x1b]0;t\x07\ttab \b\x7f\0end\r\nutf-8 \xc3\xa4\n";
	cleanup_build_log struct build_log log = { 0 };
	struct err e;

	cr_assert_eq(build_log_feed(&log, printed, sizeof(printed) - 1, &e), 0);
	expect_text(&log, KIND_MOD, "?[2J?]0;t?\ttab \?\?\?end\nutf-8 \xc3\xa4\n");
}

Test(build_log, long_lines_are_cut)
{
	enum { LEN = 3 * BUILD_LOG_LINE_MAX + 5 };
	cleanup_build_log struct build_log log = { 0 };
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *line = malloc(LEN + 1);
	struct err e;

	memset(line, 'l', LEN);
	line[LEN] = '\0';
	feed(&log, line);
	cr_assert_eq(build_log_text(&log, KIND_MOD, &text, &e), 0);
	cr_expect_eq(text.len, LEN + 4);
	cr_expect_eq(strcspn(buf_text(&text), "\n"), BUILD_LOG_LINE_MAX);
	build_log_clear(&log);
	feed(&log, line + LEN - BUILD_LOG_LINE_MAX);
	feed(&log, "\nnext\n");
	cleanup_buf struct buf exact = { 0 };
	cr_assert_eq(build_log_text(&log, KIND_MOD, &exact, &e), 0);
	cr_expect_eq(exact.len, BUILD_LOG_LINE_MAX + 1 + 5, "a line of just that length is not cut");
}

Test(build_log, keeps_the_beginning_and_the_end_of_too_much)
{
	cleanup_build_log struct build_log log = { 0 };
	cleanup_buf struct buf text = { 0 };
	char line[128];
	struct err e;

	feed(&log, "== orchestrate: mod\nthe first line\n");
	for (int i = 0; i < 100000; i++) {
		snprintf(line, sizeof(line), "warning %06d: something that a compiler says a hundred thousand times over\n", i);
		feed(&log, line);
	}
	feed(&log, "error: the last line\n");
	cr_assert_eq(build_log_text(&log, KIND_MOD, &text, &e), 0);
	cr_expect(str_starts(buf_text(&text), "the first line\nwarning 000000"));
	cr_expect(str_ends(buf_text(&text),
			   "warning 099999: something that a compiler says a hundred thousand times over\nerror: the last line\n"));
	cr_expect_not_null(strstr(buf_text(&text), " bytes left out ...\n"));
	cr_expect_leq(text.len, 3 * BUILD_LOG_PART_MAX + 2 * BUILD_LOG_LINE_MAX + 64);
	cr_expect_geq(text.len, 2 * BUILD_LOG_PART_MAX);
	expect_text(&log, KIND_BPF, "");
}

Test(build_log, clear_forgets_the_part_too)
{
	cleanup_build_log struct build_log log = { 0 };

	feed(&log, "== orchestrate: mod\nold\nrest");
	build_log_clear(&log);
	feed(&log, "new\n");
	expect_text(&log, KIND_BPF, "new\n");
}

Test(text_tail, gives_the_last_lines)
{
	static const struct {
		const char *text;
		unsigned lines;
		const char *tail;
	} rows[] = {
		{ "a\nb\nc\n", 2, "b\nc\n" },
		{ "a\nb\nc", 2, "b\nc" },
		{ "a\nb\n", 5, "a\nb\n" },
		{ "", 3, "" },
		{ "\n", 1, "\n" },
		{ "a\n\n", 1, "\n" },
		{ "one", 1, "one" },
		{ "a\nb\n", 1, "b\n" },
		{ "\n\na\n", 2, "\na\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_str_eq(text_tail(rows[i].text, rows[i].lines), rows[i].tail, "row %zu", i);
}

/* U+009B is CSI, as ESC [ is; a letter whose second byte lies in the same range is none. */
Test(build_log, no_control_in_utf8_either)
{
	cleanup_build_log struct build_log log = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;
	static const char line[] = "a\xc2\x9b"
				   "31m \xc3\x84\n";

	cr_assert_eq(build_log_feed(&log, line, sizeof(line) - 1, &e), 0);
	cr_assert_eq(build_log_text(&log, KIND_MOD, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text), "a\xc2?31m \xc3\x84\n");
}
