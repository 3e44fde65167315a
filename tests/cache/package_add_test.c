#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cache/package_upkeep.h"
#include "fetch/partial.h"

static struct fixture x;
static struct err e;
static char *path;

#define URL   "https://cdn.example/entitled/kernel-devel-5.14.0-70.x86_64.rpm"
#define BODY  "the bytes of a package"
#define OTHER "the bytes of another one"

static void write_file(const char *text)
{
	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

static void set_up(void)
{
	fixture_init(&x);
	path = path_join(x.dir, "handed-in.rpm", &e);
	write_file(BODY);
}

static void tear_down(void)
{
	free(path);
	fixture_release(&x);
}

TestSuite(package_add, .init = set_up, .fini = tear_down, .timeout = 120);

static int add(const struct cache_request *item)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	return cache_add(x.cache, path, item, "file by hand", NULL, &entry, &e);
}

static void expect_nothing(void)
{
	cr_expect_eq(count_files(x.dir, "packages", ""), 0);
}

Test(package_add, is_then_as_good_as_fetched)
{
	struct cache_request item = { .url = URL };
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	cr_assert_eq(add(&item), 1, "%s", e.message);
	cr_expect(cache_gives(x.cache, URL, BODY, strlen(BODY), &e), "%s", e.message);
	cr_assert_eq(cache_lookup(x.cache, URL, &entry, &e), 1);
	cr_expect_str_eq(entry.from, "file by hand");
	cr_expect_str_eq(entry.name, "kernel-devel-5.14.0-70.x86_64.rpm");
	cr_expect_eq(access(path, F_OK), 0, "the file is copied, not taken");
	cr_expect_eq(count_files(x.dir, "packages/partial", ""), 0);
	cr_expect_eq(add(&item), 0, "it is there already");
	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0);
	cr_expect_eq(x.fetched.present, 1);
}

Test(package_add, refuses_what_is_not_what_the_list_says)
{
	const struct {
		const char *text;
		struct cache_request item;
		const char *says;
	} rows[] = {
		{ OTHER, { .url = URL, .digest_known = true, .digest = digest_of_text(BODY) }, "the list's digests expect" },
		{ BODY, { .url = URL, .size_known = true, .size = 23 }, "its size is 22 bytes, the list's digests expect 23" },
		{ "", { .url = URL }, "the file is empty" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_file(rows[i].text);
		cr_expect_eq(add(&rows[i].item), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_CHECK);
		cr_expect(strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
		expect_nothing();
	}
}

Test(package_add, refuses_other_bytes_for_a_known_url)
{
	struct cache_request item = { .url = URL };

	cr_assert_eq(add(&item), 1);
	write_file(OTHER);
	cr_expect_eq(add(&item), -1);
	cr_expect_eq(e.kind, ERR_CHECK);
	cr_expect(strstr(e.message, "the same URL gave"), "%s", e.message);
	cr_expect(cache_gives(x.cache, URL, BODY, strlen(BODY), &e), "%s", e.message);
	/* The list knows better. */
	item.digest_known = true;
	item.digest = digest_of_text(OTHER);
	cr_expect_eq(add(&item), 1, "%s", e.message);
	cr_expect(cache_gives(x.cache, URL, OTHER, strlen(OTHER), &e), "%s", e.message);
}

Test(package_add, files_that_are_none)
{
	struct cache_request item = { .url = URL };

	free(path);
	path = path_join(x.dir, "nothing", &e);
	cr_expect_eq(add(&item), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	free(path);
	path = strdup("/dev/null");
	cr_expect_eq(add(&item), -1);
	cr_expect(strstr(e.message, "'/dev/null' is no regular file"), "%s", e.message);
	expect_nothing();
}

/* A download of the same URL is under way: who comes second says so, and does no harm. */
Test(package_add, keeps_out_of_a_running_download)
{
	struct cache_request item = { .url = URL };
	struct digest d = digest_of_text(URL);
	char hex[DIGEST_HEX + 1];
	cleanup_partial struct partial held = { .fd = -1 };

	digest_hex(&d, hex);
	cleanup_free char *partials = path_join(x.dir, "packages/partial", &e);
	cleanup_free char *place = path_join(partials, hex, &e);
	cr_assert_eq(partial_open(&held, place, &e), 0);
	cr_expect_eq(add(&item), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT);
	partial_release(&held);
	cr_expect_eq(add(&item), 1, "%s", e.message);
}

Test(package_add, a_cancel_leaves_nothing)
{
	struct cache_request item = { .url = URL };
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	cancel_set(&x.cancel);
	cr_expect_eq(cache_add(x.cache, path, &item, "file by hand", &x.cancel, &entry, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	expect_nothing();
}
