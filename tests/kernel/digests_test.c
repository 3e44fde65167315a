#include "kernel/digests.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "kernel/list.h"

#define DATA "tests/data/kernel/"

Test(digests, finds_by_url)
{
	struct err e = { 0 };
	cleanup_of(digest_table) struct digest_table *t = NULL;
	cr_assert_eq(digest_table_load(DATA "good.digests", &t, &e), 0, "%s", e.message);
	cr_expect_eq(digest_table_count(t), 2);
	const struct package_digest *d = digest_table_find(t, "http://ftp.example.org/pool/a_1_amd64.deb");
	cr_assert_not_null(d);
	char hex[DIGEST_HEX + 1];
	digest_hex(&d->sha256, hex);
	cr_expect_eq(strspn(hex, "a"), 64);
	cr_expect_eq(d->size_bytes, 12);
	cr_expect_null(digest_table_find(t, "http://ftp.example.org/pool/c_1_amd64.deb"));
}

Test(digests, no_file_is_an_empty_table)
{
	struct err e = { 0 };
	cleanup_of(digest_table) struct digest_table *t = NULL;
	cr_assert_eq(digest_table_load(DATA "no-such.digests", &t, &e), 0, "%s", e.message);
	cr_expect_eq(digest_table_count(t), 0);
	cr_expect_null(digest_table_find(t, "http://h/a"));
}

Test(digests, names_file_line_and_mistake)
{
	static const struct {
		const char *file, *message;
	} rows[] = {
		{ "should-fail-order.digests", ":2: not in the order of the URLs" },
		{ "should-fail-duplicate.digests", ":2: the same URL as in the line before" },
		{ "should-fail-one-blank.digests", ":1: expected '<sha256>  <size>  <url>' with two blanks between" },
		{ "should-fail-no-url.digests", ":1: expected '<sha256>  <size>  <url>' with two blanks between" },
		{ "should-fail-short-digest.digests", ":1: " },
		{ "should-fail-size.digests", ":1: '-12' is no size in bytes" },
		{ "should-fail-url.digests", ":1: not an http, https or file URL" },
		{ "should-fail-blank-line.digests", ":2: blank line; remove it" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[256], wanted[512];
		snprintf(path, sizeof(path), DATA "%s", rows[i].file);
		snprintf(wanted, sizeof(wanted), "%s%s", path, rows[i].message);
		struct err e = { 0 };
		cleanup_of(digest_table) struct digest_table *t = NULL;
		cr_expect_lt(digest_table_load(path, &t, &e), 0, "%s", path);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect_eq(strncmp(e.message, wanted, strlen(wanted)), 0, "%s", e.message);
		cr_expect_null(t);
	}
}

Test(digests, stands_beside_its_list)
{
	struct err e = { 0 };
	cleanup_free char *with = digest_table_path("x/debian.txt", &e), *without = digest_table_path("x/debian", &e);
	cr_expect_str_eq(with, "x/debian.digests");
	cr_expect_str_eq(without, "x/debian.digests");
}

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct digest_table *parse(const char *text)
{
	struct err e = { 0 };
	struct digest_table *t = NULL;
	cr_assert_eq(digest_table_parse(text, strlen(text), "t.digests", &t, &e), 0, "%s", e.message);
	return t;
}

static struct package_digest entry(const char *url, const char *hex, uint64_t size)
{
	struct err e = { 0 };
	struct package_digest d = { .url = (char *)url, .size_bytes = size };
	cr_assert_eq(digest_parse(hex, &d.sha256, &e), 0);
	return d;
}

static void expect_text(const struct digest_table *t, const char *wanted)
{
	struct err e = { 0 };
	cleanup_buf struct buf text = { 0 };
	cr_assert_eq(digest_table_encode(t, &text, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&text), wanted);
}

Test(digests, come_out_as_they_went_in)
{
	static const char *const texts[] = {
		"",
		"# only a head\n",
		A "  1  http://h/a\n",
		"# head\n#\n" A "  1  http://h/a  # why\n# of b\n" B "  2  http://h/b\n  # foot\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_of(digest_table) struct digest_table *t = parse(texts[i]);
		expect_text(t, texts[i]);
	}
}

Test(digests, merging_adds_and_keeps)
{
	static const struct {
		const char *url, *hex;
		uint64_t size;
		bool replace;
		enum digest_merged outcome;
	} rows[] = {
		{ "http://h/a", A, 1, false, DIGEST_ADDED },   { "http://h/c", A, 1, false, DIGEST_SAME },
		{ "http://h/c", A, 2, false, DIGEST_CHANGED }, { "http://h/c", B, 1, false, DIGEST_CHANGED },
		{ "http://h/d", B, 4, true, DIGEST_CHANGED },
	};
	struct err e = { 0 };
	cleanup_of(digest_table) struct digest_table *t = parse("# head\n" A "  1  http://h/c\n# of d\n" A "  1  http://h/d # x\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum digest_merged outcome;
		struct package_digest d = entry(rows[i].url, rows[i].hex, rows[i].size);
		cr_assert_eq(digest_table_merge(t, &d, rows[i].replace, &outcome, &e), 0, "%s", e.message);
		cr_expect_eq(outcome, rows[i].outcome, "row %zu", i);
	}
	expect_text(t, "# head\n" A "  1  http://h/a\n" A "  1  http://h/c\n# of d\n" B "  4  http://h/d # x\n");
	enum digest_merged outcome;
	struct package_digest bad = entry("http://h/a b", A, 1);
	cr_expect_lt(digest_table_merge(t, &bad, false, &outcome, &e), 0);
	cr_expect_eq(e.kind, ERR_INPUT);
}

/* What is taken in can be read again: a line has more in it than its URL. */
Test(digests, the_longest_url_comes_back)
{
	cleanup_of(digest_table) struct digest_table *t = parse(""), *again = NULL;
	char url[KERNEL_LIST_MAX_LINE + 1] = "http://h/";
	size_t longest = 0;

	for (size_t len = strlen(url); len < KERNEL_LIST_MAX_LINE; len++) {
		enum digest_merged merged;
		struct err e;
		url[len] = 'a';
		const struct package_digest d = { .url = url, .size_bytes = INT64_MAX };
		if (digest_table_merge(t, &d, false, &merged, &e) == 0)
			longest = len + 1;
	}
	cr_expect_gt(longest, 1500);
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };
	cr_assert_eq(digest_table_encode(t, &text, &e), 0);
	cr_expect_eq(digest_table_parse(buf_text(&text), text.len, "x.digests", &again, &e), 0, "%s", e.message);
}

Test(digests, are_written_when_there_is_something)
{
	struct err e = { 0 };
	cleanup_temp_dir struct temp_dir dir = { "" };
	enum digest_merged outcome;
	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "x.digests", &e);
	cleanup_of(digest_table) struct digest_table *t = parse("");
	cleanup_buf struct buf text = { 0 };

	cr_assert_eq(digest_table_store(t, path, &e), 0, "%s", e.message);
	cr_expect_eq(access(path, F_OK), -1);
	struct package_digest d = entry("http://h/a", A, 1);
	cr_assert_eq(digest_table_merge(t, &d, false, &outcome, &e), 0);
	cr_assert_eq(digest_table_store(t, path, &e), 0, "%s", e.message);
	cr_assert_eq(file_read(path, 4096, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text), A "  1  http://h/a\n");
}
