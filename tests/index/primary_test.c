#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "parsing.h"

static void kernels(struct index_rules *rules)
{
	add_text(&rules->packages, "kernel-devel-.*\\.x86_64\\.rpm");
	add_text(&rules->exclude, ".*~rc.*");
}

static const struct good_row good[] = {
	{ "createrepo.xml", 0, 4,
	  "package Packages/k/kernel-devel-5.14.0-1.el9.x86_64.rpm root from kernel-devel 0:5.14.0-1.el9 sha256 9528be88 size 6472\n"
	  "package Packages/k/kernel-devel-5.14.1-1.el9.x86_64.rpm root from kernel-devel 2:5.14.1-1.el9 sha256 2b247300 size 6472\n" },
	{ "locations.xml", 0, 6,
	  "package https://other.example/pool/kernel-devel-1-1.x86_64.rpm root from kernel-devel 0:1-1 sha256 9528be88 size 77\n"
	  "package http://other.example/pool/k/kernel-devel-2-1.x86_64.rpm root from kernel-devel 0:2-1 sha256 9528be88 size 77\n"
	  "package ../../blobstore/aa/kernel-devel-3-1.x86_64.rpm root from kernel-devel 0:3-1 size 77\n"
	  "package kernel-devel-4%5E5%2bx%20y-1.x86_64.rpm root from kernel-devel 0:4&5-1 size 77\n"
	  "package kernel-devel-7%3A5-1.x86_64.rpm root from kernel-devel 7:5-1 sha256 9528be88 size 77\n" },
	{ "empty.xml", 0, 0, "" },
	{ "catalog.xml", 0, 0, "" },
	{ "encoding.xml", 0, 0, "" },
};

static const struct bad_row bad[] = {
	{ "cut-short.xml", ERR_CORRUPT, "Premature end" },
	{ "page.xml", ERR_CORRUPT, "is an HTML page" },
	{ "xhtml.xml", ERR_CORRUPT, "is an HTML page" },
	{ "filelists.xml", ERR_CORRUPT, "begins with 'filelists', not with 'metadata'" },
	{ "no-namespace.xml", ERR_CORRUPT, "begins with 'metadata'" },
	{ "text.xml", ERR_CORRUPT, "line 1: Start tag expected" },
	{ "empty.xml", ERR_CORRUPT, "empty" },
	{ "nul.xml", ERR_CORRUPT, "NUL" },
	{ "two-roots.xml", ERR_CORRUPT, "Extra content" },
	{ "latin1.xml", ERR_CORRUPT, "not proper UTF-8" },
	{ "utf16.xml", ERR_CORRUPT, "NUL" },
	{ "laughs.xml", ERR_HOSTILE, "document type" },
	{ "external.xml", ERR_HOSTILE, "document type" },
	{ "dtd.xml", ERR_HOSTILE, "document type" },
	{ "entity.xml", ERR_CORRUPT, "nbsp" },
	{ "deep.xml", ERR_LIMIT, "nested" },
	{ "long-name.xml", ERR_LIMIT, "text is longer than 4096" },
	{ "long-href.xml", ERR_LIMIT, "'href' is longer than 4096" },
	{ "name-is-element.xml", ERR_CORRUPT, "an element 'b' where text belongs" },
	{ "no-name.xml", ERR_CORRUPT, "package 1 has no name" },
	{ "no-location.xml", ERR_CORRUPT, "package 1 has no location" },
	{ "base-file.xml", ERR_HOSTILE, "package 'kernel-devel': the base 'file:///etc'" },
	{ "href-absolute.xml", ERR_HOSTILE, "'/pool/kernel-devel-1-1.x86_64.rpm' is not relative" },
	{ "href-url.xml", ERR_HOSTILE, "is not relative" },
	{ "checksum.xml", ERR_CORRUPT, "is no sha256" },
	{ "size.xml", ERR_CORRUPT, "'-1' is no size" },
};

Test(primary, good)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	kernels(&rules);
	expect_good(index_parse_primary, &rules, "primary", good, ARRAY_LEN(good));
}

Test(primary, bad)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	kernels(&rules);
	expect_bad(index_parse_primary, &rules, "primary", bad, ARRAY_LEN(bad));
}

Test(primary, cut_short)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	kernels(&rules);
	expect_cut_is_corrupt(index_parse_primary, &rules, "primary/createrepo.xml", ">");
}

/* What the limits of libxml2 would allow takes memory and time long before it is refused. */
Test(primary, endless_tag)
{
	static const char *const starts[] = { "<metadata a='", "<!-- ", "<?x ", "<" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		static char bytes[4 << 20];
		const struct index_rules rules = { 0 };
		cleanup_parsed struct parsed p = { 0 };
		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes, starts[i], strlen(starts[i]));
		parse_bytes(index_parse_primary, &rules, 0, bytes, sizeof(bytes), 0, &p);
		cr_expect_eq(p.rc, -1);
		cr_expect_eq(p.e.kind, ERR_LIMIT, "%s: %s", starts[i], p.e.message);
	}
}

Test(primary, bad_pattern)
{
	cleanup_index_rules struct index_rules rules = { 0 };
	cleanup_parsed struct parsed p = { 0 };

	add_text(&rules.packages, "(");
	parse_bytes(index_parse_primary, &rules, 0, "", 0, 0, &p);
	cr_expect_eq(p.e.kind, ERR_INPUT, "%s", p.e.message);
}

static const struct good_row good_repomd[] = {
	{ "createrepo.xml", 0, 6,
	  "primary.xml 0 repodata/d32bd85434a3284b5a68b2944d996b90846cadab8acd5c3a9c03614ff38d8632-primary.xml.gz root sha256 d32bd854 "
	  "size 926\n" },
	{ "old.xml", 0, 2, "primary.xml 0 https://cdn.example/8/repodata/primary.xml.gz root\n" },
};

static const struct bad_row bad_repomd[] = {
	{ "two.xml", ERR_CORRUPT, "more than one primary" },
	{ "no-primary.xml", ERR_CORRUPT, "names no primary" },
	{ "no-location.xml", ERR_CORRUPT, "primary: the location '' is no file's" },
	{ "size.xml", ERR_CORRUPT, "'12 KB' is no size" },
	{ "page.xml", ERR_CORRUPT, "is an HTML page" },
};

/* The chain from the signature to the packages must not have a missing link. */
Test(repomd, signed_one_without_the_digest_of_its_primary)
{
	static char keyring[] = "keys/x.gpg";
	const struct index_rules rules = { .keyring = keyring };
	static const char *const files[] = { "repomd/createrepo.xml", "repomd/old.xml" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cleanup_parsed struct parsed p = { 0 };
		cleanup_buf struct buf bytes = { 0 };
		read_data(files[i], &bytes);
		parse_bytes(index_parse_repomd, &rules, 0, bytes.data, bytes.len, 0, &p);
		cr_expect_eq(p.rc, i ? -1 : 0, "%s: %s", files[i], p.e.message);
		cr_expect(!i || strstr(p.e.message, "has no sha256"), "%s: %s", files[i], p.e.message);
	}
}

Test(repomd, table)
{
	const struct index_rules rules = { 0 };

	expect_good(index_parse_repomd, &rules, "repomd", good_repomd, ARRAY_LEN(good_repomd));
	expect_bad(index_parse_repomd, &rules, "repomd", bad_repomd, ARRAY_LEN(bad_repomd));
	expect_cut_is_corrupt(index_parse_repomd, &rules, "repomd/createrepo.xml", ">");
}
