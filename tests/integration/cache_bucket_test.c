/* Packages shared through a real object store, and read from a bucket's public address. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object_store.h"
#include "site.h"
#include "stock.h"
#include "stream/digest.h"
#include "tree.h"
#include "web.h"
#include "work.h"

enum { OUTPUT_MAX = 1 << 20 };

#define PLACE "s3://packages/shared"

static struct {
	struct object_store store;
	struct web web;
	char *dir;	     /* the store's files, or the server's */
	char *cache, *other; /* this machine's and another's */
	void (*close_stock)(void);
} scene;

static void close_scene(void)
{
	object_store_stop(&scene.store);
	web_stop(&scene.web);
	free(scene.dir);
	free(scene.cache);
	free(scene.other);
	scene.close_stock();
}

static void open_scene(void)
{
	struct err e;

	stock_open();
	scene.close_stock = site()->undo;
	scene.store.program = scene.web.program = (struct program)PROGRAM_NONE;
	site_before_close(close_scene);
	scene.dir = stock_path("served");
	scene.cache = stock_path("cache-here");
	scene.other = stock_path("cache-there");
	cr_assert(path_make_dirs(scene.dir, &e) == 0, "%s", e.message);
	if (!work_has("rclone"))
		site_skip("rclone is not installed (ci/setup installs it)");
}

TestSuite(cache_bucket, .init = open_scene, .fini = site_close, .timeout = SITE_SECONDS);

/* --- an object store --- */

/* As for any store that is not the vendor's own. */
static void open_store(void)
{
	cleanup_free char *bucket = text_of("%s/packages", scene.dir);
	struct err e;

	cr_assert(path_make_dirs(bucket, &e) == 0, "%s", e.message);
	object_store_start(&scene.store, scene.dir);
	cr_assert(setenv("PACKAGE_BUCKET", PLACE, 1) == 0 && setenv("RCLONE_S3_PROVIDER", "Other", 1) == 0 &&
		  setenv("RCLONE_S3_ENDPOINT", scene.store.url, 1) == 0 && setenv("AWS_ACCESS_KEY_ID", "S3RVER", 1) == 0 &&
		  setenv("AWS_SECRET_ACCESS_KEY", "S3RVER", 1) == 0);
}

/* The objects with size and time, sorted. */
static void list_store(struct strv *ret)
{
	const char *const argv[] = {
		"rclone", "lsf", "--recursive", "--files-only", "--format", "pst", ":s3,env_auth=true:packages/shared", NULL
	};
	cleanup_buf struct buf text = { 0 };
	char *save = NULL;
	struct err e;

	cr_assert(process_run(argv, NULL, OUTPUT_MAX, &text, NULL, &e) == 0, "%s", e.message);
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		cr_assert(strv_add(ret, line, &e) == 0);
	strv_sort(ret);
}

/* more: there may be new ones. */
static void expect_store_keeps(const struct strv *before, bool more, const char *what)
{
	cleanup_strv struct strv now = { 0 };

	list_store(&now);
	for (size_t i = 0; i < before->len; i++)
		cr_expect(strv_has(&now, before->items[i]), "%s: the bucket has no '%s' any more", what, before->items[i]);
	cr_expect(more ? now.len >= before->len : now.len == before->len, "%s: %zu objects were there, %zu are", what, before->len,
		  now.len);
}

static void expect_said(const char *text)
{
	cr_expect(strstr(buf_text(&stock()->program.err), text), "nothing of '%s' in:\n%s", text, buf_text(&stock()->program.err));
}

static void expect_objects(size_t count)
{
	cleanup_strv struct strv now = { 0 };

	list_store(&now);
	cr_expect_eq(now.len, count, "%zu objects, expected %zu", now.len, count);
}

Test(cache_bucket, what_is_pushed_is_pulled)
{
	cleanup_strv struct strv pushed = { 0 };
	cleanup_free char *all = text_of(" 0 packages were there, %d pushed", STOCK_COUNT),
			  *none = text_of(" %d packages were there, 0 pushed", STOCK_COUNT),
			  *pulled = text_of(" 0 packages were there, %d pulled", STOCK_COUNT);

	open_store();
	stock_run(0, scene.cache, "fetch", NULL);
	size_t fetched = http_server_requests(stock()->server, NULL);
	stock_run(0, scene.cache, "push", NULL);
	expect_said(all);
	list_store(&pushed);
	cr_expect_eq(pushed.len, 2 * STOCK_COUNT, "a content and a record each, not %zu", pushed.len);

	stock_run(0, scene.cache, "push", NULL);
	expect_said(none);
	expect_store_keeps(&pushed, false, "a second push");

	stock_run(0, scene.other, "pull", NULL);
	expect_said(pulled);
	stock_expect_whole(scene.other, "pulled");
	expect_store_keeps(&pushed, false, "a pull");
	cr_expect_eq(http_server_requests(stock()->server, NULL), fetched, "a pull asks no mirror");

	/* A machine that lost its packages, whose mirrors have nothing, gets them by the way of a fetch. */
	struct err e;
	cr_assert(path_remove(scene.other, &e) == 0, "%s", e.message);
	http_server_forget(stock()->server);
	stock_list(0, false);
	stock_run(0, scene.other, "fetch", NULL);
	stock_expect_whole(scene.other, "fetched from the bucket");
}

/* The file in which the store keeps a content. Caller frees. */
static char *object_path(unsigned i)
{
	const char *hex = stock()->packages[i].hex;

	return text_of("%s/packages/shared/sha256/%.2s/%s._S3rver_object", scene.dir, hex, hex);
}

/* Of an upload that breaks off nothing is to be seen in S3. s3rver keeps what has come of it. */
static void drop_halves(void)
{
	struct err e;

	for (unsigned i = 0; i < STOCK_COUNT; i++) {
		cleanup_free char *path = object_path(i);
		cleanup_buf struct buf bytes = { 0 };
		if (!file_is_there(path))
			continue;
		file_bytes(path, &bytes);
		if (bytes.len != stock()->packages[i].size)
			cr_assert(path_remove(path, &e) == 0, "%s", e.message);
	}
}

/* Other bytes of the same size. */
static void damage(const char *path)
{
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	file_bytes(path, &bytes);
	cr_assert_gt(bytes.len, 100);
	bytes.data[100] = (char)~bytes.data[100];
	cr_assert(file_replace(path, bytes.data, bytes.len, 0644, &e) == 0, "%s", e.message);
}

/* The others came, and this one is named. */
static void expect_refused(unsigned i, const char *cache, const char *what)
{
	const char *name = stock()->packages[i].name;

	cr_expect(strstr(buf_text(&stock()->program.err), name), "%s: nothing of '%s' in:\n%s", what, name,
		  buf_text(&stock()->program.err));
	cr_expect_eq(stock_contents(cache), STOCK_COUNT - 1, "%s: %zu contents", what, stock_contents(cache));
	stock_expect_good(cache, what);
}

/* Somebody has put other bytes there, in order, as far as the store can tell. */
Test(cache_bucket, an_object_with_other_bytes_is_refused)
{
	cleanup_strv struct strv before = { 0 };

	open_store();
	stock_run(0, scene.cache, "fetch", NULL);
	stock_run(0, scene.cache, "push", NULL);
	const char *hex = stock()->packages[7].hex;
	cleanup_free char *from = text_of("%s/%s", stock()->files, stock()->packages[7].name);
	cleanup_free char *to = text_of(":s3,env_auth=true:packages/shared/sha256/%.2s/%s", hex, hex);
	damage(from);
	work("rclone", "copyto", "--ignore-times", from, to, NULL);
	list_store(&before);

	stock_run(5, scene.other, "pull", NULL);
	expect_refused(7, scene.other, "other bytes");
	expect_store_keeps(&before, false, "a refused object");

	/* A fetch gets that one from its mirror. */
	stock_run(0, scene.other, "fetch", NULL);
	cr_expect_eq(stock_contents(scene.other), STOCK_COUNT);
	stock_expect_good(scene.other, "with the mirror's help");
	expect_store_keeps(&before, false, "a fetch");
}

/* The store's disk has lost a bit, which rclone sees before we do. */
Test(cache_bucket, an_object_that_has_rotted_is_refused)
{
	cleanup_strv struct strv before = { 0 };

	open_store();
	stock_run(0, scene.cache, "fetch", NULL);
	stock_run(0, scene.cache, "push", NULL);
	cleanup_free char *path = object_path(9);
	damage(path);
	list_store(&before);

	stock_run(5, scene.other, "pull", NULL);
	expect_refused(9, scene.other, "a rotten object");
	expect_store_keeps(&before, false, "a rotten object");
}

/* The same of what the bucket knows about a URL: the others come. */
Test(cache_bucket, a_record_that_has_rotted_is_named)
{
	cleanup_strv struct strv before = { 0 };
	cleanup_free char *all = stock_path("cache-of-all");
	const char *url = stock()->packages[12].url;
	struct digest digest;
	char hex[DIGEST_HEX + 1];
	struct err e;

	open_store();
	stock_run(0, scene.cache, "fetch", NULL);
	stock_run(0, scene.cache, "push", NULL);
	cr_assert(digest_of(url, strlen(url), &digest, &e) == 0, "%s", e.message);
	digest_hex(&digest, hex);
	cleanup_free char *path = text_of("%s/packages/shared/urls/%.2s/%s.json._S3rver_object", scene.dir, hex, hex);
	damage(path);
	list_store(&before);

	stock_run(5, all, "pull", "--all", NULL);
	expect_said(hex);
	cr_expect_eq(stock_contents(all), STOCK_COUNT);
	stock_expect_good(all, "all but a record");

	/* Nobody else knows the digests. */
	stock_list(0, false);
	stock_run(0, scene.other, "pull", NULL);
	expect_said(hex);
	cr_expect_eq(stock_contents(scene.other), STOCK_COUNT - 1);
	stock_expect_good(scene.other, "one record less");
	expect_store_keeps(&before, false, "a rotten record");
}

Test(cache_bucket, an_interrupted_push_is_completed)
{
	cleanup_program struct program p = PROGRAM_NONE;
	cleanup_strv struct strv before = { 0 };

	open_store();
	stock_run(0, scene.cache, "fetch", NULL);
	/* Slow enough for the big one to be on its way for seconds. */
	cr_assert(setenv("RCLONE_BWLIMIT", "1M", 1) == 0);
	stock_start(&p, scene.cache, "push", NULL);
	cr_assert(program_wait_for(&p, "pushed"), "%s", buf_text(&p.err));
	kill(p.pid, SIGTERM);
	cr_expect_eq(program_finish(&p), 4, "exit %d: %s", p.code, buf_text(&p.err));
	drop_halves();
	list_store(&before);
	cr_expect(before.len > 0 && before.len < 2 * STOCK_COUNT, "%zu objects", before.len);

	cr_assert(unsetenv("RCLONE_BWLIMIT") == 0);
	stock_run(0, scene.cache, "push", NULL);
	expect_store_keeps(&before, true, "the second push");
	expect_objects(2 * STOCK_COUNT);
	stock_run(0, scene.other, "pull", NULL);
	stock_expect_whole(scene.other, "pulled");
}

/* --- its public address --- */

/* A bucket of all packages behind a plain web server, and mirrors that have lost everything. */
static void open_public(void)
{
	cleanup_free char *bucket = text_of("%s/shared", scene.dir), *server = stock_path("server");

	stock_run(0, scene.cache, "fetch", NULL);
	stock_run(0, scene.cache, "push", "--bucket", bucket, NULL);
	web_start(&scene.web, WEB_NGINX, server, scene.dir);
	cleanup_free char *url = text_of("%s/shared/", scene.web.url);
	cr_assert(setenv("PACKAGE_BUCKET_URL", url, 1) == 0);
	http_server_forget(stock()->server);
}

Test(cache_bucket, a_public_address_gives_what_mirrors_have_lost)
{
	open_public();
	stock_run(0, scene.other, "fetch", NULL);
	stock_expect_whole(scene.other, "from a public address");
}

Test(cache_bucket, a_public_address_with_other_bytes_is_not_believed)
{
	static const unsigned wrong = 11;

	open_public();
	const char *hex = stock()->packages[wrong].hex;
	cleanup_free char *path = text_of("%s/shared/sha256/%.2s/%s", scene.dir, hex, hex);
	damage(path);
	stock_run(1, scene.other, "fetch", NULL);
	expect_refused(wrong, scene.other, "no mirror has it");

	/* Once a mirror has it again it comes from there. */
	struct err e;
	cr_assert(path_remove(scene.other, &e) == 0, "%s", e.message);
	stock_publish();
	stock_run(0, scene.other, "fetch", NULL);
	cr_expect_eq(stock_contents(scene.other), STOCK_COUNT);
	stock_expect_good(scene.other, "a mirror has it");
	cr_expect_eq(http_server_requests(stock()->server, strstr(stock()->packages[0].url, "/pool/")), 1,
		     "what the public address has good is not asked of mirrors");
}
