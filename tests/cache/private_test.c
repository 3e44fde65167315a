/* Packages of a private source: got with its access, kept without it. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

#define TOKEN "s3cr3t-t0ken"
#define BODY  "an entitled package"

Test(private, packages_come_with_their_access_and_no_record_has_it)
{
	struct fixture x;
	struct err e = { 0 };
	const struct fetch_access access = { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY };

	fixture_init(&x);
	cleanup_of(mirror_table) struct mirror_table *mirrors = mirror_table_new(NULL, NULL, &e);
	cleanup_free char *base = fixture_url(&x, "/cdn"), *inside = fixture_url(&x, "/cdn/x.rpm"),
			  *outside = fixture_url(&x, "/y.rpm");
	const struct cache_request items[] = { { .url = inside }, { .url = outside } };
	const struct http_step step = { .body = BODY, .len = strlen(BODY) };
	cr_assert_eq(mirror_table_add_access(mirrors, base, &access, &e), 0, "%s", e.message);
	http_server_add(x.server, "/cdn/x.rpm?" TOKEN, &step);
	http_server_add(x.server, "/y.rpm", &(struct http_step){ .body = "another", .len = 7 });
	x.options.mirrors = mirrors;
	cr_assert_eq(fixture_fetch(&x, items, 2, &e), 0, "%s", e.message);
	cr_expect(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect(x.reports[1].ok, "%s", x.reports[1].failure.message);
	cr_expect_str_eq(x.reports[0].from, inside);
	cr_expect(cache_gives(x.cache, inside, BODY, strlen(BODY), &e), "%s", e.message);
	cr_expect_not(strstr(buf_text(&x.log), TOKEN), "%s", buf_text(&x.log));
	fixture_release(&x);
}
