#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "parsing.h"

static void kernels(struct index_rules *rules)
{
	struct err e;

	rules->prefix = str_dup("1 6", &e);
	add_text(&rules->packages, "\\d[^/]*/kernel[- ](src|headers).*\\.t(ar\\.)?gz");
	add_text(&rules->packages, "3/.*kernel-src\\.tgz");
}

/* Keys are in the order of the store, and patterns are on the whole key: `lakitu/` is one level too deep. */
static const struct good_row good[] = {
	{ "google.xml", 3, 4,
	  "package 16108.403.42/kernel-headers.tgz root size 123\n"
	  "package 16108.403.42/kernel%20src+a&b.tgz root size 9\n"
	  "package 16108.403.42/kernel-src.tar.gz root size 124\n"
	  "bucket listing 3 ?prefix=1%206&marker=16108.403.42/kernel-src.tar.gz\n" },
	/* Without NextMarker the last key is where it goes on, wanted or not. */
	{ "s3.xml", 0, 2,
	  "package 16108.2/kernel-headers.tgz root size 1\n"
	  "bucket listing 0 ?prefix=1%206&marker=16108.2/z%20%2B%26%252F\n" },
	{ "last.xml", 0, 1, "package 16%3A1/kernel-src.tgz root size 3\n" },
	{ "empty.xml", 0, 0, "" },
};

static const struct bad_row bad[] = {
	{ "no-key.xml", ERR_CORRUPT, "goes on, but names no key" },
	{ "same-marker.xml", ERR_CORRUPT, "goes on at '5', which is not behind '5'" },
	{ "goes-back.xml", ERR_CORRUPT, "goes on at '3/a', which is not behind '5'" },
	{ "no-truncated.xml", ERR_CORRUPT, "last page" },
	{ "truncated.xml", ERR_CORRUPT, "last page" },
	{ "traversal.xml", ERR_HOSTILE, "'3/../../kernel-src.tgz' is no plain path" },
	{ "empty-key.xml", ERR_CORRUPT, "object 1 has no key" },
	{ "size.xml", ERR_CORRUPT, "'big' is no size" },
	{ "encoded.xml", ERR_CORRUPT, "encoded" },
	{ "error.xml", ERR_CORRUPT, "begins with 'Error', not with 'ListBucketResult'" },
	{ "page.xml", ERR_CORRUPT, "is an HTML page" },
};

Test(bucket, table)
{
	cleanup_index_rules struct index_rules rules = { 0 };

	kernels(&rules);
	expect_good(index_parse_bucket, &rules, "bucket", good, ARRAY_LEN(good));
	expect_bad(index_parse_bucket, &rules, "bucket", bad, ARRAY_LEN(bad));
	expect_cut_is_corrupt(index_parse_bucket, &rules, "bucket/s3.xml", ">");
}

Test(bucket, without_prefix)
{
	cleanup_index_rules struct index_rules rules = { 0 };
	static const struct good_row row = { "s3.xml", 0, 2, "bucket listing 0 ?marker=16108.2/z%20%2B%26%252F\n" };

	expect_good(index_parse_bucket, &rules, "bucket", &row, 1);
}
