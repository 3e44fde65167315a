/* A real rclone with a directory as the bucket. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "cache/package_bucket.h"
#include "fixture.h"

enum { PACKAGES = 12, SIZE = 30000 };

static struct fixture x;
static struct err e;
static struct bucket *bucket;
static char *place;
static struct cache *other; /* of another machine */
static struct cache_request items[PACKAGES];
static char *bodies[PACKAGES];
static struct cache_transferred result;
static struct strv moved, bad;

static void need_rclone(void)
{
	static const char *const argv[] = { "rclone", "version", NULL };

	if (process_run(argv, NULL, 1 << 16, NULL, NULL, &e) == 0)
		return;
	fprintf(stderr, "skipped: %s\n", e.message);
	fixture_release(&x);
	cr_skip_test("%s", e.message);
}

static void open_other(void)
{
	cleanup_free char *dir = path_join(x.dir, "other", &e);

	cr_assert_eq(cache_open(dir, &x.logger, &other, &e), 0, "%s", e.message);
}

static void set_up(void)
{
	fixture_init(&x);
	need_rclone();
	place = path_join(x.dir, "bucket", &e);
	cr_assert_eq(bucket_new(place, &x.logger, &x.cancel, &bucket, &e), 0, "%s", e.message);
	for (unsigned i = 0; i < PACKAGES; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/p%02u.deb", i);
		bodies[i] = fixture_bytes(&x, SIZE, i);
		http_server_add(x.server, path, &(struct http_step){ .body = bodies[i], .len = SIZE });
		items[i] = (struct cache_request){ .url = fixture_url(&x, path), .digest_known = i % 2 == 0 };
		cr_assert_eq(digest_of(bodies[i], SIZE, &items[i].digest, &e), 0);
	}
	cr_assert_eq(fixture_fetch(&x, items, PACKAGES, &e), 0, "%s", e.message);
	cr_assert_eq(x.fetched.fetched, PACKAGES);
	open_other();
}

static void tear_down(void)
{
	for (unsigned i = 0; i < PACKAGES; i++)
		free((char *)items[i].url);
	strv_release(&moved);
	strv_release(&bad);
	cache_close(other);
	bucket_free(bucket);
	free(place);
	fixture_release(&x);
}

TestSuite(bucket, .init = set_up, .fini = tear_down, .timeout = 120);

static void on_moved(void *context, const struct cache_entry *entry)
{
	(void)context;
	cr_assert_eq(strv_add(&moved, entry->name, &e), 0);
}

static void on_bad(void *context, const char *name, const struct err *why)
{
	(void)context, (void)name;
	cr_assert_eq(strv_add(&bad, why->message, &e), 0);
}

static struct cache_transfer transfer(void)
{
	strv_release(&moved);
	strv_release(&bad);
	return (struct cache_transfer){ .bucket = bucket, .on_moved = on_moved, .on_bad = on_bad };
}

static void push(struct cache *from)
{
	const struct cache_transfer t = transfer();

	cr_assert_eq(cache_push(from, &t, &result, &e), 0, "%s", e.message);
}

static void pull(struct cache *to)
{
	const struct cache_transfer t = transfer();

	cr_assert_eq(cache_pull(to, items, PACKAGES, &t, &result, &e), 0, "%s", e.message);
}

/* The i-th package in the bucket. */
static char *object(unsigned i)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(&items[i].digest, hex);
	return str_printf(&e, "%s/sha256/%.2s/%s", place, hex, hex);
}

static void expect_other_has(unsigned i)
{
	cr_expect(cache_gives(other, items[i].url, bodies[i], SIZE, &e), "%u: %s", i, e.message);
}

Test(bucket, there_and_back)
{
	push(x.cache);
	cr_expect_eq(result.moved, PACKAGES);
	cr_expect_eq(result.bytes, PACKAGES * SIZE);
	cr_expect_eq(moved.len, PACKAGES);
	cr_expect_eq(count_files(place, "sha256", ""), PACKAGES);
	cr_expect_eq(count_files(place, "urls", ".json"), PACKAGES);
	cr_expect_eq(count_files(place, ".", ""), 2 * PACKAGES, "nothing else is left there");
	push(x.cache);
	cr_expect_eq(result.there, PACKAGES);
	cr_expect_eq(result.moved, 0);

	pull(other);
	cr_expect_eq(result.moved, PACKAGES);
	cr_expect_eq(result.bytes, PACKAGES * SIZE);
	for (unsigned i = 0; i < PACKAGES; i++)
		expect_other_has(i);
	cr_expect_eq(count_files(x.dir, "other/packages/incoming", ""), 0);
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	cr_assert_eq(cache_lookup(other, items[0].url, &entry, &e), 1);
	cr_expect_str_eq(entry.from, place);
	cleanup_free char *content = find_file(x.dir, "other/packages/sha256", path_base(object(0)));
	struct stat st;
	cr_expect(stat(content, &st) == 0 && (st.st_mode & 0777) == 0444);
	pull(other);
	cr_expect_eq(result.there, PACKAGES);
	cr_expect_eq(result.moved, 0);
}

Test(bucket, only_what_is_missing_moves_and_nothing_is_replaced)
{
	push(x.cache);
	cleanup_free char *gone = object(3), *cut = object(4);
	cr_assert_eq(unlink(gone), 0);
	tamper(cut, "cut", 3);
	push(x.cache);
	cr_expect_eq(result.moved, 1);
	cr_expect(strv_has(&moved, "p03.deb"));
	cr_expect_eq(result.there, PACKAGES - 2);
	cr_expect_eq(result.bad, 1);
	cr_assert_eq(bad.len, 1);
	cr_expect(strstr(bad.items[0], "'p04.deb'") && strstr(bad.items[0], "with 3 bytes instead of 30000"), "%s", bad.items[0]);
	cleanup_buf struct buf text = { 0 };
	cr_assert_eq(file_read(cut, 100, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text), "cut", "what a bucket has stays");
}

Test(bucket, corrupted_objects_are_refused_and_named)
{
	char *wrong = fixture_bytes(&x, SIZE, 77);

	push(x.cache);
	cleanup_free char *same_size = object(2), *cut = object(5);
	tamper(same_size, wrong, SIZE);
	tamper(cut, bodies[5], 100);
	pull(other);
	cr_expect_eq(result.moved, PACKAGES - 2);
	cr_expect_eq(result.bad, 2);
	cr_assert_eq(bad.len, 2);
	for (size_t i = 0; i < 2; i++)
		cr_expect(strstr(bad.items[i], "from bucket '") && strstr(bad.items[i], "is refused: its s") &&
				  (strstr(bad.items[i], "'p02.deb'") || strstr(bad.items[i], "'p05.deb'")),
			  "%s", bad.items[i]);
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	cr_expect_eq(cache_lookup(other, items[2].url, &entry, &e), 0);
	cr_expect_eq(count_files(x.dir, "other/packages/bad", "p02.deb"), 2, "set aside with its reason");
	for (unsigned i = 0; i < PACKAGES; i++)
		if (i != 2 && i != 5)
			expect_other_has(i);
}

Test(bucket, a_damaged_package_does_not_get_there)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(&items[7].digest, hex);
	cleanup_free char *content = find_file(x.dir, "packages/sha256", hex);
	tamper(content, bodies[8], SIZE);
	push(x.cache);
	cr_expect_eq(result.moved, PACKAGES - 1);
	cr_expect_eq(result.bad, 1);
	cr_expect(strstr(bad.items[0], "package 'p07.deb' in the cache is damaged"), "%s", bad.items[0]);
	cleanup_free char *there = object(7);
	cr_expect_eq(access(there, F_OK), -1);
	cr_expect_eq(count_files(place, "urls", ".json"), PACKAGES - 1, "no record without its package");
}

Test(bucket, a_link_in_a_bucket_is_not_followed)
{
	push(x.cache);
	cleanup_free char *link = object(1), *target = path_join(x.dir, "secret", &e);
	cr_assert_eq(file_replace(target, bodies[1], SIZE, 0644, &e), 0);
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(symlink(target, link), 0);
	const struct cache_transfer t = transfer();
	cr_expect_eq(cache_pull(other, items, PACKAGES, &t, &result, &e), -1, "rclone says that it can't have it");
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect_eq(result.moved, PACKAGES - 1, "it costs no other");
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	cr_expect_eq(cache_lookup(other, items[1].url, &entry, &e), 0);
}

Test(bucket, everything_that_it_has)
{
	const struct cache_transfer t = transfer();

	push(x.cache);
	cleanup_free char *stray = path_join(place, "sha256/README", &e), *misplaced = path_join(place, "sha256/zz", &e);
	cr_assert_eq(file_replace(stray, "x", 1, 0644, &e), 0);
	cr_assert_eq(file_replace(misplaced, "x", 1, 0644, &e), 0);
	/* A record that stands under another one's name. */
	cleanup_free char *urls = path_join(place, "urls", &e);
	struct digest first = digest_of_text(items[0].url), second = digest_of_text(items[1].url);
	char a[DIGEST_HEX + 1], b[DIGEST_HEX + 1];
	digest_hex(&first, a);
	digest_hex(&second, b);
	cleanup_free char *from = find_file(urls, ".", a), *to = find_file(urls, ".", b);
	cr_assert_eq(rename(from, to), 0);
	cr_assert_eq(cache_pull_all(other, &t, &result, &e), 0, "%s", e.message);
	cr_expect_eq(result.moved, PACKAGES);
	cr_expect_eq(result.bad, 1);
	cr_expect(strstr(bad.items[0], "is the record of another URL"), "%s", bad.items[0]);
	for (unsigned i = 2; i < PACKAGES; i++)
		expect_other_has(i);
	cr_assert_eq(cache_pull_all(other, &t, &result, &e), 0, "%s", e.message);
	cr_expect_eq(result.moved, 0);
	cr_expect_eq(result.there, PACKAGES);
}

/* A place with parameters is the same bucket. */
Test(bucket, a_connection_string)
{
	cleanup_free char *text = str_printf(&e, ":local,case_sensitive=true:%s", place);

	bucket_free(bucket);
	cr_assert_eq(bucket_new(text, &x.logger, &x.cancel, &bucket, &e), 0, "%s", e.message);
	push(x.cache);
	cr_expect_eq(result.moved, PACKAGES);
	cleanup_free char *first = object(0);
	cr_expect_eq(access(first, F_OK), 0);
	pull(other);
	cr_expect_eq(result.moved, PACKAGES);
	expect_other_has(1);
}

/* A record out of a bucket can neither name a path nor, by a wrong size, condemn a package that is good. */
Test(bucket, records_that_lie_do_no_harm)
{
	static const char *const lies[] = { "\"name\": \"../../../escaped\"", "\"size\": 7" };
	static const char *const keys[] = { "\"name\": \"p0", "\"size\": 30" };
	const struct cache_transfer t = transfer();

	push(x.cache);
	cleanup_free char *urls = path_join(place, "urls", &e);
	for (unsigned i = 0; i < 2; i++) {
		struct digest url = digest_of_text(items[i * 2 + 1].url);
		char hex[DIGEST_HEX + 1];
		digest_hex(&url, hex);
		cleanup_free char *path = find_file(urls, ".", hex);
		cleanup_buf struct buf text = { 0 }, lie = { 0 };
		cr_assert_eq(file_read(path, 4096, &text, &e), 0);
		char *at = strstr(buf_text(&text), keys[i]);
		cr_assert(at);
		cr_assert_eq(buf_printf(&lie, &e, "%.*s%s%s", (int)(at - text.data), text.data, lies[i], at + strcspn(at, ",\n")),
			     0);
		tamper(path, lie.data, lie.len);
	}
	cr_assert_eq(cache_pull_all(other, &t, &result, &e), 0, "%s", e.message);
	cr_expect_eq(result.bad, 1);
	cr_expect(bad.len == 1 && strstr(bad.items[0], "its name is no file name"), "%s", bad.len ? bad.items[0] : "nothing");
	pull(other);
	cr_expect_eq(count_files(x.dir, "other/packages/bad", ""), 0, "good bytes are not set aside");
	cr_expect_eq(result.absent, 1, "nobody says what the URL of the refused record gives");
	expect_other_has(3);
}

/* What rclone passes over is not in the bucket, whatever its exit code says. */
Test(bucket, what_was_not_pushed_is_not_called_there)
{
	setenv("RCLONE_DRY_RUN", "true", 1);
	bucket_free(bucket);
	cr_assert_eq(bucket_new(place, &x.logger, &x.cancel, &bucket, &e), 0, "%s", e.message);
	const struct cache_transfer t = transfer();
	cr_expect_eq(cache_push(x.cache, &t, &result, &e), -1);
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect_eq(result.there + result.moved, 0);
	unsetenv("RCLONE_DRY_RUN");
}

Test(bucket, places_that_are_none)
{
	const struct cache_transfer t = transfer();

	cr_expect_eq(cache_pull(other, items, PACKAGES, &t, &result, &e), -1);
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect(strstr(e.message, "there is no such place, or it is empty"), "%s", e.message);
	cr_expect_eq(cache_pull_all(other, &t, &result, &e), -1);
	cr_expect_eq(e.kind, ERR_FAILED);
	bucket_free(bucket);
	bucket = NULL;
	cr_assert_eq(bucket_new("no-such-remote:path", NULL, NULL, &bucket, &e), 0);
	const struct cache_transfer unknown = transfer();
	cr_expect_eq(cache_push(x.cache, &unknown, &result, &e), -1);
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect(strstr(e.message, "bucket 'no-such-remote:path': 'rclone' exited with code") && strstr(e.message, "config"), "%s",
		  e.message);
}

/* --- a fetch with a bucket behind it --- */

static void fetch_into_other(void)
{
	const struct cache_upstream upstream = { .bucket = bucket };
	struct cache *mine = x.cache;

	cache_set_upstream(other, &upstream);
	x.cache = other;
	cr_assert_eq(fixture_fetch(&x, items, PACKAGES, &e), 0, "%s", e.message);
	x.cache = mine;
	for (unsigned i = 0; i < PACKAGES; i++) {
		cr_expect(x.reports[i].ok && x.reports[i].times == 1, "%u: %u times", i, x.reports[i].times);
		expect_other_has(i);
	}
}

Test(bucket, a_fetch_asks_it_first)
{
	push(x.cache);
	cleanup_free char *gone = object(3), *wrong = object(6);
	cr_assert_eq(unlink(gone), 0);
	tamper(wrong, bodies[1], SIZE);
	fetch_into_other();
	cr_expect_eq(x.fetched.pulled, PACKAGES - 2);
	cr_expect_eq(x.fetched.bytes_pulled, (PACKAGES - 2) * SIZE);
	cr_expect_eq(x.fetched.fetched, 2);
	cr_expect_eq(x.fetched.failed, 0);
	cr_expect_eq(http_server_requests(x.server, NULL), PACKAGES + 2);
	cr_expect_str_eq(x.reports[0].from, place);
	cr_expect(strstr(x.reports[3].from, "http://127.0.0.1"));
	cr_expect(strstr(buf_text(&x.log), "'p06.deb' from bucket '"), "%s", buf_text(&x.log));
}

Test(bucket, a_fetch_does_without_one_that_fails)
{
	bucket_free(bucket);
	bucket = NULL;
	cr_assert_eq(bucket_new("no-such-remote:path", &x.logger, &x.cancel, &bucket, &e), 0);
	fetch_into_other();
	cr_expect_eq(x.fetched.fetched, PACKAGES);
	cr_expect(strstr(buf_text(&x.log), "trying the mirrors"), "%s", buf_text(&x.log));
}

/* --- what a killed run leaves --- */

Test(bucket, whole_files_of_a_killed_run_are_taken_in)
{
	char whole[DIGEST_HEX + 1], cut[DIGEST_HEX + 1];

	digest_hex(&items[0].digest, whole);
	digest_hex(&items[2].digest, cut);
	cleanup_free char *dead = path_join(x.dir, "other/packages/incoming/deadbeef", &e);
	cleanup_free char *first = str_printf(&e, "%s/sha256/%.2s", dead, whole),
			  *second = str_printf(&e, "%s/sha256/%.2s", dead, cut);
	cr_assert(path_make_dirs(first, &e) == 0 && path_make_dirs(second, &e) == 0);
	cleanup_free char *one = path_join(first, whole, &e), *two = path_join(second, cut, &e);
	cr_assert(file_replace(one, bodies[0], SIZE, 0644, &e) == 0 && file_replace(two, bodies[2], 99, 0644, &e) == 0);
	push(x.cache);
	pull(other);
	cr_expect_eq(result.there, 1);
	cr_expect_eq(result.moved, PACKAGES - 1);
	cr_expect_eq(result.bad, 0, "what is unfinished is not damaged");
	cr_expect_eq(access(dead, F_OK), -1);
	for (unsigned i = 0; i < PACKAGES; i++)
		expect_other_has(i);
}

Test(bucket, a_live_runs_files_are_left_alone)
{
	cleanup_free char *live = path_join(x.dir, "other/packages/incoming/11111111", &e), *lock = path_join(live, "lock", &e);

	cr_assert_eq(path_make_dirs(live, &e), 0);
	cleanup_close int held = file_lock(lock, true, &e);
	push(x.cache);
	pull(other);
	cr_expect_eq(access(lock, F_OK), 0);
	cr_expect_geq(held, 0);
}

Test(bucket, can_be_cancelled)
{
	const struct cache_transfer t = transfer();

	push(x.cache);
	cancel_set(&x.cancel);
	cr_expect_eq(cache_pull(other, items, PACKAGES, &t, &result, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_eq(count_files(x.dir, "other/packages/incoming", ""), 0);
}
