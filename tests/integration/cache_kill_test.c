/* The program killed at any moment of filling a cache, and two of them at once. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "site.h"
#include "stock.h"
#include "stream/digest.h"
#include "tree.h"
#include "work.h"

enum { ROUNDS = 15, KILLS_LEAST = 4 };

TestSuite(cache_kill, .init = stock_open, .fini = site_close, .timeout = SITE_SECONDS);

struct work_kind {
	const char *verb;
	struct strv words;
	const char *cache, *fresh; /* fresh: what is removed to begin anew */
};

/* An rclone whose program was killed goes on until it next has something to say, within a second. kill_often has it become a child
 * of the test, which has no others. */
static void wait_for_orphans(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void begin_anew(const struct work_kind *k)
{
	struct err e;

	wait_for_orphans();
	cr_assert(path_remove(k->fresh, &e) == 0, "%s", e.message);
}

static int64_t time_whole_run(const struct work_kind *k)
{
	cleanup_program struct program p = PROGRAM_NONE;
	int64_t begin = clock_now_ms();

	stock_start_words(&p, k->cache, k->verb, &k->words);
	cr_assert_eq(program_finish(&p), 0, "%s: %s", k->verb, buf_text(&p.err));
	return clock_now_ms() - begin;
}

/* false: it got to its end before. */
static bool run_killed(const struct work_kind *k, int64_t after_ms)
{
	cleanup_program struct program p = PROGRAM_NONE;

	stock_start_words(&p, k->cache, k->verb, &k->words);
	struct pollfd end = { .fd = p.process.pid_fd, .events = POLLIN };
	if (poll(&end, 1, (int)after_ms) == 0)
		kill(p.pid, SIGKILL);
	program_finish(&p);
	cr_expect(p.code == 0 || p.code == 128 + SIGKILL, "%s: exit %d: %s", k->verb, p.code, buf_text(&p.err));
	return p.code != 0;
}

/* What a directory has under a content's name is that content. */
static void expect_bucket_good(const char *bucket, const char *what)
{
	cleanup_free char *dir = text_of("%s/sha256", bucket);
	cleanup_strv struct strv files = { 0 };
	struct err e;

	tree_list(dir, &files);
	for (size_t i = 0; i < files.len; i++) {
		cleanup_free char *path = text_of("%s/%s", dir, files.items[i]);
		cleanup_buf struct buf bytes = { 0 };
		struct digest digest;
		char hex[DIGEST_HEX + 1];
		file_bytes(path, &bytes);
		cr_assert(digest_of(buf_text(&bytes), bytes.len, &digest, &e) == 0, "%s", e.message);
		digest_hex(&digest, hex);
		cr_expect_str_eq(path_base(path), hex, "%s: '%s' is not what its name says", what, path);
	}
}

/* Every other round goes on where the one before was killed. */
static void kill_often(const struct work_kind *k, const char *bucket)
{
	int kills = 0;

	cr_assert(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
	begin_anew(k);
	int64_t whole_ms = time_whole_run(k);
	begin_anew(k);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t after_ms = whole_ms * (i + 1) / (ROUNDS + 1);
		cleanup_free char *what =
			text_of("%s killed after %lld of %lld ms", k->verb, (long long)after_ms, (long long)whole_ms);
		bool killed = run_killed(k, after_ms);
		kills += killed;
		stock_expect_good(k->cache, what);
		if (bucket)
			expect_bucket_good(bucket, what);
		if (!killed || i % 2)
			begin_anew(k);
	}
	cr_expect_geq(kills, KILLS_LEAST, "%s: only %d of %d were killed", k->verb, kills, ROUNDS);
	run_killed(k, whole_ms / 2);
	wait_for_orphans();
	time_whole_run(k);
	stock_expect_whole(k->cache, k->verb);
}

Test(cache_kill, fetch)
{
	cleanup_free char *cache = stock_path("cache-of-fetch");
	const struct work_kind k = { .verb = "fetch", .cache = cache, .fresh = cache };

	kill_often(&k, NULL);
}

Test(cache_kill, add)
{
	cleanup_free char *cache = stock_path("cache-of-add");
	struct work_kind k = { .verb = "add", .cache = cache, .fresh = cache };
	struct err e;

	for (size_t i = 0; i < STOCK_COUNT; i++)
		cr_assert(strv_take(&k.words, text_of("%s/%s", stock()->files, stock()->packages[i].name), &e) == 0);
	kill_often(&k, NULL);
	strv_release(&k.words);
}

static char *need_bucket(struct work_kind *k)
{
	struct err e;

	if (!work_has("rclone"))
		site_skip("rclone is not installed (ci/setup installs it)");
	char *bucket = stock_path("bucket");
	cr_assert(strv_add(&k->words, "--bucket", &e) == 0 && strv_add(&k->words, bucket, &e) == 0);
	return bucket;
}

Test(cache_kill, push)
{
	cleanup_free char *cache = stock_path("cache-of-push"), *other = stock_path("cache-of-other");
	struct work_kind k = { .verb = "push", .cache = cache };
	cleanup_free char *bucket = need_bucket(&k);

	k.fresh = bucket;
	stock_run(0, cache, "fetch", NULL);
	kill_often(&k, bucket);
	stock_run(0, other, "pull", "--bucket", bucket, NULL);
	stock_expect_whole(other, "what was pushed");
	strv_release(&k.words);
}

Test(cache_kill, pull)
{
	cleanup_free char *cache = stock_path("cache-of-pull"), *full = stock_path("cache-of-other");
	struct work_kind k = { .verb = "pull", .cache = cache, .fresh = cache };
	cleanup_free char *bucket = need_bucket(&k);

	stock_run(0, full, "fetch", NULL);
	stock_run(0, full, "push", "--bucket", bucket, NULL);
	kill_often(&k, bucket);
	strv_release(&k.words);
}

Test(cache_kill, two_fetches_at_once)
{
	cleanup_free char *cache = stock_path("cache-of-two");

	for (int round = 0; round < 3; round++) {
		cleanup_program struct program a = PROGRAM_NONE, b = PROGRAM_NONE;
		struct err e;
		stock_start(&a, cache, "fetch", NULL);
		stock_start(&b, cache, "fetch", NULL);
		cr_expect_eq(program_finish(&a), 0, "%s", buf_text(&a.err));
		cr_expect_eq(program_finish(&b), 0, "%s", buf_text(&b.err));
		stock_expect_whole(cache, "two fetches");
		cr_assert(path_remove(cache, &e) == 0, "%s", e.message);
	}
}
