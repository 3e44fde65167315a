/* Where a package comes from, in which order. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cache/cache.h"
#include "fixture.h"

static struct fixture x;
static struct err e;
static struct mirror mirror;
static char *bucket_url, *fixed, *by_time;
static struct cache_archive archives[2];

#define BODY "the bytes of a package"

static void set_up(void)
{
	fixture_init(&x);
	cleanup_free char *base = fixture_url(&x, "/mirror");
	mirror.name = strdup("main");
	cr_assert_eq(strv_add(&mirror.urls, base, &e), 0);
	x.options.mirrors = mirror_table_new(NULL, NULL, &e);
	cr_assert_eq(mirror_table_add(x.options.mirrors, &mirror, NULL, &e), 0);
	bucket_url = fixture_url(&x, "/bucket");
	by_time = fixture_url(&x, "/archive/${last-seen}/main");
	fixed = fixture_url(&x, "/archive/20200101T000000Z/main");
	archives[0] = (struct cache_archive){ &mirror.urls, by_time };
	archives[1] = (struct cache_archive){ &mirror.urls, fixed };
}

static void tear_down(void)
{
	mirror_table_free(x.options.mirrors);
	mirror_release(&mirror);
	free(bucket_url);
	free(by_time);
	free(fixed);
	fixture_release(&x);
}

TestSuite(candidates, .init = set_up, .fini = tear_down, .timeout = 120);

static int64_t seen_in_2021(void *context, const char *url)
{
	(void)context;
	return strstr(url, "known") ? 1609459200 : 0;
}

/* Paths of the candidates, blanks between. */
static void expect(const char *path, bool digest_known, const char *expected)
{
	cleanup_free char *url = fixture_url(&x, path);
	cleanup_strv struct strv found = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct digest d = digest_of_text(BODY);

	cr_assert_eq(
		cache_candidates(x.cache, x.options.mirrors, url, digest_known ? &d : NULL, seen_in_2021(NULL, url), &found, &e), 0,
		"%s", e.message);
	for (size_t i = 0; i < found.len; i++)
		cr_assert_eq(buf_printf(&text, &e, "%s ", found.items[i] + strlen(http_server_url(x.server))), 0);
	cr_expect_str_eq(buf_text(&text), expected);
}

Test(candidates, order)
{
	char hex[DIGEST_HEX + 1], all[400];
	struct digest d = digest_of_text(BODY);

	expect("/mirror/known.deb", true, "/mirror/known.deb ");
	cache_set_upstream(x.cache, &(struct cache_upstream){ .bucket_url = bucket_url, .archives = archives, .archive_count = 2 });
	digest_hex(&d, hex);
	snprintf(all, sizeof(all),
		 "/bucket/sha256/%.2s/%s /mirror/known.deb /archive/20210101T000000Z/main/known.deb "
		 "/archive/20200101T000000Z/main/known.deb ",
		 hex, hex);
	expect("/mirror/known.deb", true, all);
	expect("/mirror/known.deb", false,
	       "/mirror/known.deb /archive/20210101T000000Z/main/known.deb /archive/20200101T000000Z/main/known.deb ");
	/* Never seen: only the archive that asks for no time. */
	expect("/mirror/new.deb", false, "/mirror/new.deb /archive/20200101T000000Z/main/new.deb ");
	/* No mirror's, so no archive's. */
	expect("/elsewhere/known.deb", false, "/elsewhere/known.deb ");
	expect("/mirrored/known.deb", false, "/mirrored/known.deb ");
}

static struct cache_request request(const char *path)
{
	struct cache_request r = { .url = fixture_url(&x, path), .digest_known = true, .digest = digest_of_text(BODY) };

	x.owned[x.owned_count++] = (char *)r.url;
	return r;
}

static void serve(const char *path, const char *body)
{
	http_server_add(x.server, path, &(struct http_step){ .body = body, .len = strlen(body) });
}

Test(candidates, what_mirrors_have_dropped_comes_from_the_archive)
{
	struct cache_request item = request("/mirror/known.deb");

	serve("/archive/20210101T000000Z/main/known.deb", BODY);
	cache_set_upstream(x.cache,
			   &(struct cache_upstream){ .archives = archives, .archive_count = 2, .last_seen = seen_in_2021 });
	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0, "%s", e.message);
	cr_assert(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect(strstr(x.reports[0].from, "/archive/20210101T000000Z/main/known.deb"), "%s", x.reports[0].from);
	cr_expect_eq(http_server_requests(x.server, "/mirror/known.deb"), 1, "the mirror is asked first");
}

/* The time of an earlier fetch is one when it was published. */
Test(candidates, records_say_when_a_package_was_there)
{
	struct cache_request item = request("/mirror/other.deb");
	char path[128];

	http_server_add(x.server, "/mirror/other.deb", &(struct http_step){ .body = BODY, .len = strlen(BODY) });
	http_server_add(x.server, "/mirror/other.deb", &(struct http_step){ .status = 404, .body = "", .len = 0 });
	cache_set_upstream(x.cache, &(struct cache_upstream){ .archives = archives, .archive_count = 1 });
	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0);
	cr_assert(x.reports[0].ok);
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	cr_assert_eq(cache_lookup(x.cache, item.url, &entry, &e), 1);
	time_t when = (time_t)entry.fetched;
	struct tm tm;
	strftime(path, sizeof(path), "/archive/%Y%m%dT%H%M%SZ/main/other.deb", gmtime_r(&when, &tm));
	serve(path, BODY);
	cleanup_free char *contents = path_join(x.dir, "packages/sha256", &e);
	cr_assert_eq(path_remove(contents, &e), 0);
	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0);
	cr_expect(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect_eq(http_server_requests(x.server, path), 1);
}

Test(candidates, the_public_bucket_is_asked_first_and_checked)
{
	struct cache_request items[] = { request("/mirror/a.deb"), request("/mirror/b.deb") };
	char hex[DIGEST_HEX + 1], path[128];

	items[1].digest = digest_of_text("b");
	serve("/mirror/a.deb", BODY);
	serve("/mirror/b.deb", "b");
	digest_hex(&items[0].digest, hex);
	snprintf(path, sizeof(path), "/bucket/sha256/%.2s/%s", hex, hex);
	serve(path, BODY);
	digest_hex(&items[1].digest, hex);
	snprintf(path, sizeof(path), "/bucket/sha256/%.2s/%s", hex, hex);
	serve(path, "not b");
	cache_set_upstream(x.cache, &(struct cache_upstream){ .bucket_url = bucket_url });
	cr_assert_eq(fixture_fetch(&x, items, 2, &e), 0, "%s", e.message);
	cr_expect(x.reports[0].ok && x.reports[1].ok);
	cr_expect(strstr(x.reports[0].from, "/bucket/sha256/"), "%s", x.reports[0].from);
	cr_expect(strstr(x.reports[1].from, "/mirror/b.deb"), "%s", x.reports[1].from);
	cr_expect_eq(http_server_requests(x.server, "/mirror/a.deb"), 0);
	cr_expect_eq(count_files(x.dir, "packages/bad", ".reason"), 1);
}
