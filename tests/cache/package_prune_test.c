#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cache/package_upkeep.h"

static struct fixture x;
static struct err e;
static struct cache_keep *keep;
static struct cache_pruned gone;
static struct strv dropped; /* names and URLs */

static struct cache_request item(const char *path, const char *body)
{
	http_server_add(x.server, path, &(struct http_step){ .body = body, .len = strlen(body) });
	char *url = fixture_url(&x, path);
	x.owned[x.owned_count++] = url;
	return (struct cache_request){ .url = url };
}

static void fetch(const struct cache_request *items, size_t n)
{
	cr_assert_eq(fixture_fetch(&x, items, n, &e), 0, "%s", e.message);
	cr_assert_eq(x.fetched.failed, 0);
}

static void set_up(void)
{
	fixture_init(&x);
	cr_assert_eq(cache_keep_new(&keep, &e), 0);
}

static void tear_down(void)
{
	cache_keep_free(keep);
	strv_release(&dropped);
	fixture_release(&x);
}

TestSuite(package_prune, .init = set_up, .fini = tear_down, .timeout = 120);

static void on_drop(void *context, const char *name, const char *const *urls, const struct digest *digest, uint64_t size)
{
	(void)context, (void)size;
	cr_expect(digest || !*urls || strstr(*urls, "lost"), "without bytes only records are dropped");
	cr_assert_eq(strv_add(&dropped, name, &e), 0);
	for (; *urls; urls++)
		cr_assert_eq(strv_add(&dropped, *urls, &e), 0);
}

static void prune(bool really, unsigned grace_s)
{
	const struct cache_prune_options options = { .really = really, .grace_s = grace_s, .on_drop = on_drop };

	strv_release(&dropped);
	cr_assert_eq(cache_prune(x.cache, keep, &options, &gone, &e), 0, "%s", e.message);
}

static bool there(const struct cache_request *r)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	return cache_lookup(x.cache, r->url, &entry, &e) == 1;
}

Test(package_prune, drops_what_nobody_names_and_shows_it_before)
{
	struct cache_request items[] = { item("/listed.deb", "listed"), item("/old.deb", "old"), item("/twin.deb", "old") };

	fetch(items, 3);
	cr_assert_eq(cache_keep_url(keep, items[0].url, NULL, &e), 0);
	prune(false, 0);
	cr_expect_eq(gone.packages, 1);
	cr_expect_eq(gone.bytes, 3);
	cr_expect_eq(gone.records, 2);
	cr_expect(strv_has(&dropped, items[1].url) && strv_has(&dropped, items[2].url));
	cr_expect(there(&items[0]) && there(&items[1]) && there(&items[2]), "nothing is removed unless it is meant");

	prune(true, 0);
	cr_expect_eq(gone.packages, 1);
	cr_expect_eq(gone.records, 2);
	cr_expect_eq(gone.bytes, 3);
	cr_expect(there(&items[0]) && !there(&items[1]) && !there(&items[2]));
	cr_expect_eq(count_files(x.dir, "packages/sha256", ""), 1);
	cr_expect_eq(count_files(x.dir, "packages/urls", ""), 1);
	prune(true, 0);
	cr_expect_eq(gone.packages + gone.records, 0);
}

/* Bytes that one listed URL needs stay, whoever else gave them. */
Test(package_prune, shared_bytes_stay)
{
	struct cache_request items[] = { item("/a.deb", "same"), item("/b.deb", "same") };

	fetch(items, 2);
	cr_assert_eq(cache_keep_url(keep, items[1].url, NULL, &e), 0);
	prune(true, 0);
	cr_expect_eq(gone.packages, 0);
	cr_expect_eq(gone.records, 1);
	cr_expect(!there(&items[0]) && there(&items[1]));
}

/* The clock that stamps files may run ahead of the program's. */
Test(package_prune, what_is_stamped_later_than_now_is_not_young_without_a_grace)
{
	struct cache_request items[] = { item("/a.deb", "a") };
	const struct timespec later[2] = { { .tv_sec = time(NULL) + 3600 }, { .tv_sec = time(NULL) + 3600 } };

	fetch(items, 1);
	cleanup_free char *record = find_file(x.dir, "packages/urls", "");
	cr_assert_eq(utimensat(AT_FDCWD, record, later, 0), 0);
	prune(true, 0);
	cr_expect_eq(gone.records, 1);
	cr_expect_eq(gone.packages, 1);
}

/* The list's digests name bytes too: they stay although their record has been lost. */
Test(package_prune, listed_digests_keep_their_bytes)
{
	struct cache_request items[] = { item("/a.deb", "listed bytes"), item("/b.deb", "unlisted bytes") };
	struct digest d = digest_of_text("listed bytes");

	fetch(items, 2);
	cleanup_free char *urls = path_join(x.dir, "packages/urls", &e);
	cr_assert_eq(path_remove(urls, &e), 0);
	cr_assert_eq(cache_keep_url(keep, items[0].url, &d, &e), 0);
	prune(true, 0);
	cr_expect_eq(gone.packages, 1);
	items[0].digest_known = true;
	items[0].digest = d;
	fetch(items, 1);
	cr_expect_eq(x.fetched.present, 1);
}

Test(package_prune, what_is_young_stays)
{
	struct cache_request items[] = { item("/a.deb", "a") };

	fetch(items, 1);
	prune(true, 3600);
	cr_expect_eq(gone.packages + gone.records, 0);
	cr_expect(there(&items[0]));
}

Test(package_prune, unfinished_downloads_of_unlisted_urls_go)
{
	struct digest listed = digest_of_text("http://a/listed"), other = digest_of_text("http://a/other");
	char hex[DIGEST_HEX + 1], path[256], note[300];

	cr_assert_eq(cache_keep_url(keep, "http://a/listed", NULL, &e), 0);
	for (int i = 0; i < 2; i++) {
		digest_hex(i ? &other : &listed, hex);
		snprintf(path, sizeof(path), "%s/packages/partial/%s", x.dir, hex);
		snprintf(note, sizeof(note), "%s.from", path);
		cr_assert_eq(file_replace(path, "abc", 3, 0644, &e) | file_replace(note, "x\n\n", 3, 0644, &e), 0);
	}
	prune(true, 0);
	cr_expect_eq(gone.partials, 1);
	cr_expect_eq(gone.bytes, 3);
	cr_expect_eq(count_files(x.dir, "packages/partial", ""), 2, "the listed one and its note");
}

/* Its record may be all that says which bytes a listed URL gave. */
Test(package_prune, a_damaged_record_of_a_listed_url_ends_it)
{
	const struct cache_prune_options options = { .really = true };
	struct cache_request items[] = { item("/listed.deb", "listed bytes"), item("/other.deb", "other bytes") };
	struct digest url, content = digest_of_text("listed bytes");
	char hex[DIGEST_HEX + 1];

	fetch(items, 2);
	cr_assert_eq(cache_keep_url(keep, items[0].url, NULL, &e), 0);
	url = digest_of_text(items[0].url);
	digest_hex(&url, hex);
	cleanup_free char *record = find_file(x.dir, "packages/urls", hex);
	tamper(record, "{", 1);
	cr_expect_eq(cache_prune(x.cache, keep, &options, &gone, &e), -1);
	cr_expect_eq(e.kind, ERR_CHECK);
	digest_hex(&content, hex);
	cr_expect_eq(count_files(x.dir, "packages/sha256", hex), 1, "the listed package stays");
	/* Of a URL that nobody lists it is no obstacle. */
	cr_assert_eq(unlink(record), 0);
	url = digest_of_text(items[1].url);
	digest_hex(&url, hex);
	cleanup_free char *other = find_file(x.dir, "packages/urls", hex);
	tamper(other, "{", 1);
	prune(true, 3600);
}

/* Bytes that a new URL has adopted are young, though no record was read that says so. */
Test(package_prune, adopted_bytes_are_young)
{
	struct cache_request items[] = { item("/old.deb", "old bytes") }, adopted = item("/new.deb", "old bytes");
	struct digest url;
	char hex[DIGEST_HEX + 1];

	fetch(items, 1);
	sleep(3);
	adopted.digest_known = true;
	adopted.digest = digest_of_text("old bytes");
	fetch(&adopted, 1);
	cr_expect_eq(x.fetched.present, 1);
	url = digest_of_text(adopted.url);
	digest_hex(&url, hex);
	cleanup_free char *record = find_file(x.dir, "packages/urls", hex);
	cr_assert_eq(unlink(record), 0);
	prune(true, 2);
	cr_expect_eq(gone.packages, 0);
	cr_expect_eq(gone.young, 1);
}

/* While it runs somebody fetches what is about to go: adopted bytes are not lost. */
static struct cache_request arriving;

static void fetch_meanwhile(void *context, const char *name, const char *const *urls, const struct digest *digest, uint64_t size)
{
	(void)context, (void)name, (void)urls, (void)digest, (void)size;
	/* The record of lost.deb, whose bytes are not there, is the first thing to go; old.deb's bytes have not been looked at. */
	if (arriving.url) {
		fetch(&arriving, 1);
		cr_expect_eq(x.fetched.present, 1, "adopted");
	}
	arriving.url = NULL;
}

Test(package_prune, what_arrives_meanwhile_is_not_lost)
{
	struct cache_request items[] = { item("/old.deb", "old bytes"), item("/lost.deb", "lost bytes") };
	const struct cache_prune_options options = { .really = true, .grace_s = 2, .on_drop = fetch_meanwhile };

	fetch(items, 2);
	arriving = item("/new-name.deb", "old bytes");
	arriving.digest_known = true;
	arriving.digest = digest_of_text("old bytes");
	struct cache_request again = arriving;
	char hex[DIGEST_HEX + 1];
	struct digest lost = digest_of_text("lost bytes");
	digest_hex(&lost, hex);
	cleanup_free char *content = find_file(x.dir, "packages/sha256", hex);
	cr_assert_eq(unlink(content), 0);
	/* Everything is older than the grace. */
	sleep(3);
	cr_assert_eq(cache_prune(x.cache, keep, &options, &gone, &e), 0, "%s", e.message);
	cr_expect_null(arriving.url, "it was not told of lost.deb");
	cr_expect_eq(gone.packages, 0);
	cr_expect(there(&again));
	cr_expect(cache_gives(x.cache, again.url, "old bytes", 9, &e), "%s", e.message);
}
