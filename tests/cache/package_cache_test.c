#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

static struct fixture x;
static struct err e;
static char *url;

#define BODY "the bytes of a package"

static void set_up(void)
{
	fixture_init(&x);
	url = fixture_url(&x, "/pool/x_1%2b2.deb");
	http_server_add(x.server, "/pool/x_1%2b2.deb", &(struct http_step){ .body = BODY, .len = strlen(BODY) });
}

static void tear_down(void)
{
	free(url);
	fixture_release(&x);
}

TestSuite(package_cache, .init = set_up, .fini = tear_down, .timeout = 120);

static void fetch_it(void)
{
	const struct cache_request item = { .url = url };
	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0, "%s", e.message);
	cr_assert(x.reports[0].ok, "%s", x.reports[0].failure.message);
}

static size_t asked(void)
{
	return http_server_requests(x.server, "/pool/x_1%2b2.deb");
}

Test(package_cache, keeps_what_was_fetched)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct stat st;

	cr_expect_eq(cache_lookup(x.cache, url, &entry, &e), 0);
	fetch_it();
	cr_expect_eq(x.fetched.fetched, 1);
	cr_expect(cache_gives(x.cache, url, BODY, strlen(BODY), &e), "%s", e.message);

	cr_assert_eq(cache_lookup(x.cache, url, &entry, &e), 1);
	cr_expect_str_eq(entry.name, "x_1+2.deb");
	cr_expect_str_eq(entry.from, url);
	cr_expect_eq(entry.size, strlen(BODY));
	cr_expect_lt(llabs((long long)time(NULL) - entry.fetched), 60);

	char hex[DIGEST_HEX + 1];
	struct digest d = digest_of_text(BODY);
	digest_hex(&d, hex);
	cleanup_free char *content = find_file(x.dir, "packages/sha256", hex);
	cr_assert_eq(stat(content, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0444);
	cr_expect_eq(count_files(x.dir, "packages/partial", ""), 0);

	fetch_it();
	cr_expect_eq(x.fetched.present, 1);
	cr_expect_eq(asked(), 1, "what is there is not asked for again");
}

Test(package_cache, records_are_readable_and_sorted)
{
	cleanup_buf struct buf text = { 0 };
	char *at[6];
	static const char *const keys[] = { "\"fetched\": \"20", "\"from\": \"http", "\"name\": \"x_1+2.deb\"",
					    "\"sha256\": \"",	 "\"size\": 22",     "\"url\": \"http" };

	fetch_it();
	cleanup_free char *record = find_file(x.dir, "packages/urls", ".json");
	cr_assert_eq(file_read(record, 10000, &text, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		at[i] = strstr(text.data, keys[i]);
		cr_assert(at[i], "no %s in %s", keys[i], text.data);
		cr_expect(i == 0 || at[i] > at[i - 1]);
	}
	cr_expect(str_ends(text.data, "}\n"));
}

Test(package_cache, missing_is_not_found)
{
	struct digest other = digest_of_text("other");
	struct cache_entry entry = { .fd = -1 };

	cr_expect_eq(cache_open_package(x.cache, url, NULL, &entry, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect(strstr(e.message, "package 'x_1+2.deb' (http://127.0.0.1:"), "%s", e.message);
	fetch_it();
	cr_expect_eq(cache_open_package(x.cache, url, &other, &entry, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect(strstr(e.message, "another sha256 than expected"), "%s", e.message);
}

/* Bytes that changed on disk: named, set aside, and fetched anew. */
Test(package_cache, damaged_packages_are_set_aside_at_use)
{
	static const struct {
		const char *bytes, *message;
	} rows[] = {
		{ "the bytes of a pakcage", "its sha256 is " },
		{ "the bytes", "its size is 9 bytes, expected 22" },
		{ "", "its size is 0 bytes, expected 22" },
	};
	char hex[DIGEST_HEX + 1];
	struct digest d = digest_of_text(BODY);
	digest_hex(&d, hex);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cache_entry entry = { .fd = -1 };
		cleanup_buf struct buf reason = { 0 };
		fetch_it();
		cleanup_free char *content = find_file(x.dir, "packages/sha256", hex);
		tamper(content, rows[i].bytes, strlen(rows[i].bytes));

		cr_expect_eq(cache_open_package(x.cache, url, NULL, &entry, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_CORRUPT);
		cr_expect(str_starts(e.message, "package 'x_1+2.deb' in the cache is damaged: "), "%s", e.message);
		cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
		cr_expect(strstr(e.message, hex), "the digest expected is named: %s", e.message);
		cr_expect_eq(access(content, F_OK), -1);
		cleanup_free char *note = find_file(x.dir, "packages/bad", ".reason");
		cr_assert_eq(file_read(note, 10000, &reason, &e), 0);
		cr_expect(strstr(reason.data, rows[i].message), "%s", reason.data);

		cr_expect_eq(cache_open_package(x.cache, url, NULL, &entry, &e), -1);
		cr_expect_eq(e.kind, ERR_NOT_FOUND);
		fetch_it();
		cr_expect(cache_gives(x.cache, url, BODY, strlen(BODY), &e), "%s", e.message);
		cleanup_free char *bad = path_join(x.dir, "packages/bad", &e);
		cr_assert_eq(path_remove(bad, &e), 0);
	}
}

Test(package_cache, truncated_packages_are_fetched_anew)
{
	char hex[DIGEST_HEX + 1];
	struct digest d = digest_of_text(BODY);
	digest_hex(&d, hex);

	fetch_it();
	cleanup_free char *content = find_file(x.dir, "packages/sha256", hex);
	tamper(content, "the by", 6);
	fetch_it();
	cr_expect_eq(x.fetched.fetched, 1);
	cr_expect_eq(asked(), 2);
	cr_expect(strstr(buf_text(&x.log), "package 'x_1+2.deb' in the cache is damaged: its size is 6 bytes"), "%s",
		  buf_text(&x.log));
	cr_expect(cache_gives(x.cache, url, BODY, strlen(BODY), &e), "%s", e.message);
}

Test(package_cache, damaged_records_count_as_missing)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{\"url\": 1}",
		"{\"fetched\":\"2026-01-01T00:00:00Z\",\"from\":\"\",\"name\":\"x\",\"sha256\":\"12\",\"size\":1,\"url\":\"u\"}",
		"{\"fetched\":\"yesterday\",\"from\":\"\",\"name\":\"x\",\"sha256\":\"\",\"size\":1,\"url\":\"u\"}",
	};

	fetch_it();
	cleanup_free char *record = find_file(x.dir, "packages/urls", ".json");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
		tamper(record, texts[i], strlen(texts[i]));
		buf_clear(&x.log);
		cr_expect_eq(cache_lookup(x.cache, url, &entry, &e), 0, "row %zu", i);
		cr_expect(strstr(buf_text(&x.log), "it counts as missing"), "row %zu: %s", i, buf_text(&x.log));
	}
	fetch_it();
	cr_expect(cache_gives(x.cache, url, BODY, strlen(BODY), &e), "%s", e.message);
}

static int collect(void *context, const struct cache_entry *entry, struct err *err)
{
	struct strv *names = context;
	return strv_add(names, entry->name, err);
}

Test(package_cache, lists_counts_and_deletes)
{
	struct cache_totals totals;
	cleanup_strv struct strv names = { 0 };
	struct cache_entry entry = { .fd = -1 };
	cleanup_free char *gone = path_join(x.dir, ".packages.deleted.abcdef", &e);

	fetch_it();
	cr_assert_eq(cache_total(x.cache, &totals, &e), 0);
	cr_expect_eq(totals.packages, 1);
	cr_expect_eq(totals.urls, 1);
	cr_expect_eq(totals.bytes, strlen(BODY));
	cr_expect_eq(totals.partials + totals.bad, 0);
	cr_assert_eq(cache_list(x.cache, collect, &names, &e), 0);
	cr_assert_eq(names.len, 1);
	cr_expect_str_eq(names.items[0], "x_1+2.deb");

	/* What a deletion that was killed left behind goes too. */
	cr_assert_eq(mkdir(gone, 0777), 0);
	cr_assert_eq(cache_delete(x.cache, &e), 0, "%s", e.message);
	cr_expect_eq(count_files(x.dir, ".", ""), 0);
	cr_expect_eq(access(gone, F_OK), -1);
	cr_expect_eq(cache_lookup(x.cache, url, &entry, &e), 0);
	fetch_it();
	cr_expect(cache_gives(x.cache, url, BODY, strlen(BODY), &e), "usable after deletion: %s", e.message);
}
