/* `cache add` and `cache verify`, and the archive behind the mirrors, as users have them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawling.h"
#include "program.h"
#include "stream/digest.h"

/* deb(5): an ar archive. */
#define MAGIC "!<arch>\n"
#define URL   "http://packages.second.example.org/pool/"

static struct site s;

static void set_up(void)
{
	site_make(&s);
}

static void tear_down(void)
{
	site_remove(&s);
}

TestSuite(cache_upkeep, .init = set_up, .fini = tear_down);

/* A file below the test's directory. Its path is valid until the next call. */
static const char *hand_in(const char *name, const char *text)
{
	static char path[256];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", s.dir.path, name);
	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
	return path;
}

static void add(struct outcome *o, const char *path, const char *option)
{
	const char *const words[] = { "cache", "add", path, option, NULL };

	run_on_site(&s, words, o);
}

Test(cache_upkeep, adds_what_a_list_names)
{
	static const char *const list[] = { "cache", "list", NULL };
	cleanup_outcome struct outcome first = { 0 }, second = { 0 }, listing = { 0 };

	add(&first, hand_in("devel-5.14.0-70.x86_64_1.deb", MAGIC "one"), NULL);
	cr_expect_eq(first.code, 0, "%s", buf_text(&first.err));
	cr_expect(strstr(buf_text(&first.err), "added       devel-5.14.0-70.x86_64_1.deb"), "%s", buf_text(&first.err));
	/* By another name, with its URL. */
	add(&second, hand_in("download", MAGIC "two"), "--url=" URL "devel-9.0.0-1.x86_64_1.deb");
	cr_expect_eq(second.code, 0, "%s", buf_text(&second.err));
	run_on_site(&s, list, &listing);
	cr_expect(strstr(buf_text(&listing.out), "11 devel-5.14.0-70.x86_64_1.deb " URL), "%s", buf_text(&listing.out));
	cr_expect(strstr(buf_text(&listing.out), "11 devel-9.0.0-1.x86_64_1.deb " URL), "%s", buf_text(&listing.out));
}

Test(cache_upkeep, refuses_files_and_says_why)
{
	const struct {
		const char *name, *text, *option;
		int code;
		const char *says;
	} rows[] = {
		{ "devel-5.14.0-7.x86_64_1.deb", MAGIC, NULL, 2, "did you mean 'devel-5.14.0-70.x86_64_1.deb'?" },
		{ "x", MAGIC, NULL, 2, "no list names a package 'x'" },
		{ "x", MAGIC, "--url=" URL "devel-1.deb", 2, "no list names " URL "devel-1.deb" },
		{ "x", MAGIC, "--url=" URL "devel-1.deb?token=hush", 2, "no list names " URL "devel-1.deb\n" },
		{ "devel-5.14.0-70.x86_64_1.deb", "<html>log in</html>", NULL, 5, "this is no deb package" },
		{ "devel-5.14.0-70.x86_64_1.deb", "", NULL, 5, "this is no deb package" },
		{ "devel-5.14.0-71.x86_64_1.deb", MAGIC, NULL, 2, "several URLs end in" },
		{ "devel-5.14.0-72.x86_64_1.deb", MAGIC "three", NULL, 5, "the list's digests expect" },
	};
	char digest_line[400];
	struct digest d;
	struct err e;
	char hex[DIGEST_HEX + 1];

	cr_assert_eq(digest_of("other", 5, &d, &e), 0);
	digest_hex(&d, hex);
	site_write(&s, LIST_PATH,
		   URL "devel-5.14.0-70.x86_64_1.deb\n" URL "devel-5.14.0-71.x86_64_1.deb\n" URL
		       "old/devel-5.14.0-71.x86_64_1.deb\n" URL "devel-5.14.0-72.x86_64_1.deb\n");
	snprintf(digest_line, sizeof(digest_line), "%s  5  %sdevel-5.14.0-72.x86_64_1.deb\n", hex, URL);
	site_write(&s, DIGESTS_PATH, digest_line);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		add(&o, hand_in(rows[i].name, rows[i].text), rows[i].option);
		cr_expect_eq(o.code, rows[i].code, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect(strstr(buf_text(&o.err), rows[i].says), "row %zu: %s", i, buf_text(&o.err));
		cr_expect(!strstr(buf_text(&o.err), "hush"), "row %zu: %s", i, buf_text(&o.err));
		cr_expect(strstr(buf_text(&o.err), "1 files: 0 added, 0 there already, 1 refused"), "row %zu: %s", i,
			  buf_text(&o.err));
	}
	cleanup_free char *contents = path_join(s.cache, "packages/sha256", &e);
	cr_expect_eq(rmdir(contents), 0, "nothing was stored");
}

Test(cache_upkeep, one_that_is_refused_costs_no_other)
{
	cleanup_free char *good = strdup(hand_in("devel-5.14.0-70.x86_64_1.deb", MAGIC "one"));
	cleanup_free char *bad = strdup(hand_in("devel-9.0.0-1.x86_64_1.deb", "no package"));
	const char *const words[] = { "cache", "add", "/no/such/file.deb", bad, good, NULL };
	cleanup_outcome struct outcome o = { 0 };

	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 5, "the gravest: %d", o.code);
	cr_expect(strstr(buf_text(&o.err), "3 files: 1 added, 0 there already, 2 refused"), "%s", buf_text(&o.err));
}

/* The only file in the cache's contents. Caller frees. */
static char *only_content(void)
{
	struct digest d;
	struct err e;
	char hex[DIGEST_HEX + 1];

	cr_assert_eq(digest_of(MAGIC "one", 11, &d, &e), 0);
	digest_hex(&d, hex);
	return str_printf(&e, "%s/packages/sha256/%.2s/%s", s.cache, hex, hex);
}

Test(cache_upkeep, verify_names_what_is_bad)
{
	static const char *const verify[] = { "cache", "verify", NULL }, *const json[] = { "cache", "verify", "--progress", "json",
											   NULL };
	cleanup_outcome struct outcome added = { 0 }, good = { 0 }, bad = { 0 }, after = { 0 };
	cleanup_free char *content = only_content();
	struct err e;

	add(&added, hand_in("devel-5.14.0-70.x86_64_1.deb", MAGIC "one"), NULL);
	run_on_site(&s, json, &good);
	cr_expect_eq(good.code, 0, "%s", buf_text(&good.err));
	cr_expect(strstr(buf_text(&good.err), "\"name\":\"verify\",\"bytes_done\":11,\"bytes_total\":11"), "%s",
		  buf_text(&good.err));
	cr_expect_str_eq(buf_text(&good.out), "");
	cr_assert_eq(chmod(content, 0644), 0);
	cr_assert_eq(file_replace(content, MAGIC "two", 11, 0444, &e), 0);
	run_on_site(&s, verify, &bad);
	cr_expect_eq(bad.code, 5, "%d: %s", bad.code, buf_text(&bad.err));
	cr_expect_str_eq(buf_text(&bad.out), "devel-5.14.0-70.x86_64_1.deb " URL "devel-5.14.0-70.x86_64_1.deb\n");
	run_on_site(&s, verify, &after);
	cr_expect_eq(after.code, 0, "it has been set aside: %s", buf_text(&after.err));
}

/* A crawl saw it, the mirror has dropped it, the archive has it as it was when it was last seen. */
Test(cache_upkeep, what_is_gone_comes_from_the_archive_as_it_was_last_seen)
{
	static const char *const fetch[] = { "cache", "fetch", "--distro", "second", "--progress", "json", NULL };
	cleanup_outcome struct outcome crawled = { 0 }, missing = { 0 }, fetched = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	cleanup_free char *descriptor = text_of(&s, "distros/second.yaml");
	char *mirrors = strstr(descriptor, "http://packages.second.example.org/pool");
	cr_assert_not_null(mirrors);
	cr_assert_eq(buf_printf(&text, &e, "%.*sfile://%s/pool%s", (int)(mirrors - descriptor), descriptor, s.root,
				mirrors + strlen("http://packages.second.example.org/pool")),
		     0);
	cr_assert_eq(buf_printf(&text, &e, "snapshot: {second: \"file://%s/archive/${last-seen}/pool\"}\n", s.root), 0);
	site_write(&s, "distros/second.yaml", buf_text(&text));
	give_index(&s, "", "");
	publish(&s, "70");
	time_t before = time(NULL);
	cr_assert_eq(CRAWL(&s, &crawled, "--distro", "second"), 0, "%s", buf_text(&crawled.err));
	time_t after = time(NULL);
	run_on_site(&s, fetch, &missing);
	cr_expect_eq(missing.code, 1, "%s", buf_text(&missing.err));
	for (time_t t = before; t <= after; t++) {
		char path[128];
		struct tm tm;
		strftime(path, sizeof(path), "archive/%Y%m%dT%H%M%SZ/pool", gmtime_r(&t, &tm));
		cleanup_free char *dir = path_join(s.root, path, &e);
		cr_assert_eq(path_make_dirs(dir, &e), 0);
		cleanup_free char *file = str_printf(&e, "%s/devel-5.14.0-70.x86_64_1.deb", path);
		site_write(&s, file, MAGIC "one");
	}
	run_on_site(&s, fetch, &fetched);
	cr_expect_eq(fetched.code, 0, "%s", buf_text(&fetched.err));
	cr_expect(
		strstr(buf_text(&fetched.err),
		       "{\"event\":\"package\",\"name\":\"devel-5.14.0-70.x86_64_1.deb\",\"text\":\"fetched\",\"from\":\"file://"),
		"%s", buf_text(&fetched.err));
}
