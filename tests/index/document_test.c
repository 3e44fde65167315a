#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/document.h"
#include "parsing.h"

static const struct index_item samples[] = {
	{ .is_package = true, .reference = (char *)"a/b+c~d:e.deb", .from_root = true },
	{ .is_package = true,
	  .chosen = true,
	  .reference = (char *)"https://a.example/x%20y",
	  .package = (char *)"x",
	  .version = (char *)"1:2~3",
	  .digest_known = true,
	  .sha256 = { { 1, 2, 3 } },
	  .size_known = true,
	  .size = (uint64_t)1 << 62 },
	{ .document = DOCUMENT_PACKAGES,
	  .reference = (char *)"main/binary-amd64/Packages.xz",
	  .by_hash = (char *)"main/binary-amd64/by-hash/SHA256/00",
	  .size_known = true },
	{ .document = DOCUMENT_LISTING, .level = 3, .reference = (char *)"?prefix=1&marker=x" },
};

struct seen {
	size_t count;
	size_t stop_at; /* SIZE_MAX: never */
};

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int compare(void *context, const struct index_item *item, struct err *e)
{
	struct seen *seen = context;

	if (seen->count == seen->stop_at)
		return err_set(e, ERR_LIMIT, "enough");
	const struct index_item *expected = &samples[seen->count++ % ARRAY_LEN(samples)];
	cr_expect(item->is_package == expected->is_package && item->chosen == expected->chosen &&
		  item->from_root == expected->from_root && item->level == expected->level);
	cr_expect(expected->is_package || item->document == expected->document);
	cr_expect(same_text(item->reference, expected->reference) && same_text(item->by_hash, expected->by_hash) &&
		  same_text(item->package, expected->package) && same_text(item->version, expected->version));
	cr_expect(item->digest_known == expected->digest_known && digest_equal(&item->sha256, &expected->sha256));
	cr_expect(item->size_known == expected->size_known && item->size == expected->size);
	cr_expect_eq(item->depends.len, item->chosen ? 2 : 0);
	return 0;
}

static void encode_samples(struct buf *text)
{
	const struct document_facts facts = { .valid_until = 1720884864, .entries = 63440 };
	cleanup_strv struct strv depends = { 0 };
	struct err e = { 0 };

	add_text(&depends, "a");
	add_text(&depends, "b");
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct index_item item = samples[i];
		if (item.chosen)
			item.depends = depends;
		cr_assert_eq(index_item_encode(&item, text, &e), 0, "%s", e.message);
	}
	cr_assert_eq(document_facts_encode(&facts, text, &e), 0);
}

Test(document, items_come_back)
{
	cleanup_buf struct buf text = { 0 };
	struct seen seen = { .stop_at = SIZE_MAX };
	struct document_facts facts;
	struct err e = { 0 };

	encode_samples(&text);
	cr_assert_eq(index_items_decode(text.data, text.len, compare, &seen, &facts, &e), 0, "%s", e.message);
	cr_expect_eq(seen.count, ARRAY_LEN(samples));
	cr_expect_eq(facts.valid_until, 1720884864);
	cr_expect_eq(facts.entries, 63440);
	seen = (struct seen){ .stop_at = 2 };
	cr_expect_eq(index_items_decode(text.data, text.len, compare, &seen, &facts, &e), -1);
	cr_expect_str_eq(e.message, "enough");
}

Test(document, cut_anywhere_is_corrupt)
{
	cleanup_buf struct buf text = { 0 };

	encode_samples(&text);
	for (size_t len = 0; len < text.len; len++) {
		struct err e = { 0 };
		cr_expect_eq(index_items_decode(text.data, len, NULL, NULL, NULL, &e), -1, "%zu bytes pass", len);
		cr_expect_eq(e.kind, ERR_CORRUPT);
	}
}

Test(document, foreign_lines_are_corrupt)
{
	static const char *const rows[] = {
		"\n",
		"[]\n",
		"{\n",
		"{}\n",
		"{\"reference\":1}\n",
		"{\"reference\":\"\"}\n",
		"{\"reference\":\"a b\"}\n",
		"{\"reference\":\"a%2\"}\n",
		"{\"reference\":\"a\\nb\"}\n",
		"{\"reference\":\"a\\u0000\"}\n",
		"{\"reference\":\"\xc3\xa4\"}\n",
		"{\"reference\":\"a\",\"reference\":\"b\"}\n",
		"{\"reference\":\"a\",\"by_hash\":\"<\"}\n",
		"{\"reference\":\"a\",\"unknown\":1}\n",
		"{\"reference\":\"a\",\"size\":-1}\n",
		"{\"reference\":\"a\",\"size\":1.5}\n",
		"{\"reference\":\"a\",\"size\":99999999999999999999}\n",
		"{\"reference\":\"a\",\"sha256\":\"00\"}\n",
		"{\"reference\":\"a\",\"level\":-1}\n",
		"{\"reference\":\"a\",\"level\":1001}\n",
		"{\"reference\":\"a\",\"depends\":[1]}\n",
		"{\"reference\":\"a\",\"document\":\"novel\"}\n",
		"{\"facts\":{}}\n",
		"{\"facts\":{\"valid_until\":0,\"entries\":-1}}\n",
		"{\"facts\":{\"valid_until\":0,\"entries\":0}}\n{\"reference\":\"a\"}\n",
	};
	static const char end[] = "{\"facts\":{\"valid_until\":0,\"entries\":0}}\n";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf text = { 0 };
		struct err e = { 0 };
		cr_assert(buf_puts(&text, rows[i], &e) == 0 && buf_puts(&text, end, &e) == 0);
		cr_expect_eq(index_items_decode(text.data, text.len, NULL, NULL, NULL, &e), -1, "%s", rows[i]);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s: %s", rows[i], e.message);
	}
	cr_expect_eq(index_items_decode(end, strlen(end), NULL, NULL, NULL, NULL), 0);
}

Test(document, what_can_not_travel_is_refused)
{
	const struct index_item rows[] = {
		{ .is_package = true },
		{ .is_package = true, .reference = (char *)"a b" },
		{ .is_package = true, .reference = (char *)"a", .package = (char *)"\xff" },
		{ .is_package = true, .reference = (char *)"a", .version = (char *)"\xff" },
		{ .is_package = true, .reference = (char *)"a", .size_known = true, .size = UINT64_MAX },
		{ .reference = (char *)"a", .by_hash = (char *)"b\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf text = { 0 };
		struct err e = { 0 };
		cr_expect_eq(index_item_encode(&rows[i], &text, &e), -1, "row %zu gives %s", i, buf_text(&text));
		cr_expect_eq(e.kind, ERR_CORRUPT, "row %zu", i);
		cr_expect_eq(text.len, 0);
	}
}

Test(document, kinds_have_names)
{
	for (int i = 0; i < DOCUMENT_KIND_COUNT; i++) {
		enum document_kind kind = DOCUMENT_KIND_COUNT;
		struct err e = { 0 };
		cr_expect_eq(document_kind_parse(document_kind_name((enum document_kind)i), &kind, &e), 0);
		cr_expect_eq((int)kind, i);
	}
}
