#include "kernel/findings.h"
#include "kernel/list.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

#define DATA "tests/data/kernel/"

Test(list, reads_urls_and_leaves_out_comments)
{
	struct err e = { 0 };
	cleanup_kernel_list struct kernel_list list = { 0 };
	cr_assert_eq(kernel_list_load(DATA "good.txt", &list, NULL, &e), 0, "%s", e.message);
	static const struct kernel_url wanted[] = {
		{ (char *)"http://ftp.example.org/pool/a_1_amd64.deb", 2, false },
		{ (char *)"http://ftp.example.org/pool/b%2bdeb12_1_amd64.deb", 3, false },
		{ (char *)"file:///srv/mirror/c_1_amd64.deb", 5, false },
		{ (char *)"https://user.example.org/d_1_amd64.deb?token=x", 7, false },
	};
	cr_assert_eq(list.count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < list.count; i++) {
		cr_expect_str_eq(list.urls[i].url, wanted[i].url);
		cr_expect_eq(list.urls[i].line, wanted[i].line);
	}
}

Test(list, may_be_empty)
{
	static const char *const texts[] = { "", "# nothing yet\n", "# nothing yet", "#\n#\n" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = { 0 };
		cleanup_kernel_list struct kernel_list list = { 0 };
		cr_expect_eq(kernel_list_parse(texts[i], strlen(texts[i]), "x", &list, NULL, &e), 0, "%s", e.message);
		cr_expect_eq(list.count, 0);
	}
}

Test(list, names_file_line_and_mistake)
{
	static const struct {
		const char *file, *message;
	} rows[] = {
		{ "should-fail-blank-line.txt", ":2: blank line; remove it" },
		{ "should-fail-only-a-blank-line.txt", ":1: blank line; remove it" },
		{ "should-fail-line-of-blanks.txt", ":2: blank line; remove it" },
		{ "should-fail-duplicate.txt", ":3: the same URL as in line 1" },
		{ "should-fail-crlf.txt", ":1: ends in CR LF; lines end in LF alone: and 1 more" },
		{ "should-fail-html.txt", ":2: not an http, https or file URL" },
		{ "should-fail-scheme.txt", ":2: not an http, https or file URL" },
		{ "should-fail-blank-inside.txt", ":1: a URL has no blanks in it" },
		{ "should-fail-blank-before.txt", ":1: starts with a blank" },
		{ "should-fail-blank-behind.txt", ":1: has blanks at its end" },
		{ "should-fail-control-byte.txt", ":1: has a control byte in it" },
		{ "should-fail-nul.txt", ":1: has a control byte in it" },
		{ "should-fail-not-ascii.txt", ":1: a URL has no bytes above 0x7e; percent-encode them" },
		{ "should-fail-directory.txt", ":1: the URL names no file" },
		{ "should-fail-host-only.txt", ":1: the URL names no file" },
		{ "should-fail-no-host.txt", ":1: the URL has no host" },
		{ "should-fail-fragment.txt", ":1: a character that a URL can't have; percent-encode it" },
		{ "should-fail-long-line.txt", ":1: longer than 2048 bytes" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[256], wanted[512];
		snprintf(path, sizeof(path), DATA "%s", rows[i].file);
		snprintf(wanted, sizeof(wanted), "%s%s", path, rows[i].message);
		struct err e = { 0 };
		struct kernel_list list = { 0 };
		cr_expect_lt(kernel_list_load(path, &list, NULL, &e), 0, "%s", path);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect_str_eq(e.message, wanted);
		cr_expect_null(list.urls);
	}
}

Test(list, reports_every_mistake)
{
	static const char text[] = "http://h/a\n\nhttp://h/a\njunk\nhttp://h/b\n";
	struct err e = { 0 };
	struct kernel_list list = { 0 };
	cleanup_strv struct strv findings = { 0 };
	cr_expect_lt(kernel_list_parse(text, strlen(text), "l.txt", &list, &findings, &e), 0);
	cr_assert_eq(findings.len, 3);
	cr_expect_str_eq(findings.items[0], "l.txt:2: blank line; remove it");
	cr_expect_str_eq(findings.items[1], "l.txt:3: the same URL as in line 1");
	cr_expect_str_eq(findings.items[2], "l.txt:4: not an http, https or file URL");
	cr_expect_str_eq(e.message, "l.txt:2: blank line; remove it: and 2 more");
}

/* A binary file by mistake must not fill the memory with findings. */
Test(list, bounds_the_findings)
{
	char text[4096];
	memset(text, '\n', sizeof(text));
	struct err e = { 0 };
	struct kernel_list list = { 0 };
	cleanup_strv struct strv findings = { 0 };
	cr_expect_lt(kernel_list_parse(text, sizeof(text), "l.txt", &list, &findings, &e), 0);
	cr_expect_eq(findings.len, FINDINGS_MAX);
	cr_expect_str_eq(e.message, "l.txt:1: blank line; remove it: and 4095 more");
}

Test(list, missing_file_is_not_found)
{
	struct err e = { 0 };
	struct kernel_list list = { 0 };
	cr_expect_lt(kernel_list_load(DATA "no-such.txt", &list, NULL, &e), 0);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
}

static void put(const struct temp_dir *dir, const char *name, const char *text)
{
	struct err e = { 0 };
	cleanup_free char *path = path_join(dir->path, name, &e);
	cr_assert_eq(file_replace(path, text, strlen(text), 0666, &e), 0, "%s", e.message);
}

Test(list, is_read_together_with_what_no_index_lists_any_more)
{
	struct err e = { 0 };
	cleanup_temp_dir struct temp_dir dir = { "" };
	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "l.txt", &e);

	put(&dir, "l.txt", "http://h/b\nhttp://h/c\n");
	struct kernel_list alone = { 0 };
	cr_assert_eq(kernel_list_load_all(path, &alone, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(alone.count, 2);
	kernel_list_release(&alone);

	put(&dir, "l-uncrawled.txt", "# gone\nhttp://h/a\nhttp://h/c\n");
	cleanup_kernel_list struct kernel_list list = { 0 };
	cr_assert_eq(kernel_list_load_all(path, &list, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(list.count, 3);
	cr_expect_str_eq(list.urls[2].url, "http://h/a");
	cr_expect_eq(list.urls[2].line, 2);
	cr_expect(list.urls[2].uncrawled && !list.urls[1].uncrawled);

	put(&dir, "l-uncrawled.txt", "http://h/a\n\n");
	struct kernel_list bad = { 0 };
	cr_expect_lt(kernel_list_load_all(path, &bad, NULL, &e), 0);
	cr_expect(str_ends(e.message, "/l-uncrawled.txt:2: blank line; remove it"), "%s", e.message);
}

Test(list, path_of_its_companion)
{
	struct err e = { 0 };
	cleanup_free char *with = kernel_list_uncrawled_path("x/debian.txt", &e),
			  *without = kernel_list_uncrawled_path("x/debian", &e);
	cr_expect_str_eq(with, "x/debian-uncrawled.txt");
	cr_expect_str_eq(without, "x/debian-uncrawled");
}

Test(list, file_name_of_a_url)
{
	static const struct {
		const char *url, *name; /* NULL: refused */
	} rows[] = {
		{ "http://h/pool/a_1.deb", "a_1.deb" },
		{ "http://h/pool/a%2Bdeb12%7e1_1.deb", "a+deb12~1_1.deb" },
		{ "http://h/a+b.deb?token=x/y", "a+b.deb" },
		{ "file:///srv/a.deb", "a.deb" },
		{ "http://h/a%2fb.deb", NULL },
		{ "http://h/a%00b.deb", NULL },
		{ "http://h/a%0ab.deb", NULL },
		{ "http://h/a%2", NULL },
		{ "http://h/a%zz", NULL },
		{ "http://h/%2e%2e", NULL },
		{ "http://h/x/.", NULL },
		{ "http://h/x/", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_free char *name = kernel_url_name(rows[i].url, &e);
		if (rows[i].name)
			cr_expect_str_eq(name ? name : e.message, rows[i].name);
		else
			cr_expect(!name && e.kind == ERR_INPUT, "'%s' gives '%s'", rows[i].url, name ? name : "");
	}
}

Test(list, gives_the_last_parts_of_a_path)
{
	static const struct {
		const char *url;
		unsigned parts;
		const char *tail; /* NULL: refused */
	} rows[] = {
		{ "http://h/a/b/c.deb", 1, "c.deb" },
		{ "http://h/a/b/c.deb", 2, "b/c.deb" },
		{ "http://h/a/b/c.deb", 3, "a/b/c.deb" },
		{ "http://h/a/b/c.deb", 4, "a/b/c.deb" },
		{ "http://h/c.deb?d=/e/f#/g", 2, "c.deb" },
		{ "file:///a/b", 5, "a/b" },
		{ "http://h/1%2e2/c%2bd", 2, "1.2/c+d" },
		{ "http://h/a%2fb/c", 2, NULL },
		{ "http://h/a%2fb/c", 1, "c" },
		{ "http://h/%2e%2e/c", 2, NULL },
		{ "http://h/a//c", 2, NULL },
		{ "http://h/a/", 1, NULL },
		{ "http://h/", 2, NULL },
		{ "http://h", 2, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_free char *tail = kernel_url_tail(rows[i].url, rows[i].parts, &e);
		if (rows[i].tail)
			cr_expect_str_eq(tail ? tail : e.message, rows[i].tail, "'%s' %u", rows[i].url, rows[i].parts);
		else
			cr_expect_null(tail, "'%s' %u gave '%s'", rows[i].url, rows[i].parts, tail);
	}
}
