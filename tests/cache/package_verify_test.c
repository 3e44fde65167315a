#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cache/package_upkeep.h"

enum { PACKAGES = 40 };

static struct fixture x;
static struct err e;
static struct cache_request items[PACKAGES];
static struct cache_verified found;

/* What on_bad said. */
static struct {
	unsigned times;
	struct strv names, urls;
	char reason[1024];
	uint64_t bytes_done, bytes_total;
} told;

static void on_bad(void *context, const struct cache_bad *bad)
{
	cr_expect_eq(context, (void *)&told);
	told.times++;
	cr_assert_eq(strv_add(&told.names, bad->name, &e), 0);
	for (const char *const *url = bad->urls; *url; url++)
		cr_assert_eq(strv_add(&told.urls, *url, &e), 0);
	snprintf(told.reason, sizeof(told.reason), "%s", bad->reason->message);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	(void)context;
	cr_expect_geq(bytes_done, told.bytes_done);
	cr_expect_leq(bytes_done, bytes_total);
	told.bytes_done = bytes_done;
	told.bytes_total = bytes_total;
}

static void set_up(void)
{
	fixture_init(&x);
	for (unsigned i = 0; i < PACKAGES; i++) {
		char path[32];
		size_t len = 1000 + i * 10000;
		snprintf(path, sizeof(path), "/p%u.deb", i);
		http_server_add(x.server, path, &(struct http_step){ .body = fixture_bytes(&x, len, i), .len = len });
		items[i] = (struct cache_request){ .url = fixture_url(&x, path) };
	}
	cr_assert_eq(fixture_fetch(&x, items, PACKAGES, &e), 0, "%s", e.message);
	cr_assert_eq(x.fetched.fetched, PACKAGES);
}

static void tear_down(void)
{
	for (unsigned i = 0; i < PACKAGES; i++)
		free((char *)items[i].url);
	strv_release(&told.names);
	strv_release(&told.urls);
	fixture_release(&x);
}

TestSuite(package_verify, .init = set_up, .fini = tear_down, .timeout = 120);

static int verify(unsigned jobs)
{
	const struct cache_verify_options options = {
		.jobs = jobs, .cancel = &x.cancel, .on_bad = on_bad, .on_progress = on_progress, .context = &told
	};

	told.times = 0;
	told.bytes_done = 0;
	return cache_verify(x.cache, &options, &found, &e);
}

/* Path of an item's content. */
static char *content_of(unsigned i)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	char hex[DIGEST_HEX + 1];

	cr_assert_eq(cache_lookup(x.cache, items[i].url, &entry, &e), 1);
	digest_hex(&entry.digest, hex);
	return find_file(x.dir, "packages/sha256", hex);
}

Test(package_verify, says_how_much_is_good)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < PACKAGES; i++)
		bytes += 1000 + i * 10000;
	for (unsigned jobs = 0; jobs < 6; jobs++) {
		cr_assert_eq(verify(jobs), 0, "%s", e.message);
		cr_expect_eq(found.good, PACKAGES);
		cr_expect_eq(found.bad + found.bad_records + found.missing, 0);
		cr_expect_eq(found.bytes, bytes);
		cr_expect_eq(told.bytes_done, bytes);
		cr_expect_eq(told.bytes_total, bytes);
	}
	cr_expect_eq(told.times, 0);
}

Test(package_verify, an_empty_cache_is_good)
{
	cr_assert_eq(cache_delete(x.cache, &e), 0);
	cr_expect_eq(verify(0), 0, "%s", e.message);
	cr_expect_eq(found.good, 0);
}

/* Flipped, cut, emptied, and a link: each is named with all its URLs and set aside, the others stay. */
Test(package_verify, bad_ones_are_named_and_set_aside)
{
	cleanup_free char *flipped = content_of(3), *cut = content_of(20), *empty = content_of(21), *linked = content_of(30);
	cleanup_free char *bytes = strdup("x");
	struct cache_request twin = { .url = fixture_url(&x, "/elsewhere/p3.deb"), .digest_known = true };
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	/* A second URL for the same bytes. */
	cr_assert_eq(cache_lookup(x.cache, items[3].url, &entry, &e), 1);
	twin.digest = entry.digest;
	cr_assert_eq(fixture_fetch(&x, &twin, 1, &e), 0);
	cr_assert_eq(x.fetched.present, 1);

	char *same_size = fixture_bytes(&x, 31000, 99);
	tamper(flipped, same_size, 31000);
	tamper(cut, bytes, 1);
	tamper(empty, "", 0);
	cr_assert_eq(unlink(linked), 0);
	cr_assert_eq(symlink("/etc/passwd", linked), 0);

	cr_assert_eq(verify(3), 0, "%s", e.message);
	cr_expect_eq(found.bad, 4);
	cr_expect_eq(told.times, 4);
	cr_expect_eq(found.good, PACKAGES - 4);
	cr_expect(strv_has(&told.names, "p3.deb") && strv_has(&told.names, "p20.deb") && strv_has(&told.names, "p30.deb"));
	cr_expect(strv_has(&told.urls, items[3].url) && strv_has(&told.urls, twin.url) && strv_has(&told.urls, items[20].url));
	cr_expect_eq(told.urls.len, 5);
	cr_expect(strstr(told.reason, "in the cache is damaged") && strstr(told.reason, "set aside in"), "%s", told.reason);
	cr_expect_eq(access(flipped, F_OK), -1);
	cr_expect_eq(count_files(x.dir, "packages/bad", "p3.deb"), 2, "with its reason");

	/* The next fetch gets just those, and then all is good. */
	cr_assert_eq(fixture_fetch(&x, items, PACKAGES, &e), 0);
	cr_expect_eq(x.fetched.fetched, 4);
	cr_assert_eq(verify(0), 0);
	cr_expect_eq(found.bad, 0);
	cr_expect_eq(found.good, PACKAGES);
	free((char *)twin.url);
}

Test(package_verify, records_are_looked_at_too)
{
	cleanup_free char *content = content_of(5);
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	char hex[DIGEST_HEX + 1];
	struct digest d = digest_of_text(items[1].url);

	digest_hex(&d, hex);
	cleanup_free char *record = find_file(x.dir, "packages/urls", hex);
	tamper(record, "{}", 2);
	cr_assert_eq(unlink(content), 0);
	cr_assert_eq(verify(2), 0, "%s", e.message);
	cr_expect_eq(found.bad, 0);
	cr_expect_eq(found.bad_records, 1);
	cr_expect_eq(found.missing, 1);
	cr_expect(strstr(told.reason, "is no record"), "%s", told.reason);
	cr_expect_eq(access(record, F_OK), -1);
	cr_assert_eq(verify(2), 0, "%s", e.message);
	cr_expect_eq(found.bad_records, 0);
}

/* A record that is well-formed and wrong must not cost a good package. */
Test(package_verify, a_wrong_size_is_the_records_fault)
{
	cleanup_buf struct buf text = { 0 };
	struct digest d = digest_of_text(items[0].url);
	char hex[DIGEST_HEX + 1];

	digest_hex(&d, hex);
	cleanup_free char *record = find_file(x.dir, "packages/urls", hex);
	cr_assert_eq(file_read(record, 10000, &text, &e), 0);
	char *size = strstr(text.data, "\"size\": 1000");
	cr_assert_not_null(size, "%s", text.data);
	memcpy(size, "\"size\": 9999", 12);
	tamper(record, text.data, text.len);
	cr_assert_eq(verify(2), 0, "%s", e.message);
	cr_expect_eq(found.bad, 0);
	cr_expect_eq(found.bad_records, 1);
	cr_expect_eq(found.good, PACKAGES);
}

Test(package_verify, can_be_cancelled)
{
	cancel_set(&x.cancel);
	cr_expect_eq(verify(2), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_eq(count_files(x.dir, "packages/bad", ""), 0);
}
