#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

Test(buf, grows_and_stays_terminated)
{
	cleanup_buf struct buf b = { 0 };
	struct err e;

	cr_expect_str_eq(buf_text(&b), "");
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(buf_printf(&b, &e, "%03d,", i), 0);
		cr_assert_eq(b.data[b.len], '\0');
	}
	cr_expect_eq(b.len, 4000);
	cr_expect_str_eq(b.data + 3996, "999,");
	cr_assert_eq(buf_append(&b, "a\0b", 3, &e), 0);
	cr_expect_eq(b.len, 4003);
	cr_expect_eq(memcmp(b.data + 4000, "a\0b", 4), 0);
	cr_assert_eq(buf_append(&b, NULL, 0, &e), 0);
	cr_expect_eq(b.len, 4003);
}

Test(buf, refuses_sizes_that_overflow)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 };
	cleanup_buf struct buf b = { 0 };
	struct err e;

	cr_assert_eq(buf_puts(&b, "kept", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		e.kind = ERR_NONE;
		cr_expect_eq(buf_reserve(&b, sizes[i], &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_SYSTEM);
		cr_expect_eq(e.errnum, ENOMEM);
	}
	cr_expect_str_eq(buf_text(&b), "kept");
}

Test(buf, consume_drops_from_the_front)
{
	static const struct {
		const char *text;
		size_t drop;
		const char *left;
	} rows[] = {
		{ "abcdef", 0, "abcdef" }, { "abcdef", 2, "cdef" }, { "abcdef", 6, "" },
		{ "abcdef", 7, "" },	   { "", 1, "" },	    { NULL, 1, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf b = { 0 };
		struct err e;
		if (rows[i].text)
			cr_assert_eq(buf_puts(&b, rows[i].text, &e), 0);
		buf_consume(&b, rows[i].drop);
		cr_expect_str_eq(buf_text(&b), rows[i].left, "row %zu", i);
		cr_expect_eq(b.len, strlen(rows[i].left), "row %zu", i);
	}
}

Test(buf, clear_and_steal_leave_it_usable)
{
	cleanup_buf struct buf b = { 0 };
	struct err e;

	cr_assert_eq(buf_puts(&b, "one", &e), 0);
	buf_clear(&b);
	cr_expect_str_eq(buf_text(&b), "");
	cr_assert_eq(buf_puts(&b, "two", &e), 0);
	cleanup_free char *text = buf_steal(&b);
	cr_expect_str_eq(text, "two");
	cr_expect_eq(b.len, 0);
	cleanup_free char *nothing = buf_steal(&b);
	cr_expect_str_eq(nothing, "");
	cr_assert_eq(buf_puts(&b, "three", &e), 0);
	cr_expect_str_eq(buf_text(&b), "three");
}

Test(str, to_u64)
{
	static const struct {
		const char *text;
		unsigned long long max;
		int result;
		unsigned long long value;
	} rows[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 0, 10 },
		{ "0010", 10, 0, 10 },
		{ "11", 10, -1, 0 },
		{ "9", 5, -1, 0 },
		{ "5", 5, 0, 5 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -1, 0 },
		{ "99999999999999999999999", UINT64_MAX, -1, 0 },
		{ "", 10, -1, 0 },
		{ "-1", 10, -1, 0 },
		{ "+1", 10, -1, 0 },
		{ " 1", 10, -1, 0 },
		{ "1 ", 10, -1, 0 },
		{ "1\n", 10, -1, 0 },
		{ "0x1", 100, -1, 0 },
		{ "1e2", 1000, -1, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned long long value = 77;
		struct err e = { .kind = ERR_NONE };
		cr_expect_eq(str_to_u64(rows[i].text, rows[i].max, &value, &e), rows[i].result, "'%s'", rows[i].text);
		cr_expect_eq(value, rows[i].result == 0 ? rows[i].value : 77, "'%s' gave %llu", rows[i].text, value);
		cr_expect_eq(e.kind, rows[i].result == 0 ? ERR_NONE : ERR_USAGE, "'%s'", rows[i].text);
	}
}

Test(str, starts_and_ends)
{
	static const struct {
		const char *text, *with;
		bool starts, ends;
	} rows[] = {
		{ "a.ko.gz", ".gz", false, true }, { "a.ko.gz", "a.k", true, false },
		{ "gz", ".gz", false, false },	   { "", "", true, true },
		{ "x", "", true, true },	   { "", "x", false, false },
		{ "same", "same", true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(str_starts(rows[i].text, rows[i].with), rows[i].starts, "row %zu", i);
		cr_expect_eq(str_ends(rows[i].text, rows[i].with), rows[i].ends, "row %zu", i);
	}
}

Test(str, distance)
{
	static const char long63[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char long64[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{ "", "", 0 },		 { "", "abc", 3 },	    { "build", "build", 0 },
		{ "biuld", "build", 1 }, { "buidl", "build", 1 },   { "bulid", "build", 1 },
		{ "buld", "build", 1 },	 { "builds", "build", 1 },  { "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },	 { "abcd", "badc", 2 },	    { long63, "", 63 },
		{ long63, long63, 0 },	 { long64, "a", SIZE_MAX }, { "a", long64, SIZE_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(str_distance(rows[i].a, rows[i].b), rows[i].distance, "'%s' '%s': %zu", rows[i].a, rows[i].b,
			     str_distance(rows[i].a, rows[i].b));
		cr_expect_eq(str_distance(rows[i].b, rows[i].a), rows[i].distance, "'%s' '%s'", rows[i].b, rows[i].a);
	}
}

Test(str, nearest)
{
	static const char *const words[] = { "build", "image", "cache", "toolchain", NULL };
	static const char *const none[] = { NULL };
	static const struct {
		const char *text, *nearest;
	} rows[] = {
		{ "biuld", "build" },
		{ "imgae", "image" },
		{ "chache", "cache" },
		{ "toolchian", "toolchain" },
		{ "toolchains", "toolchain" },
		{ "xyzzy", NULL },
		{ "", NULL },
		{ "completely-else", NULL },
		{ "b", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *near = str_nearest(rows[i].text, words);
		cr_expect(near == rows[i].nearest || (near && rows[i].nearest && strcmp(near, rows[i].nearest) == 0), "'%s': %s",
			  rows[i].text, near ? near : "nothing");
	}
	cr_expect_null(str_nearest("build", none));
}

Test(strv, serves_as_an_argv)
{
	cleanup_strv struct strv v = { 0 };
	struct err e;
	char text[16];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", 99 - i);
		cr_assert_eq(strv_add(&v, text, &e), 0);
		cr_assert_null(v.items[v.len]);
	}
	cr_expect(strv_has(&v, "42"));
	cr_expect_not(strv_has(&v, "4 2"));
	strv_sort(&v);
	cr_expect_str_eq(v.items[0], "0");
	cr_expect_str_eq(v.items[1], "1");
	cr_expect_str_eq(v.items[2], "10");
	cr_expect_str_eq(v.items[99], "99");
	cr_expect_null(v.items[100]);
	cr_expect_eq(strv_take(&v, NULL, &e), -1);
	cr_expect_eq(v.len, 100);
	strv_release(&v);
	cr_expect_eq(v.len, 0);
	strv_sort(&v);
}

Test(strv, sorts_bytewise)
{
	static const char *const words[] = { "b", "a", "B", "\xc3\xa4", "a-", "a.", "" };
	static const char *const sorted[] = { "", "B", "a", "a-", "a.", "b", "\xc3\xa4" };
	cleanup_strv struct strv v = { 0 };
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		cr_assert_eq(strv_add(&v, words[i], &e), 0);
	strv_sort(&v);
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
		cr_expect_str_eq(v.items[i], sorted[i]);
}

Test(cleanup, stealing_leaves_nothing_behind)
{
	char *text = strdup("x");
	int fd = 7;

	cleanup_free char *taken = steal_ptr(&text);
	cr_expect_null(text);
	cr_expect_str_eq(taken, "x");
	cr_expect_eq(steal_fd(&fd), 7);
	cr_expect_eq(fd, -1);
}
