#include "fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

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

TestSuite(download, .init = set_up, .fini = tear_down, .timeout = 60);

#define BODY	  "the bytes of a package, as good as any"
#define BODY_STEP .body = BODY, .len = sizeof(BODY) - 1

static void serve(const char *path, struct http_step step)
{
	http_server_add(x.server, path, &step);
}

Test(download, gets_a_file_and_its_digest)
{
	struct digest expected;
	struct http_request r;

	serve("/pool/x.deb", (struct http_step){ BODY_STEP });
	struct wanted *w = fixture_want(&x, "x.deb", "/pool/x.deb", NULL);
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_assert(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1));
	cr_assert_eq(digest_of(BODY, sizeof(BODY) - 1, &expected, &e), 0);
	cr_expect(digest_equal(&w->result.digest, &expected));
	cr_expect_eq(w->result.size, sizeof(BODY) - 1);
	cr_expect_eq(x.progress, sizeof(BODY) - 1);
	r = http_server_request(x.server, "/pool/x.deb", 0);
	cr_expect_str_eq(r.user_agent, "orchestrate/" ORCHESTRATE_VERSION);
	cr_expect_eq(r.range_start, -1);
}

/* One file from one candidate with a script of one or two steps: how it ends, what is said, how often the server was asked. */
Test(download, statuses)
{
	static const struct {
		struct http_step steps[2];
		bool ok;
		enum err_kind kind;
		const char *message; /* part of it */
		size_t requests;
	} rows[] = {
		{ { { .status = 404, .body = "no", .len = 2 } }, false, ERR_NOT_FOUND, "HTTP status 404, not found", 1 },
		{ { { .status = 410 } }, false, ERR_NOT_FOUND, "HTTP status 410, gone", 1 },
		{ { { .status = 403 } }, false, ERR_FAILED, "HTTP status 403, forbidden: this source needs credentials", 1 },
		{ { { .status = 418 } }, false, ERR_PROTOCOL, "HTTP status 418, the server refuses", 1 },
		{ { { .status = 500 } }, false, ERR_TEMPORARY, "HTTP status 500, internal server error", 4 },
		{ { { .status = 500, .body = "x", .len = 1 }, { BODY_STEP } }, true, 0, NULL, 2 },
		{ { { .status = 503, .headers = "Retry-After: 1\r\n" }, { BODY_STEP } }, true, 0, NULL, 2 },
		{ { { .status = 429 }, { BODY_STEP } }, true, 0, NULL, 2 },
		{ { { .status = 503, .headers = "Retry-After: 3600\r\n" } }, false, ERR_TEMPORARY, "HTTP status 503", 1 },
		{ { { .status = 200, .body = "", .len = 0 } }, false, ERR_CORRUPT, "the server sent an empty file", 1 },
		{ { { .status = 204 } }, false, ERR_PROTOCOL, "HTTP status 204, not an answer that we can use", 1 },
		{ { { BODY_STEP, .cut_after = 10 } }, false, ERR_TEMPORARY, "", 4 },
		{ { { BODY_STEP, .cut_after = 10 }, { BODY_STEP } }, true, 0, NULL, 2 },
		{ { { BODY_STEP, .no_length = true } }, true, 0, NULL, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[32];
		snprintf(path, sizeof(path), "/%zu", i);
		serve(path, rows[i].steps[0]);
		if (rows[i].steps[1].status || rows[i].steps[1].body)
			serve(path, rows[i].steps[1]);
		fixture_want(&x, path + 1, path, NULL);
	}
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct wanted *w = &x.wanted[i];
		char path[32];
		snprintf(path, sizeof(path), "/%zu", i);
		cr_expect_eq(w->done, 1, "row %zu: done %u times", i, w->done);
		cr_expect_eq(http_server_requests(x.server, path), rows[i].requests, "row %zu: %zu requests", i,
			     http_server_requests(x.server, path));
		cr_expect_eq(w->ok, rows[i].ok, "row %zu: %s", i, w->failure.message);
		if (rows[i].ok) {
			cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1), "row %zu", i);
			continue;
		}
		cr_expect_eq(w->failure.kind, rows[i].kind, "row %zu: %s", i, err_kind_name(w->failure.kind));
		cr_expect(strstr(w->failure.message, rows[i].message), "row %zu: %s", i, w->failure.message);
		cr_expect(strstr(w->failure.message, path), "row %zu names no URL: %s", i, w->failure.message);
	}
}

Test(download, fails_over_in_order_and_says_how_many_were_asked)
{
	serve("/good/x", (struct http_step){ BODY_STEP });
	serve("/broken/x", (struct http_step){ .status = 500 });
	struct wanted *w = fixture_want(&x, "x", "/missing/x", "/broken/x", "/good/x", "/never/x", NULL);
	struct wanted *none = fixture_want(&x, "y", "/a/y", "/b/y", NULL);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(w->ok, "%s", w->failure.message);
	cr_expect(strstr(w->from, "/good/x"));
	cr_expect_eq(http_server_requests(x.server, "/missing/x"), 1);
	cr_expect_eq(http_server_requests(x.server, "/broken/x"), 4);
	cr_expect_eq(http_server_requests(x.server, "/never/x"), 0);
	cr_expect(strstr(buf_text(&x.log), "/missing/x: HTTP status 404"), "%s", buf_text(&x.log));

	char expected[256];
	snprintf(expected, sizeof(expected),
		 "'y': none of 2 mirrors gave it, the last one asked was: %s/b/y: HTTP status 404, not found",
		 http_server_url(x.server));
	cr_expect(str_starts(none->failure.message, expected), "%s", none->failure.message);
}

Test(download, wrong_digest_is_set_aside_and_the_next_mirror_asked)
{
	static const char page[] = "<html>Please log in to this hotel's network</html>";

	serve("/bad/x", (struct http_step){ .body = page, .len = sizeof(page) - 1 });
	serve("/good/x", (struct http_step){ BODY_STEP });
	struct wanted *w = fixture_want(&x, "x", "/bad/x", "/good/x", NULL);
	struct wanted *only_bad = fixture_want(&x, "y", "/bad/x", NULL);
	wanted_expect(w, BODY, sizeof(BODY) - 1);
	wanted_expect(only_bad, BODY, sizeof(BODY) - 1);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1));
	cr_expect_eq(w->rejected, 1);
	cr_expect(strstr(w->rejected_from, "/bad/x"));
	cr_expect_not(only_bad->ok);
	cr_expect_eq(only_bad->failure.kind, ERR_CORRUPT);
	cr_expect_eq(only_bad->rejected, 1);
	cr_expect(strstr(only_bad->failure.message, "wrong content: its sha256 is "), "%s", only_bad->failure.message);
	cr_expect_eq(access(only_bad->path, F_OK), -1, "wrong bytes don't stay as a partial file");
	cr_expect_eq(http_server_requests(x.server, "/bad/x"), 2, "wrong bytes are not asked for again");
}

Test(download, known_size_and_limit_stop_early)
{
	static const struct {
		struct http_step step;
		uint64_t size, max;
		enum err_kind kind;
		const char *message;
		size_t requests;
	} rows[] = {
		{ { BODY_STEP }, 12, 0, ERR_CORRUPT, "the server has 38 bytes where 12 are expected", 1 },
		{ { BODY_STEP, .no_length = true }, 12, 0, ERR_CORRUPT, "the server sends more than the 12 bytes expected", 1 },
		{ { BODY_STEP }, 0, 20, ERR_LIMIT, "larger than 20 bytes", 1 },
		{ { BODY_STEP, .no_length = true }, 0, 20, ERR_LIMIT, "larger than 20 bytes", 1 },
		{ { BODY_STEP, .no_length = true }, 50, 0, ERR_TEMPORARY, "ended after 38 of 50 bytes", 4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[32];
		snprintf(path, sizeof(path), "/%zu", i);
		serve(path, rows[i].step);
		struct wanted *w = fixture_want(&x, path + 1, path, NULL);
		w->size_known = rows[i].size > 0;
		w->size = rows[i].size;
		w->max_bytes = rows[i].max;
	}
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct wanted *w = &x.wanted[i];
		cr_expect_not(w->ok, "row %zu", i);
		cr_expect_eq(w->failure.kind, rows[i].kind, "row %zu: %s", i, err_kind_name(w->failure.kind));
		cr_expect(strstr(w->failure.message, rows[i].message), "row %zu: %s", i, w->failure.message);
	}
}

Test(download, redirects)
{
	serve("/here", (struct http_step){ .status = 302, .location = "/there" });
	serve("/there", (struct http_step){ BODY_STEP });
	serve("/loop", (struct http_step){ .status = 301, .location = "/loop" });
	serve("/passwd", (struct http_step){ .status = 302, .location = "file:///etc/passwd" });
	serve("/nowhere", (struct http_step){ .status = 302 });
	struct wanted *good = fixture_want(&x, "good", "/here", NULL);
	struct wanted *loop = fixture_want(&x, "loop", "/loop", NULL);
	struct wanted *file = fixture_want(&x, "file", "/passwd", NULL);
	struct wanted *nowhere = fixture_want(&x, "nowhere", "/nowhere", NULL);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(good->ok && wanted_holds(good, BODY, sizeof(BODY) - 1), "%s", good->failure.message);
	cr_expect_not(loop->ok);
	cr_expect(str_ends(loop->failure.message, "/loop: more than 5 redirects in a row: a loop"), "%s", loop->failure.message);
	cr_expect_eq(http_server_requests(x.server, "/loop"), 6);
	cr_expect_not(file->ok);
	cr_expect(strstr(file->failure.message, "redirects to where we don't follow"), "%s", file->failure.message);
	cr_expect_not(nowhere->ok);
	cr_expect(strstr(nowhere->failure.message, "HTTP status 302"), "%s", nowhere->failure.message);
}

Test(download, file_urls)
{
	cleanup_free char *source = path_join(x.dir, "source", &e);
	cleanup_free char *url = str_printf(&e, "file://%s", source);
	cr_assert_eq(file_replace(source, BODY, sizeof(BODY) - 1, 0666, &e), 0);
	struct wanted *w = fixture_want(&x, "x", "file:///does/not/exist", url, NULL);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1));
}

Test(download, a_host_that_is_down_costs_the_many_nothing)
{
	/* Port 1 of the local host: nobody listens. */
	x.options.parallel = 2;
	x.options.backoff_ms = 100;
	for (int i = 0; i < 40; i++) {
		char path[32], dead[64];
		snprintf(path, sizeof(path), "/%d", i);
		snprintf(dead, sizeof(dead), "http://127.0.0.1:1/%d", i);
		serve(path, (struct http_step){ BODY_STEP });
		fixture_want(&x, path + 1, dead, path, NULL);
	}
	fixture_want(&x, "lost", "http://127.0.0.1:1/lost", NULL);
	int64_t start = clock_now_ms();
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	int64_t took = clock_now_ms() - start;
	for (int i = 0; i < 40; i++)
		cr_expect(x.wanted[i].ok, "%d: %s", i, x.wanted[i].failure.message);
	cr_expect_not(x.wanted[40].ok);
	cr_expect(strstr(x.wanted[40].failure.message, "is the network up"), "%s", x.wanted[40].failure.message);
	/* Each on its own would wait for at least 350 ms. */
	cr_expect_lt(took, 3000, "took %lld ms", (long long)took);
}

Test(download, stalls_are_cut_and_tried_again)
{
	char *big = fixture_bytes(&x, 4096, 1);

	x.options.stall_seconds = 1;
	serve("/x", (struct http_step){ .body = big, .len = 4096, .drip_ms = 300, .drip_bytes = 16 });
	serve("/x", (struct http_step){ .body = big, .len = 4096 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, big, 4096));
	cr_expect_eq(http_server_requests(x.server, "/x"), 2);
}

Test(download, cancel_stops_at_once_and_ends_every_file)
{
	char *big = fixture_bytes(&x, 1 << 20, 1);

	x.options.parallel = 3;
	serve("/quick", (struct http_step){ BODY_STEP });
	serve("/slow", (struct http_step){ .body = big, .len = 1 << 20, .drip_ms = 50, .drip_bytes = 4096 });
	fixture_want(&x, "quick", "/quick", NULL);
	fixture_want(&x, "slow1", "/slow", NULL);
	fixture_want(&x, "slow2", "/slow", NULL);
	fixture_want(&x, "later", "/quick", NULL);
	x.cancel_after_done = 1;
	int64_t start = clock_now_ms();
	cr_expect_eq(fixture_fetch(&x, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_lt(clock_now_ms() - start, 2000);
	cr_expect(x.wanted[0].ok);
	for (int i = 1; i < 3; i++) {
		cr_expect_eq(x.wanted[i].done, 1);
		cr_expect_eq(x.wanted[i].failure.kind, ERR_CANCELLED);
	}
}

Test(download, many_at_once_but_no_more_than_asked_for)
{
	enum { FILES = 30 };
	char *big = fixture_bytes(&x, 200000, 2);

	x.options.parallel = 6;
	x.options.per_host = 4;
	for (int i = 0; i < FILES; i++) {
		char path[32];
		snprintf(path, sizeof(path), "/%d", i);
		serve(path, (struct http_step){ .body = big, .len = 200000, .drip_ms = 2, .drip_bytes = 50000 });
		wanted_expect(fixture_want(&x, path + 1, path, NULL), big, 200000);
	}
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	for (int i = 0; i < FILES; i++)
		cr_expect(x.wanted[i].ok && wanted_holds(&x.wanted[i], big, 200000), "%d: %s", i, x.wanted[i].failure.message);
	cr_expect_eq(http_server_requests(x.server, NULL), FILES);
	cr_expect_eq(http_server_most_at_once(x.server), 4);
}

Test(download, a_full_disk_ends_the_file_not_the_mirrors)
{
	/* A device that takes no bytes stands in for the full disk. */
	serve("/x", (struct http_step){ BODY_STEP });
	struct wanted *w = fixture_want(&x, "x", "/x", "/second/x", NULL);
	cr_assert_eq(symlink("/dev/full", w->path), 0);
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect_not(w->ok);
	cr_expect_eq(w->failure.kind, ERR_SYSTEM);
	cr_expect_eq(w->failure.errnum, ENOSPC);
	cr_expect_eq(http_server_requests(x.server, "/second/x"), 0);
}

Test(download, proxies_come_from_the_environment)
{
	serve("http://archive.invalid/pool/x", (struct http_step){ BODY_STEP });
	serve("/direct", (struct http_step){ BODY_STEP });
	setenv("http_proxy", http_server_url(x.server), 1);
	setenv("no_proxy", "127.0.0.1", 1);
	struct wanted *w = fixture_want(&x, "x", "http://archive.invalid/pool/x", NULL);
	struct wanted *direct = fixture_want(&x, "direct", "/direct", NULL);
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(w->ok && wanted_holds(w, BODY, sizeof(BODY) - 1), "%s", w->failure.message);
	cr_expect(direct->ok, "%s", direct->failure.message);
}
