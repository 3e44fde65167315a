#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "parsing.h"

/* The same directory, by the servers named. */
static const char *const servers[] = { "nginx.html",	    "apache-plain.html", "apache-fancy.html",
				       "apache-table.html", "lighttpd.html",	 "python.html" };

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted(struct buf *lines)
{
	cleanup_strv struct strv v = { 0 };
	struct err e;

	for (char *line = strtok(lines->data, "\n"); line; line = strtok(NULL, "\n"))
		add_text(&v, line);
	qsort(v.items, v.len, sizeof(*v.items), by_text);
	buf_clear(lines);
	for (size_t i = 0; i < v.len; i++)
		cr_assert_eq(buf_printf(lines, &e, "%s\n", v.items[i]), 0);
	return lines->data;
}

static void expect_by_all(const struct index_rules *rules, unsigned level, uint64_t entries, const char *lines)
{
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		cleanup_parsed struct parsed p = { 0 };
		cleanup_buf struct buf bytes = { 0 };
		char path[64];
		snprintf(path, sizeof(path), "listing/%s", servers[i]);
		read_data(path, &bytes);
		parse_bytes(index_parse_listing, rules, level, bytes.data, bytes.len, 7, &p);
		cr_expect_eq(p.rc, 0, "%s: %s", path, p.e.message);
		cr_expect_eq(p.facts.entries, entries, "%s: %d entries", path, (int)p.facts.entries);
		cr_assert(p.lines.len);
		cr_expect_str_eq(sorted(&p.lines), lines, "%s gives\n%s", path, p.lines.data);
	}
}

Test(listing, files)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	add_text(&rules.packages, "kernel-.*devel-.*\\.rpm");
	add_text(&rules.packages, "gcc-c\\+\\+-.*&\"x\\.rpm");
	add_text(&rules.exclude, ".*-debug-.*");
	expect_by_all(&rules, 0, 7,
		      "package gcc-c++-4.8.5&%22x.rpm\n"
		      "package kernel-devel-2%3A5.4-1.x86_64.rpm\n"
		      "package kernel-devel-3.10.0-1160.2.1.el7.x86_64.rpm\n"
		      "package kernel-devel-3.10.0-1160.el7.x86_64.rpm\n"
		      "package kernel-devel-4.1+x~1%5E2-1.x86_64.rpm\n"
		      "package kernel-devel-5.14.0-very-long-name-that-is-cut-in-the-display-of-servers-1.el9.x86_64.rpm\n");
}

Test(listing, directories)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	/* Files and names that match only in part are none. */
	add_text(&rules.descend, "nowhere");
	add_text(&rules.descend, "Pack.*|with space|header|kernel-.*");
	add_text(&rules.packages, ".*");
	expect_by_all(&rules, 1, 3, "directory listing 2 Packages/\ndirectory listing 2 with%20space/\n");
}

static const struct good_row good[] = {
	{ "nginx-empty.html", 0, 0, "" },
	{ "apache-plain-empty.html", 0, 0, "" },
	{ "bare.html", 0, 1, "package devel-1.rpm\n" },
	{ "untitled.html", 0, 2, "package devel-1.rpm\n" },
	{ "elsewhere.html", 0, 3,
	  "package kernel-devel-14.x86_64.rpm\npackage k/kernel-devel-15.x86_64.rpm\npackage kernel-devel-16.x86_64.rpm\n" },
};

static const struct bad_row bad[] = {
	{ "no-link.html", ERR_CORRUPT, "no directory listing" },
	{ "home.html", ERR_CORRUPT, "no directory listing" },
	{ "welcome.html", ERR_CORRUPT, "no directory listing" },
	{ "nginx-404.html", ERR_CORRUPT, "no directory listing" },
	{ "python-404.html", ERR_CORRUPT, "no directory listing" },
	{ "json.html", ERR_CORRUPT, "no directory listing" },
	{ "empty.html", ERR_CORRUPT, "is empty" },
	{ "maintenance.html", ERR_CORRUPT, "no directory listing" },
	{ "cut-in-tag.html", ERR_CORRUPT, "is cut short" },
	{ "cut-bare.html", ERR_CORRUPT, "is cut short" },
	{ "base.html", ERR_CORRUPT, "links begin at 'https://evil.example/'" },
	{ "cut-short.html", ERR_CORRUPT, "is cut short" },
	{ "nul.html", ERR_CORRUPT, "NUL" },
	{ "deep.html", ERR_LIMIT, "nested" },
	{ "long-link.html", ERR_LIMIT, "link is longer than 4096" },
};

Test(listing, table)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	add_text(&rules.packages, ".*\\.rpm");
	expect_good(index_parse_listing, &rules, "listing", good, ARRAY_LEN(good));
	expect_bad(index_parse_listing, &rules, "listing", bad, ARRAY_LEN(bad));
	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		char path[64];
		snprintf(path, sizeof(path), "listing/%s", servers[i]);
		expect_cut_is_corrupt(index_parse_listing, &rules, path, "</html");
	}
}

Test(listing, large)
{
	enum { FILES = 20000 };
	cleanup_index_rules struct index_rules rules = { 0 };
	cleanup_parsed struct parsed p = { 0 };
	cleanup_buf struct buf page = { 0 };
	struct err e;

	add_text(&rules.packages, "k-19999\\.rpm");
	cr_assert_eq(buf_puts(&page, "<html><pre>", &e), 0);
	for (int twice = 0; twice < 2; twice++)
		for (int i = 0; i < FILES; i++)
			cr_assert_eq(buf_printf(&page, &e, "<a href=\"k-%d.rpm\">k-%d.rpm</a>  2026-11-24  2\n", i, i), 0);
	cr_assert_eq(buf_puts(&page, "</pre></html>", &e), 0);
	parse_bytes(index_parse_listing, &rules, 0, page.data, page.len, 0, &p);
	cr_expect_eq(p.rc, 0, "%s", p.e.message);
	cr_expect_eq(p.facts.entries, FILES, "a link that comes twice counts once");
	cr_expect_str_eq(buf_text(&p.lines), "package k-19999.rpm\n");
}

Test(listing, endless_tag)
{
	static const char *const starts[] = { "<a href='", "<!-- ", "<a " };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		static char bytes[4 << 20];
		const struct index_rules rules = { 0 };
		cleanup_parsed struct parsed p = { 0 };
		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes, starts[i], strlen(starts[i]));
		parse_bytes(index_parse_listing, &rules, 0, bytes, sizeof(bytes), 0, &p);
		cr_expect_eq(p.rc, -1);
		cr_expect_eq(p.e.kind, ERR_LIMIT, "%s: %s", starts[i], p.e.message);
	}
}

Test(listing, no_such_level)
{
	cleanup_index_rules struct index_rules rules = { 0 };
	cleanup_parsed struct parsed p = { 0 };

	parse_bytes(index_parse_listing, &rules, 1, "", 0, 0, &p);
	cr_expect_eq(p.e.kind, ERR_INPUT, "%s", p.e.message);
}
