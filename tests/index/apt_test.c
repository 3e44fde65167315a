/* What apt's documents and mirror lists give, as item lines. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/date.h"
#include "parsing.h"

struct lines_out {
	struct item_out base;
	struct buf *lines;
};

static int lines_put(struct item_out *out, const struct index_item *item, struct err *e)
{
	return index_item_encode(item, ((struct lines_out *)out)->lines, e);
}

/* A source that gives one byte at a time. */
static ssize_t slow_read(struct source *s, void *bytes, size_t len, struct err *e);

struct slow {
	struct source base;
	const struct buf *bytes;
	size_t at, piece;
};

static void slow_free(struct source *s)
{
	(void)s;
}

static const struct source_ops slow_ops = { slow_read, slow_free };

static ssize_t slow_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct slow *slow = (struct slow *)s;
	size_t n = slow->bytes->len - slow->at;

	(void)e;
	if (n > slow->piece)
		n = slow->piece;
	if (n > len)
		n = len;
	if (n)
		memcpy(bytes, slow->bytes->data + slow->at, n);
	slow->at += n;
	return (ssize_t)n;
}

static const struct row {
	const char *file;
	uint64_t entries;
	int64_t valid_until;
	const char *lines;
} packages[] = {
	{ "packages/debian", 7, 0,
	  "{\"chosen\":true,\"depends\":[\"linux-headers-6.1.0-1-common\",\"linux-kbuild-6.1\",\"gcc-12\",\"c-compiler\",\"libx\"],"
	  "\"from_root\":true,\"package\":\"linux-headers-6.1.0-1-amd64\","
	  "\"reference\":\"pool/main/l/linux/linux-headers-6.1.0-1-amd64_6.1.4-1_amd64.deb\","
	  "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\",\"size\":1234,\"version\":\"6.1.4-1\"}\n"
	  "{\"from_root\":true,\"package\":\"linux-kbuild-6.1\","
	  "\"reference\":\"pool/main/l/linux/linux-kbuild-6.1_6.1.4-1_amd64.deb\","
	  "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\",\"size\":1234,\"version\":\"6.1.4-1\"}\n"
	  "{\"chosen\":true,\"from_root\":true,\"package\":\"linux-headers-6.1.0-1-common\","
	  "\"reference\":\"pool/main/l/linux/linux-headers-6.1.0-1-common_6.1.4-1_all.deb\","
	  "\"sha256\":\"1111111111111111111111111111111111111111111111111111111111111111\",\"size\":1234,\"version\":\"6.1.4-1\"}\n" },
	{ "packages/marks", 2, 0,
	  "{\"chosen\":true,\"from_root\":true,\"package\":\"linux-headers-6.12.9+deb12-amd64\","
	  "\"reference\":\"linux-headers-6.12.9+deb12-amd64_6.12.9-1~bpo12+1_amd64.deb\",\"version\":\"1:6.12.9-1~bpo12+1\"}\n"
	  "{\"chosen\":true,\"from_root\":true,\"package\":\"linux-headers-7-amd64\","
	  "\"reference\":\"pool/a%20b/100%25/linux-headers-7-amd64_7_amd64.deb\",\"size\":0,\"version\":\"7\"}\n" },
	{ "packages/empty", 0, 0, "" },
	{ "packages/blank-lines", 0, 0, "" },
	{ "packages/none-chosen", 1, 0, "" },
};

#define SUM1 "1111111111111111111111111111111111111111111111111111111111111111"
#define SUM2 "abababababababababababababababababababababababababababababababab"
#define SUM3 "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"

static const struct row releases[] = {
	{ "release/two-components", 2, 1720884864,
	  "{\"by_hash\":\"main/binary-amd64/by-hash/SHA256/" SUM3 "\",\"document\":\"Packages\",\"level\":0,"
	  "\"reference\":\"main/binary-amd64/Packages.xz\",\"sha256\":\"" SUM3 "\",\"size\":20}\n"
	  "{\"by_hash\":\"contrib/binary-amd64/by-hash/SHA256/" SUM1 "\",\"document\":\"Packages\",\"level\":0,"
	  "\"reference\":\"contrib/binary-amd64/Packages.gz\",\"sha256\":\"" SUM1 "\",\"size\":7}\n" },
	{ "release/no-by-hash", 2, 0,
	  "{\"document\":\"Packages\",\"level\":0,\"reference\":\"main/binary-amd64/Packages.xz\",\"sha256\":\"" SUM3
	  "\",\"size\":20}\n"
	  "{\"document\":\"Packages\",\"level\":0,\"reference\":\"contrib/binary-amd64/Packages.gz\",\"sha256\":\"" SUM1
	  "\",\"size\":7}\n" },
	{ "release/compressions", 2, 0,
	  "{\"document\":\"Packages\",\"level\":0,\"reference\":\"main/binary-amd64/Packages\",\"sha256\":\"" SUM1
	  "\",\"size\":9}\n"
	  "{\"document\":\"Packages\",\"level\":0,\"reference\":\"contrib/binary-amd64/Packages.zst\",\"sha256\":\"" SUM1
	  "\",\"size\":4}\n" },
};

static const struct row mirror_lists[] = {
	{ "mirror-list/amazon", 2, 0,
	  "{\"document\":\"repomd.xml\",\"level\":0,\"reference\":\"https://cdn.example/2/core/2.0/x86_64/0a1b/repodata/repomd.xml\"}\n"
	  "{\"document\":\"repomd.xml\",\"level\":0,\"reference\":\"http://other.example/2/core/repodata/repomd.xml\"}\n" },
	{ "mirror-list/comments", 2, 0,
	  "{\"document\":\"repomd.xml\",\"level\":0,\"reference\":\"https://a.example/os/repodata/repomd.xml\"}\n"
	  "{\"document\":\"repomd.xml\",\"level\":0,\"reference\":\"https://b.example:8443/~x/os/repodata/repomd.xml\"}\n" },
};

static void apt_rules(struct index_rules *rules)
{
	add_text(&rules->packages, "linux-headers-\\d.*_(amd64|arm64|all)\\.deb");
	add_text(&rules->exclude, ".*-dbg_.*");
	add_text(&rules->depends, "linux-kbuild-.*");
	add_text(&rules->components, "main");
	add_text(&rules->components, "contrib");
	add_text(&rules->architectures, "amd64");
}

static void expect_lines(index_parser *parser, const struct row *rows, size_t count)
{
	static const size_t pieces[] = { 1 << 20, 1, 13 };
	cleanup_index_rules struct index_rules rules = { 0 };

	apt_rules(&rules);
	for (size_t i = 0; i < count * ARRAY_LEN(pieces); i++) {
		const struct row *row = &rows[i / ARRAY_LEN(pieces)];
		cleanup_buf struct buf bytes = { 0 };
		cleanup_buf struct buf lines = { 0 };
		struct slow slow = { .base.ops = &slow_ops, .bytes = &bytes, .piece = pieces[i % ARRAY_LEN(pieces)] };
		struct lines_out out = { .base.put = lines_put, .lines = &lines };
		struct document_facts facts = { .entries = 999 };
		struct err e = { 0 };
		read_data(row->file, &bytes);
		cr_expect_eq(parser(&slow.base, &rules, 0, &out.base, &facts, &e), 0, "%s: %s", row->file, e.message);
		cr_expect_str_eq(buf_text(&lines), row->lines, "%s gives\n%s", row->file, buf_text(&lines));
		cr_expect_eq(facts.entries, row->entries, "%s: %" PRIu64, row->file, facts.entries);
		cr_expect_eq(facts.valid_until, row->valid_until, "%s: %" PRIi64, row->file, facts.valid_until);
	}
}

Test(packages, items)
{
	expect_lines(index_parse_packages, packages, ARRAY_LEN(packages));
}

Test(release, items)
{
	expect_lines(index_parse_release, releases, ARRAY_LEN(releases));
}

Test(mirror_list, items)
{
	expect_lines(index_parse_mirror_list, mirror_lists, ARRAY_LEN(mirror_lists));
}

Test(packages, refused)
{
	static const struct bad_row rows[] = {
		{ "html", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "html-colon", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "json", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "binary", ERR_CORRUPT, "is none of a control file" },
		{ "text", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "no-newline", ERR_CORRUPT, "ends in the middle of line 6" },
		{ "cut-in-name", ERR_CORRUPT, "ends in the middle of line 8" },
		{ "cut-between-lines", ERR_CORRUPT, "package 'linux-headers-2-amd64': Package, Version" },
		{ "indented-first", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "indented-after-blank", ERR_CORRUPT, "line 8 is none of a control file" },
		{ "no-filename", ERR_CORRUPT, "package 'x': Package, Version" },
		{ "field-twice", ERR_CORRUPT, "package 'linux-headers-1-amd64': a field stands twice" },
		{ "digest", ERR_CORRUPT, "SHA256 is no digest" },
		{ "size", ERR_CORRUPT, "Size is no number" },
		{ "size-negative", ERR_CORRUPT, "Size is no number" },
		{ "version", ERR_CORRUPT, "Package or Version is none" },
		{ "version-empty", ERR_CORRUPT, "Package or Version is none" },
		{ "traversal", ERR_HOSTILE, "leads out of the archive" },
		{ "absolute", ERR_HOSTILE, "leads out of the archive" },
		{ "url", ERR_HOSTILE, "leads out of the archive" },
		{ "nul", ERR_HOSTILE, "leads out of the archive" },
		{ "depends", ERR_CORRUPT, "Depends with something that is no name at '(>= 1)'" },
		{ "depends-bytes", ERR_CORRUPT, "Depends with something that is no name" },
		{ "release", ERR_CORRUPT, "Package, Version, Architecture and Filename are expected" },
	};
	cleanup_index_rules struct index_rules rules = { 0 };

	apt_rules(&rules);
	expect_bad(index_parse_packages, &rules, "packages", rows, ARRAY_LEN(rows));
}

Test(release, refused)
{
	static const struct bad_row rows[] = {
		{ "html", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "empty", ERR_CORRUPT, "not a Release file" },
		{ "no-sums", ERR_CORRUPT, "not a Release file" },
		{ "packages", ERR_CORRUPT, "SHA256 is not of three words" },
		{ "component", ERR_CORRUPT, "component 'contrib' is not in this archive" },
		{ "architecture", ERR_CORRUPT, "architecture 'amd64' is not in component 'contrib'" },
		{ "date", ERR_CORRUPT, "Valid-Until: 'soon' is no date" },
		{ "digest", ERR_CORRUPT, "no digest" },
		{ "size", ERR_CORRUPT, "no size" },
		{ "two-words", ERR_CORRUPT, "SHA256 is not of three words" },
		{ "four-words", ERR_CORRUPT, "SHA256 is not of three words" },
		{ "two-paragraphs", ERR_CORRUPT, "more than one paragraph" },
		{ "signed", ERR_CORRUPT, "line 1 is none of a control file" },
		{ "no-newline", ERR_CORRUPT, "ends in the middle of line" },
	};
	cleanup_index_rules struct index_rules rules = { 0 };

	apt_rules(&rules);
	expect_bad(index_parse_release, &rules, "release", rows, ARRAY_LEN(rows));
}

Test(mirror_list, refused)
{
	static const struct bad_row rows[] = {
		{ "html", ERR_CORRUPT, "line 1 is no URL" },   { "empty", ERR_CORRUPT, "no mirror in it" },
		{ "only-comments", ERR_CORRUPT, "no mirror" }, { "file", ERR_CORRUPT, "line 1 is no URL" },
		{ "second", ERR_CORRUPT, "line 2 is no URL" }, { "relative", ERR_CORRUPT, "line 1 is no URL" },
		{ "query", ERR_CORRUPT, "line 1 is no URL" },  { "nul", ERR_CORRUPT, "line 1 is no URL" },
		{ "metalink", ERR_CORRUPT, "line 1 is no" },   { "long", ERR_LIMIT, "line 1 is longer than 2048 bytes" },
		{ "latin1", ERR_CORRUPT, "line 1 is no URL" },
	};
	cleanup_index_rules struct index_rules rules = { 0 };

	expect_bad(index_parse_mirror_list, &rules, "mirror-list", rows, ARRAY_LEN(rows));
}

/* count times text, and an end. */
static int parse_repeated(const char *text, size_t count, const char *end, struct err *e)
{
	cleanup_index_rules struct index_rules rules = { 0 };
	cleanup_parsed struct parsed p = { 0 };
	cleanup_buf struct buf bytes = { 0 };

	apt_rules(&rules);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(buf_puts(&bytes, text, e), 0);
	cr_assert_eq(buf_puts(&bytes, end, e), 0);
	parse_bytes(index_parse_packages, &rules, 0, bytes.data, bytes.len, 0, &p);
	*e = p.e;
	return p.rc;
}

Test(packages, lines_and_paragraphs_are_bounded)
{
	struct err e;

	cr_expect_eq(parse_repeated("Tag: x", 2 << 20, "\n", &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	cr_expect_eq(parse_repeated("Tag: a line like any other, only that they never end\n", 200000, "\n", &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	cr_expect_eq(parse_repeated("Package: x\nVersion: 1\nArchitecture: all\nFilename: x.deb\n\n", 200000, "\n", &e), 0, "%s",
		     e.message);
}

Test(date, forms)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "Thu, 01 Jan 1970 00:00:00 UTC", 0 },
		{ "Sat, 06 Jul 2024 15:34:24 UTC", 1720280064 },
		{ "6 Jul 2024 15:34:24 GMT", 1720280064 },
		{ "Sat, 06 Jul 2024 15:34:24 Z", 1720280064 },
		{ "Sat, 06 Jul 2024 17:34:24 +0200", 1720280064 },
		{ "Sat, 06 Jul 2024 10:04:24 -0530", 1720280064 },
		{ "Thu, 29 Feb 2024 23:59:60 +0000", 1709251200 },
		{ "Fri, 31 Dec 2099 00:00:00 UTC", 4102358400 },
		{ "", -1 },
		{ "tomorrow", -1 },
		{ "Sat, 06 Jul 2024", -1 },
		{ "Sat, 06 Jul 2024 15:34:24", -1 },
		{ "Sat, 06 Jul 2024 15:34:24 CEST", -1 },
		{ "Sat, 06 Jul 2024 15:34:24 UTC x", -1 },
		{ "Sat, 06 Quo 2024 15:34:24 UTC", -1 },
		{ "Sat, 00 Jul 2024 15:34:24 UTC", -1 },
		{ "Sat, 06 Jul 2024 24:34:24 UTC", -1 },
		{ "Sat, 06 Jul 2024 15:-4:24 UTC", -1 },
		{ "Sat, 06 Jul 2024 15:34:24 +02", -1 },
		{ "2024-07-06T15:34:24Z", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		int64_t seconds = -1;
		int rc = date_parse(rows[i].text, &seconds, &e);
		cr_expect_eq(seconds, rows[i].seconds, "'%s': %" PRIi64, rows[i].text, seconds);
		cr_expect_eq(rc, rows[i].seconds < 0 ? -1 : 0, "'%s'", rows[i].text);
		cr_expect_eq(e.kind, rc ? ERR_CORRUPT : ERR_NONE);
	}
}
