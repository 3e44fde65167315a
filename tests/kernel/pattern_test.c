#include "kernel/pattern.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_capture(const struct pattern *p, const char *name, const char *wanted)
{
	size_t len;
	const char *text = pattern_capture(p, name, &len);
	cr_expect(len == strlen(wanted) && memcmp(text, wanted, len) == 0, "%s is '%.*s'", name, (int)len, text);
}

Test(pattern, captures_by_name)
{
	struct err e = { 0 };
	cleanup_of(pattern) struct pattern *p = NULL;
	cr_assert_eq(pattern_new("(?<name>[a-z]+)-(?:(?<rt>rt)-)?(?<number>\\d+)", &p, &e), 0, "%s", e.message);
	cr_expect(pattern_has_capture(p, "rt"));
	cr_expect_not(pattern_has_capture(p, "rtx"));
	cr_assert_eq(pattern_match(p, "linux-rt-612", &e), 1);
	expect_capture(p, "name", "linux");
	expect_capture(p, "rt", "rt");
	expect_capture(p, "number", "612");
	cr_assert_eq(pattern_match(p, "linux-6", &e), 1);
	expect_capture(p, "rt", "");
	expect_capture(p, "unknown", "");
	cr_assert_eq(pattern_match(p, "LINUX-6", &e), 0);
	expect_capture(p, "name", "");
}

Test(pattern, matches_the_whole_text_only)
{
	struct err e = { 0 };
	cleanup_of(pattern) struct pattern *p = NULL;
	cr_assert_eq(pattern_new("a|ab", &p, &e), 0);
	cr_expect_eq(pattern_match(p, "ab", &e), 1);
	cr_expect_eq(pattern_match(p, "abc", &e), 0);
	cr_expect_eq(pattern_match(p, "xa", &e), 0);
	cr_expect_eq(pattern_match(p, "a\n", &e), 0);
}

Test(pattern, says_where_it_is_wrong)
{
	struct err e = { 0 };
	struct pattern *p = NULL;
	cr_expect_lt(pattern_new("abc(", &p, &e), 0);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_str_eq(e.message, "pattern 'abc(': at offset 4: missing closing parenthesis");
	cr_expect_null(p);
}

Test(pattern, gives_up_on_endless_work)
{
	struct err e = { 0 };
	cleanup_of(pattern) struct pattern *p = NULL;
	cr_assert_eq(pattern_new("(?:(?:a+)+)+b", &p, &e), 0);
	cr_expect_eq(pattern_match(p, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb", &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
}
