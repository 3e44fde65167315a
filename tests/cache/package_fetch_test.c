#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"

static struct fixture x;
static struct err e;

static void set_up(void)
{
	fixture_init(&x);
}

static void tear_down(void)
{
	fixture_release(&x);
}

TestSuite(package_fetch, .init = set_up, .fini = tear_down, .timeout = 120);

#define BODY  "the bytes of a package"
#define OTHER "what somebody else put there"

static void serve(const char *path, const char *text)
{
	http_server_add(x.server, path, &(struct http_step){ .body = text, .len = strlen(text) });
}

static struct cache_request request(const char *path, const char *expected)
{
	struct cache_request r = { .url = fixture_url(&x, path) };
	if (expected) {
		r.digest_known = true;
		r.digest = digest_of_text(expected);
	}
	return r;
}

static void drop(struct cache_request *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)items[i].url);
}

Test(package_fetch, one_failure_costs_one_item)
{
	struct cache_request items[] = { request("/a.deb", NULL),
					 request("/missing.deb", NULL),
					 request("/b.deb", "b"),
					 { .url = strdup("ftp://no.example/x") } };

	serve("/a.deb", "a");
	serve("/b.deb", "b");
	x.options.mirrors = mirror_table_new(NULL, NULL, &e);
	cr_assert_eq(fixture_fetch(&x, items, 4, &e), 0, "%s", e.message);
	cr_expect_eq(x.fetched.fetched, 2);
	cr_expect_eq(x.fetched.failed, 2);
	cr_expect_eq(x.fetched.present, 0);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(x.reports[i].times, 1);
	cr_expect(str_starts(x.reports[1].failure.message, "'missing.deb': http://127.0.0.1:"), "%s", x.reports[1].failure.message);
	cr_expect_eq(x.reports[1].failure.kind, ERR_NOT_FOUND);
	cr_expect_eq(x.reports[3].failure.kind, ERR_INPUT);
	cr_expect_eq(x.progress_done, x.fetched.bytes);
	mirror_table_free(x.options.mirrors);
	drop(items, 4);
}

Test(package_fetch, wrong_bytes_are_set_aside_by_name_and_the_next_mirror_asked)
{
	struct cache_request items[] = { request("/bad/x.deb", BODY) };
	struct mirror m = { .name = strdup("m") };
	cleanup_free char *bad = fixture_url(&x, "/bad"), *good = fixture_url(&x, "/good");
	cleanup_buf struct buf reason = { 0 }, kept = { 0 };

	serve("/bad/x.deb", OTHER);
	serve("/good/x.deb", BODY);
	cr_assert_eq(strv_add(&m.urls, bad, &e) + strv_add(&m.urls, good, &e), 0);
	x.options.mirrors = mirror_table_new(NULL, NULL, &e);
	cr_assert_eq(mirror_table_add(x.options.mirrors, &m, NULL, &e), 0);
	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0, "%s", e.message);
	cr_assert(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect(strstr(x.reports[0].from, "/good/x.deb"));
	cr_expect(cache_gives(x.cache, items[0].url, BODY, strlen(BODY), &e), "%s", e.message);

	cleanup_free char *note = find_file(x.dir, "packages/bad", ".reason");
	cr_assert_eq(file_read(note, 10000, &reason, &e), 0);
	cr_expect(str_starts(reason.data, "'x.deb' from http://127.0.0.1:"), "%s", reason.data);
	cr_expect(strstr(reason.data, "/bad/x.deb: wrong content: its sha256 is "), "%s", reason.data);
	note[strlen(note) - strlen(".reason")] = '\0';
	cr_assert_eq(file_read(note, 10000, &kept, &e), 0);
	cr_expect_str_eq(kept.data, OTHER);
	cr_expect_eq(count_files(x.dir, "packages/sha256", ""), 1, "wrong bytes are not stored as good");
	mirror_table_free(x.options.mirrors);
	mirror_release(&m);
	drop(items, 1);
}

Test(package_fetch, wrong_everywhere_fails_with_both_digests)
{
	struct cache_request items[] = { request("/x.deb", BODY) };
	char expected[DIGEST_HEX + 1], found[DIGEST_HEX + 1];
	struct digest d = digest_of_text(OTHER);

	serve("/x.deb", OTHER);
	digest_hex(&items[0].digest, expected);
	digest_hex(&d, found);
	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0, "%s", e.message);
	cr_expect_eq(x.fetched.failed, 1);
	cr_expect_eq(x.reports[0].failure.kind, ERR_CORRUPT);
	cr_expect(strstr(x.reports[0].failure.message, expected) && strstr(x.reports[0].failure.message, found), "%s",
		  x.reports[0].failure.message);
	cr_expect_eq(count_files(x.dir, "packages/sha256", ""), 0);
	cr_expect_eq(count_files(x.dir, "packages/urls", ""), 0);
	drop(items, 1);
}

/* Without a digest in the list the first fetch is trusted; later ones must give the same. */
Test(package_fetch, what_was_first_is_trusted_and_holds)
{
	struct cache_request items[] = { request("/x.deb", NULL) };

	serve("/x.deb", BODY);
	serve("/x.deb", OTHER);
	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0);
	cr_assert(x.reports[0].ok);
	cr_expect(strstr(buf_text(&x.log), "'x.deb': no digest is known for it"), "%s", buf_text(&x.log));

	cleanup_free char *contents = path_join(x.dir, "packages/sha256", &e);
	cr_assert_eq(path_remove(contents, &e), 0);
	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0);
	cr_expect_not(x.reports[0].ok);
	cr_expect_eq(x.reports[0].failure.kind, ERR_CORRUPT);
	cr_expect(strstr(x.reports[0].failure.message, "what the same URL gave when it was first fetched"), "%s",
		  x.reports[0].failure.message);

	/* The list says that the new bytes are right. */
	items[0].digest_known = true;
	items[0].digest = digest_of_text(OTHER);
	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0);
	cr_expect(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect(cache_gives(x.cache, items[0].url, OTHER, strlen(OTHER), &e), "%s", e.message);
	drop(items, 1);
}

Test(package_fetch, the_same_bytes_under_another_url_cost_no_download)
{
	struct cache_request first[] = { request("/a/x.deb", NULL) }, second[] = { request("/b/x.deb", BODY) };

	serve("/a/x.deb", BODY);
	cr_assert_eq(fixture_fetch(&x, first, 1, &e), 0);
	cr_assert_eq(fixture_fetch(&x, second, 1, &e), 0);
	cr_expect_eq(x.fetched.present, 1);
	cr_expect_eq(http_server_requests(x.server, "/b/x.deb"), 0);
	cr_expect_str_eq(x.reports[0].from, "");
	cr_expect(cache_gives(x.cache, second[0].url, BODY, strlen(BODY), &e), "%s", e.message);

	/* But not when they are no longer what their name says. */
	struct cache_request third[] = { request("/c/x.deb", BODY) };
	serve("/c/x.deb", BODY);
	cleanup_free char *content = find_file(x.dir, "packages/sha256", "");
	tamper(content, "the bytes of a pakcage", strlen(BODY));
	cr_assert_eq(fixture_fetch(&x, third, 1, &e), 0);
	cr_expect_eq(x.fetched.fetched, 1);
	cr_expect(cache_gives(x.cache, third[0].url, BODY, strlen(BODY), &e), "%s", e.message);
	drop(first, 1);
	drop(second, 1);
	drop(third, 1);
}

Test(package_fetch, the_same_url_twice_is_fetched_once)
{
	struct cache_request items[] = { request("/x.deb", NULL), request("/x.deb", NULL), request("/x.deb", NULL) };

	http_server_add(x.server, "/x.deb", &(struct http_step){ .body = BODY, .len = strlen(BODY), .drip_ms = 5 });
	cr_assert_eq(fixture_fetch(&x, items, 3, &e), 0, "%s", e.message);
	cr_expect_eq(x.fetched.fetched, 1);
	cr_expect_eq(x.fetched.present, 2);
	cr_expect_eq(http_server_requests(x.server, "/x.deb"), 1);
	drop(items, 3);
}

Test(package_fetch, cancel_keeps_what_is_done)
{
	struct cache_request items[] = { request("/x.deb", NULL) };

	cancel_set(&x.cancel);
	cr_expect_eq(fixture_fetch(&x, items, 1, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_eq(x.reports[0].times, 0);
	drop(items, 1);
}

/* A disk that takes no bytes: the call fails as a whole, and says which file. */
Test(package_fetch, a_cache_that_cannot_be_written_stops_everything)
{
	struct cache_request items[] = { request("/x.deb", NULL), request("/y.deb", NULL) };
	cleanup_free char *partials = path_join(x.dir, "packages/partial", &e);
	struct digest d = digest_of_text(items[0].url);
	char hex[DIGEST_HEX + 1];

	digest_hex(&d, hex);
	cleanup_free char *partial = path_join(partials, hex, &e);
	cr_assert_eq(symlink("/dev/full", partial), 0);
	serve("/x.deb", BODY);
	serve("/y.deb", BODY);
	x.options.parallel = 1;
	cr_expect_eq(fixture_fetch(&x, items, 2, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect(strstr(e.message, "'x.deb': writing '"), "%s", e.message);
	cr_expect(strstr(e.message, "No space left on device"), "%s", e.message);
	drop(items, 2);
}

enum { FILES = 60, FILE_BYTES = 60000 };

/* A process of its own that fills the cache with all files. Exit code 0: every item is there afterwards. */
static pid_t start_filler(const struct cache_request *items)
{
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child)
		return child;
	struct cache *c = NULL;
	x.logger.level = LOG_ERROR;
	if (cache_open(x.dir, NULL, &c, &e) < 0)
		_exit(10);
	int got = cache_fetch(c, items, FILES, &(struct cache_fetch_options){ .parallel = 4 }, &x.fetched, &e);
	cache_close(c);
	_exit(got < 0 ? 11 : x.fetched.failed ? 12 : x.fetched.present + x.fetched.fetched == FILES ? 0 : 13);
}

static int exit_code(pid_t child)
{
	int status = 0;
	cr_assert_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect_all(const struct cache_request *items, char *const *bodies)
{
	for (int i = 0; i < FILES; i++)
		cr_expect(cache_gives(x.cache, items[i].url, bodies[i], FILE_BYTES, &e), "%d: %s", i, e.message);
	cr_expect_eq(count_files(x.dir, "packages/sha256", ""), FILES);
	cr_expect_eq(count_files(x.dir, "packages/bad", ""), 0);
	cr_expect_eq(count_files(x.dir, "packages/partial", ""), 0);
}

static void serve_files(struct cache_request *items, char **bodies)
{
	for (int i = 0; i < FILES; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/%d.deb", i);
		bodies[i] = fixture_bytes(&x, FILE_BYTES, (unsigned)i);
		http_server_add(x.server, path,
				&(struct http_step){ .body = bodies[i], .len = FILE_BYTES, .drip_ms = 2, .drip_bytes = 10000 });
		items[i] = (struct cache_request){ .url = fixture_url(&x, path) };
	}
}

Test(package_fetch, two_processes_share_the_work)
{
	struct cache_request items[FILES];
	char *bodies[FILES];

	serve_files(items, bodies);
	pid_t one = start_filler(items), two = start_filler(items);
	cr_expect_eq(exit_code(one), 0);
	cr_expect_eq(exit_code(two), 0);
	expect_all(items, bodies);
	cr_expect_eq(http_server_requests(x.server, NULL), FILES, "%zu requests: none should be fetched twice",
		     http_server_requests(x.server, NULL));
	drop(items, FILES);
}

/* Killed again and again at any moment: the next one finishes the work. */
Test(package_fetch, survives_being_killed)
{
	struct cache_request items[FILES];
	char *bodies[FILES];

	serve_files(items, bodies);
	for (int round = 1; round <= 6; round++) {
		pid_t child = start_filler(items);
		http_server_wait_sent(x.server, (size_t)round * 7 * FILE_BYTES + 3333);
		kill(child, SIGKILL);
		cr_expect_eq(exit_code(child), 128 + SIGKILL);
	}
	cr_expect_eq(exit_code(start_filler(items)), 0);
	expect_all(items, bodies);
	drop(items, FILES);
}

/* Killed in the middle of a large package: what came is not fetched again. */
Test(package_fetch, goes_on_where_a_killed_one_was)
{
	enum { BIG = 2 << 20 };
	char *big = fixture_bytes(&x, BIG, 99);
	struct cache_request items[] = { request("/big.deb", NULL) };

	http_server_add(x.server, "/big.deb",
			&(struct http_step){ .body = big, .len = BIG, .etag = "\"1\"", .drip_ms = 20, .drip_bytes = 64 << 10 });
	http_server_add(x.server, "/big.deb", &(struct http_step){ .body = big, .len = BIG, .etag = "\"1\"" });
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(cache_fetch(x.cache, items, 1, &(struct cache_fetch_options){ 0 }, &x.fetched, &e) < 0);
	http_server_wait_sent(x.server, BIG / 2);
	kill(child, SIGKILL);
	cr_assert_eq(exit_code(child), 128 + SIGKILL);

	cr_assert_eq(fixture_fetch(&x, items, 1, &e), 0, "%s", e.message);
	cr_assert(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect(cache_gives(x.cache, items[0].url, big, BIG, &e), "%s", e.message);
	cr_expect_gt(http_server_request(x.server, "/big.deb", 1).range_start, 0);
	cr_expect_lt(x.fetched.bytes, BIG);
	drop(items, 1);
}

/* One small package from the mirror that this machine's own apt is set to, under its public name, found by way of the host's
 * mirror. */
Test(package_fetch, real_mirror)
{
	static const char *const argv[] = { "apt-get", "--print-uris", "-qq", "download", "hostname", NULL };
	cleanup_buf struct buf out = { 0 };
	char real[512], sha[65] = "";
	unsigned long long size = 0;

	/* 'URL' name size SHA256:hex */
	if (process_run(argv, NULL, 1 << 16, &out, NULL, &e) < 0 ||
	    sscanf(buf_text(&out), "'%511[^']' %*s %llu SHA256:%64s", real, &size, sha) != 3) {
		cr_skip("no apt index on this machine");
		return;
	}
	char *pool = strstr(real, "/pool/");
	cr_assert(pool, "%s", real);
	cleanup_free char *public = str_printf(&e, "http://public.invalid/debian%s", pool);
	cleanup_free char *base = str_printf(&e, "%.*s", (int)(pool - real), real);
	struct mirror m = { .name = strdup("m") };
	cleanup_strv struct strv host = { 0 };
	struct cache_request item = { .url = public, .digest_known = true, .size_known = true, .size = size };
	cr_assert_eq(digest_parse(sha, &item.digest, &e), 0);
	cr_assert_eq(strv_add(&m.urls, "http://public.invalid/debian", &e) + strv_add(&host, base, &e), 0);
	x.options.mirrors = mirror_table_new(NULL, NULL, &e);
	cr_assert_eq(mirror_table_add(x.options.mirrors, &m, "here", &e), 0);
	cr_assert_eq(mirror_table_set_host(x.options.mirrors, "here", &host, &e), 0);

	cr_assert_eq(fixture_fetch(&x, &item, 1, &e), 0, "%s", e.message);
	cr_assert(x.reports[0].ok, "%s", x.reports[0].failure.message);
	cr_expect_eq(x.reports[0].size, size);
	cr_expect(str_starts(x.reports[0].from, base));
	mirror_table_free(x.options.mirrors);
	mirror_release(&m);
}
