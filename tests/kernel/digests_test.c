#include "kernel/digests.h"

#include <criterion/criterion.h>
#include <string.h>

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
