/* Conditional requests, and a feed that has nothing for a while. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"

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

TestSuite(condition, .init = set_up, .fini = tear_down, .timeout = 60);

#define BODY	  "Package: linux-headers-6.1.0-1-amd64\n"
#define BODY_STEP .body = BODY, .len = sizeof(BODY) - 1
#define DATE	  "Sun, 23 Nov 2025 20:00:00 GMT"

static void serve(const char *path, struct http_step step)
{
	http_server_add(x.server, path, &step);
}

Test(condition, what_is_still_the_same_comes_as_unchanged_and_without_a_file)
{
	serve("/same", (struct http_step){ BODY_STEP, .etag = "\"v1\"" });
	serve("/dated", (struct http_step){ .status = 304 });
	struct wanted *same = fixture_want(&x, "same", "/same", NULL);
	struct wanted *dated = fixture_want(&x, "dated", "/dated", NULL);
	same->etag = "\"v1\"";
	same->last_modified = DATE;
	dated->last_modified = DATE;

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_assert(same->ok && dated->ok, "%s%s", same->failure.message, dated->failure.message);
	cr_expect(same->result.unchanged && dated->result.unchanged);
	cr_expect_eq(same->result.size + same->result.received, 0);
	cr_expect(strstr(same->from, "/same"));
	cr_expect_eq(access(same->path, F_OK), -1, "nothing is left behind");
	struct http_request r = http_server_request(x.server, "/same", 0);
	cr_expect_str_eq(r.if_none_match, "\"v1\"");
	cr_expect_str_eq(r.if_modified_since, DATE);
	r = http_server_request(x.server, "/dated", 0);
	cr_expect_str_eq(r.if_none_match, "");
	cr_expect_str_eq(r.if_modified_since, DATE);
}

Test(condition, what_has_changed_comes_with_new_validators)
{
	serve("/x", (struct http_step){ BODY_STEP, .etag = "W/\"v2\"", .headers = "last-modified:  " DATE "\r\n" });
	serve("/bare", (struct http_step){ BODY_STEP });
	serve("/moved", (struct http_step){ .status = 302, .location = "/bare", .etag = "\"of the redirect\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	struct wanted *bare = fixture_want(&x, "bare", "/bare", NULL);
	struct wanted *moved = fixture_want(&x, "moved", "/moved", NULL);
	w->etag = "\"v1\"";
	x.options.parallel = 1;

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_assert(w->ok, "%s", w->failure.message);
	cr_expect_not(w->result.unchanged);
	cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1));
	cr_expect_str_eq(w->got_etag, "W/\"v2\"");
	cr_expect_str_eq(w->got_last_modified, DATE);
	cr_expect_str_eq(bare->got_etag, "", "those of the file before don't stick");
	cr_expect_str_eq(bare->got_last_modified, "");
	cr_expect_str_eq(moved->got_etag, "");
	cr_expect_str_eq(http_server_request(x.server, "/bare", 0).if_none_match, "");
}

/* An answer that nobody asked for is no file and no "unchanged". */
Test(condition, a_304_without_a_condition_is_refused)
{
	serve("/x", (struct http_step){ .status = 304 });
	serve("/y", (struct http_step){ .status = 304 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	struct wanted *odd = fixture_want(&x, "y", "/y", NULL);
	odd->etag = "\"v1\"\r\nX-Smuggled: yes";

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect_not(w->ok);
	cr_expect(strstr(w->failure.message, "HTTP status 304, not an answer that we can use"), "%s", w->failure.message);
	cr_expect_not(odd->ok, "a validator that no header line can hold is not sent");
}

/* A mirror with an older file, or another clock, would say "not modified" of what it never gave. */
Test(condition, is_for_the_first_candidate_alone)
{
	serve("/second", (struct http_step){ BODY_STEP });
	struct wanted *w = fixture_want(&x, "x", "/first", "/second", NULL);
	w->etag = "\"v1\"";
	w->last_modified = DATE;

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_assert(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, BODY, sizeof(BODY) - 1));
	cr_expect_str_eq(http_server_request(x.server, "/first", 0).if_none_match, "\"v1\"");
	struct http_request r = http_server_request(x.server, "/second", 0);
	cr_expect_str_eq(r.if_none_match, "");
	cr_expect_str_eq(r.if_modified_since, "");
}

Test(condition, never_together_with_a_range)
{
	char *big = fixture_bytes(&x, 2 << 20, 1);
	serve("/cut", (struct http_step){ .body = big, .len = 2 << 20, .cut_after = 1 << 20, .etag = "\"v2\"" });
	serve("/cut", (struct http_step){ .body = big, .len = 2 << 20, .etag = "\"v2\"" });
	serve("/old", (struct http_step){ BODY_STEP, .etag = "\"v1\"" });
	struct wanted *cut = fixture_want(&x, "cut", "/cut", NULL), *old = fixture_want(&x, "old", "/old", NULL);
	cleanup_free char *note = str_printf(&e, "%s.from", old->path);
	cleanup_free char *text = str_printf(&e, "%s\n\"v1\"\n", old->urls.items[0]);
	cut->etag = old->etag = "\"v1\"";
	cr_assert_eq(file_replace(old->path, "half", 4, 0666, &e), 0);
	cr_assert_eq(file_replace(note, text, strlen(text), 0666, &e), 0);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(cut->ok && wanted_holds(cut, big, 2 << 20), "%s", cut->failure.message);
	struct http_request r = http_server_request(x.server, "/cut", 1);
	cr_expect_eq(r.range_start, 1 << 20);
	cr_expect_str_eq(r.if_none_match, "");
	cr_expect(old->result.unchanged, "%s", old->failure.message);
	cr_expect_eq(http_server_request(x.server, "/old", 0).range_start, -1, "an earlier run's part is begun anew");
}

/* --- the feed --- */

struct slow_feed {
	struct fixture *x;
	int wake_fd, given, done;
	unsigned asked;
	struct strv urls[2];
	char *paths[2];
	bool by_done; /* the second file comes once the first is done, without a wake */
};

static int next(void *context, struct fetch_job *ret, struct err *err)
{
	struct slow_feed *feed = context;
	eventfd_t ignored;
	(void)err;

	feed->asked++;
	if (feed->given == 2)
		return 0;
	if (feed->given == 1 && feed->by_done && !feed->done)
		return 2;
	if (feed->given == 1 && !feed->by_done && eventfd_read(feed->wake_fd, &ignored) < 0)
		return 2;
	*ret = (struct fetch_job){ .name = "x", .urls = &feed->urls[feed->given], .partial_path = feed->paths[feed->given] };
	feed->given++;
	return 1;
}

static int done(void *context, const struct fetch_job *job, const struct fetch_result *result, struct partial *p,
		const struct err *failure, struct err *err)
{
	struct slow_feed *feed = context;
	(void)job, (void)p, (void)err;

	cr_expect(result, "%s", failure ? failure->message : "");
	feed->done++;
	return 0;
}

static void *wake_later(void *context)
{
	struct slow_feed *feed = context;

	usleep(300000);
	cr_assert_eq(eventfd_write(feed->wake_fd, 1), 0);
	return NULL;
}

static void run_slow_feed(struct slow_feed *feed)
{
	cleanup_of(fetch) struct fetch *f = NULL;
	const struct fetch_feed callbacks = { .next = next, .done = done, .wake_fd = feed->wake_fd, .context = feed };

	serve("/x", (struct http_step){ BODY_STEP, .drip_ms = 100, .drip_bytes = 20 });
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(strv_take(&feed->urls[i], str_printf(&e, "%s/x", http_server_url(x.server)), &e), 0);
		feed->paths[i] = str_printf(&e, "%s/%d", x.dir, i);
	}
	cr_assert_eq(fetch_new(&x.options, &f, &e), 0);
	cr_assert_eq(fetch_all(f, &callbacks, &e), 0, "%s", e.message);
	cr_expect_eq(feed->done, 2);
	for (int i = 0; i < 2; i++) {
		strv_release(&feed->urls[i]);
		free(feed->paths[i]);
	}
}

Test(condition, is_woken_by_its_descriptor)
{
	struct slow_feed feed = { .x = &x, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	pthread_t waker;

	cr_assert_eq(pthread_create(&waker, NULL, wake_later, &feed), 0);
	int64_t start = clock_now_ms();
	run_slow_feed(&feed);
	cr_expect_geq(clock_now_ms() - start, 300);
	pthread_join(waker, NULL);
	/* First file, nothing yet, its end, the wake, the end: no asking in between. */
	cr_expect_leq(feed.asked, 6, "asked %u times", feed.asked);
	close(feed.wake_fd);
}

Test(condition, is_asked_again_when_a_file_is_done)
{
	struct slow_feed feed = { .x = &x, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .by_done = true };

	run_slow_feed(&feed);
	cr_expect_leq(feed.asked, 4, "asked %u times", feed.asked);
	close(feed.wake_fd);
}
