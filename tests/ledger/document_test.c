#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

Test(document, comes_back_as_it_was_put)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };
	struct digest rules = digest_of_text("rules");
	char items[] = "{\"package\":\"x\"}\n\0{\"facts\":{}}\n";
	const struct ledger_document put = {
		.etag = (char *)"W/\"v1\"",
		.last_modified = (char *)"Sun, 23 Nov 2025 20:00:00 GMT",
		.sha256 = digest_of_text("bytes"),
		.size = 1 << 30,
		.items = { .data = items, .len = sizeof(items) - 1 },
	};
	cr_assert_eq(ledger_document_put(l, "http://h/Packages", &rules, &put, 100, &e), 0, "%s", e.message);
	ledger_close(l);
	l = open_ledger(&p);

	cleanup_ledger_document struct ledger_document got = { 0 };
	cr_assert_eq(ledger_document_get(l, "http://h/Packages", &rules, 100, &got, &e), 1, "%s", e.message);
	cr_expect_str_eq(got.etag, put.etag);
	cr_expect_str_eq(got.last_modified, put.last_modified);
	cr_expect(digest_equal(&got.sha256, &put.sha256));
	cr_expect_eq(got.size, put.size);
	cr_expect(got.items.len == put.items.len && memcmp(got.items.data, items, put.items.len) == 0);
}

Test(document, is_of_one_url_under_one_set_of_rules)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);

	put_document(l, "http://h/a", "r1", "old", 100);
	put_document(l, "http://h/a", "r2", "other rules", 100);
	put_document(l, "http://h/a", "r1", "new", 100);
	put_document(l, "http://h/b", "r1", "", 100);
	cleanup_free char *a = get_document(l, "http://h/a", "r1", 100), *other = get_document(l, "http://h/a", "r2", 100),
			  *b = get_document(l, "http://h/b", "r1", 100), *none = get_document(l, "http://h/b", "r2", 100);
	cr_expect_str_eq(a, "new");
	cr_expect_str_eq(other, "other rules");
	cr_expect_str_eq(b, "");
	cr_expect_null(none);

	struct err e = { 0 };
	struct digest rules = digest_of_text("r1");
	cleanup_ledger_document struct ledger_document got = { 0 };
	cr_assert_eq(ledger_document_get(l, "http://h/a", &rules, 100, &got, &e), 1);
	cr_expect(!got.etag && !got.last_modified, "what a server never gave");
}

Test(document, expires_when_nobody_asks_for_it)
{
	enum { HOUR = 3600, DAY = 24 * HOUR };
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };

	put_document(l, "http://h/asked", "r", "x", DAY);
	put_document(l, "http://h/forgotten", "r", "x", DAY);
	put_document(l, "http://h/new", "r", "x", 9 * DAY);
	cleanup_free char *asked = get_document(l, "http://h/asked", "r", 8 * DAY);
	cr_assert_eq(ledger_documents_expire(l, 8 * DAY, &e), 0, "%s", e.message);
	cleanup_free char *still = get_document(l, "http://h/asked", "r", 9 * DAY),
			  *gone = get_document(l, "http://h/forgotten", "r", 9 * DAY),
			  *young = get_document(l, "http://h/new", "r", 9 * DAY);
	cr_expect(asked && still && young);
	cr_expect_null(gone);
}
