#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { BIG = 3 << 20, CUT = 1 << 20 };

static struct fixture x;
static struct err e;
static char *big;

static void set_up(void)
{
	fixture_init(&x);
	big = fixture_bytes(&x, BIG, 7);
}

static void tear_down(void)
{
	fixture_release(&x);
}

TestSuite(resume, .init = set_up, .fini = tear_down, .timeout = 60);

static void serve(const char *path, struct http_step step)
{
	if (!step.body && !step.status) {
		step.body = big;
		step.len = BIG;
	}
	http_server_add(x.server, path, &step);
}

/* A partial file as an earlier run may have left it. */
static void leave_partial(const struct wanted *w, const char *bytes, size_t len, const char *url, const char *validator)
{
	cr_assert_eq(file_replace(w->path, bytes, len, 0666, &e), 0);
	if (!url)
		return;
	cleanup_free char *note = str_printf(&e, "%s.from", w->path);
	cleanup_free char *text = str_printf(&e, "%s\n%s\n", url, validator ? validator : "");
	cr_assert_eq(file_replace(note, text, strlen(text), 0666, &e), 0);
}

static long long asked_from(const char *path, size_t i)
{
	return http_server_request(x.server, path, i).range_start;
}

static void fetch_and_expect(struct wanted *w, size_t requests, const char *path)
{
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_assert(w->ok, "%s", w->failure.message);
	cr_expect(wanted_holds(w, big, BIG), "the file is not what the server has");
	cr_expect_eq(http_server_requests(x.server, path), requests, "%zu requests", http_server_requests(x.server, path));
}

Test(resume, a_cut_is_continued_where_it_was)
{
	serve("/x", (struct http_step){ .cut_after = CUT, .etag = "\"v1\"" });
	serve("/x", (struct http_step){ .etag = "\"v1\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	struct digest expected;

	fetch_and_expect(w, 2, "/x");
	cr_expect_eq(asked_from("/x", 1), CUT);
	cr_expect_str_eq(http_server_request(x.server, "/x", 1).if_range, "\"v1\"");
	cr_assert_eq(digest_of(big, BIG, &expected, &e), 0);
	cr_expect(digest_equal(&w->result.digest, &expected), "the digest covers both parts");
	cr_expect_eq(w->result.received, BIG, "nothing came twice");
}

Test(resume, many_cuts_that_get_further_are_no_failure)
{
	for (int i = 0; i < 6; i++)
		serve("/x", (struct http_step){ .cut_after = BIG / 6, .etag = "\"v1\"" });
	serve("/x", (struct http_step){ .etag = "\"v1\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	fetch_and_expect(w, 6, "/x");
}

Test(resume, a_changed_file_is_fetched_from_the_start)
{
	serve("/x", (struct http_step){ .etag = "\"v2\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	leave_partial(w, "bytes of the old version", 24, w->urls.items[0], "\"v1\"");
	fetch_and_expect(w, 1, "/x");
	cr_expect_eq(asked_from("/x", 0), 24);
}

Test(resume, a_server_that_ignores_ranges_gives_it_all)
{
	serve("/x", (struct http_step){ .ignore_range = true });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	wanted_expect(w, big, BIG);
	leave_partial(w, big, CUT, NULL, NULL);
	fetch_and_expect(w, 1, "/x");
	cr_expect_eq(asked_from("/x", 0), CUT);
}

Test(resume, another_part_than_asked_for_is_not_believed)
{
	serve("/x", (struct http_step){ .wrong_range = true });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	wanted_expect(w, big, BIG);
	leave_partial(w, big, CUT, NULL, NULL);
	fetch_and_expect(w, 2, "/x");
	cr_expect_eq(asked_from("/x", 1), -1);
}

Test(resume, wrong_old_bytes_cost_one_more_fetch_from_the_start)
{
	serve("/x", (struct http_step){ 0 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	wanted_expect(w, big, BIG);
	leave_partial(w, big + 1, CUT, NULL, NULL);
	fetch_and_expect(w, 2, "/x");
	cr_expect_eq(asked_from("/x", 0), CUT);
	cr_expect_eq(asked_from("/x", 1), -1);
	cr_expect_eq(w->rejected, 0, "the server was not to blame");
}

Test(resume, without_digest_and_validator_nothing_is_continued)
{
	serve("/x", (struct http_step){ 0 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	leave_partial(w, big, CUT, w->urls.items[0], NULL);
	fetch_and_expect(w, 1, "/x");
	cr_expect_eq(asked_from("/x", 0), -1);
}

Test(resume, another_mirror_continues_only_under_a_digest)
{
	serve("/a/x", (struct http_step){ .status = 404 });
	serve("/b/x", (struct http_step){ .etag = "\"other\"" });
	struct wanted *trusted = fixture_want(&x, "x", "/a/x", "/b/x", NULL);
	struct wanted *blind = fixture_want(&x, "y", "/a/x", "/b/x", NULL);
	wanted_expect(trusted, big, BIG);
	leave_partial(trusted, big, CUT, trusted->urls.items[0], "\"v1\"");
	leave_partial(blind, big, CUT, blind->urls.items[0], "\"v1\"");
	x.options.parallel = 1;

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(trusted->ok && wanted_holds(trusted, big, BIG), "%s", trusted->failure.message);
	cr_expect(blind->ok && wanted_holds(blind, big, BIG), "%s", blind->failure.message);
	cr_expect_eq(asked_from("/b/x", 0), CUT);
	cr_expect_eq(asked_from("/b/x", 1), -1);
}

Test(resume, a_whole_partial_needs_no_bytes)
{
	serve("/sized", (struct http_step){ 0 });
	serve("/unsized", (struct http_step){ 0 });
	struct wanted *sized = fixture_want(&x, "sized", "/sized", NULL);
	struct wanted *unsized = fixture_want(&x, "unsized", "/unsized", NULL);
	wanted_expect(sized, big, BIG);
	wanted_expect(unsized, big, BIG);
	sized->size_known = true;
	sized->size = BIG;
	leave_partial(sized, big, BIG, NULL, NULL);
	leave_partial(unsized, big, BIG, NULL, NULL);

	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect(sized->ok && wanted_holds(sized, big, BIG), "%s", sized->failure.message);
	cr_expect(unsized->ok && wanted_holds(unsized, big, BIG), "%s", unsized->failure.message);
	cr_expect_eq(http_server_requests(x.server, "/sized"), 0);
	cr_expect_eq(http_server_requests(x.server, "/unsized"), 1, "416 tells that it is whole");
}

Test(resume, a_partial_longer_than_the_file_is_dropped)
{
	char *longer = fixture_bytes(&x, BIG + 10, 8);

	serve("/x", (struct http_step){ 0 });
	serve("/y", (struct http_step){ 0 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	struct wanted *sized = fixture_want(&x, "y", "/y", NULL);
	wanted_expect(w, big, BIG);
	wanted_expect(sized, big, BIG);
	sized->size_known = true;
	sized->size = BIG;
	leave_partial(w, longer, BIG + 10, NULL, NULL);
	leave_partial(sized, longer, BIG + 10, NULL, NULL);
	fetch_and_expect(w, 2, "/x");
	cr_expect(sized->ok && wanted_holds(sized, big, BIG), "%s", sized->failure.message);
	cr_expect_eq(http_server_requests(x.server, "/y"), 1);
}

/* The process dies in the middle; the next one asks for the rest only. */
Test(resume, goes_on_after_kill)
{
	serve("/x", (struct http_step){ .etag = "\"v1\"", .drip_ms = 20, .drip_bytes = 64 << 10 });
	serve("/x", (struct http_step){ .etag = "\"v1\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		x.options.log = NULL;
		_exit(fixture_fetch(&x, &e) < 0);
	}
	http_server_wait_sent(x.server, CUT);
	cr_assert_eq(kill(child, SIGKILL), 0);
	cr_assert_eq(waitpid(child, NULL, 0), child);

	fetch_and_expect(w, 2, "/x");
	cr_expect_gt(asked_from("/x", 1), 0, "the second run asked for a range");
	cr_expect_str_eq(http_server_request(x.server, "/x", 1).if_range, "\"v1\"");
	cr_expect_lt(w->result.received, BIG);
}

Test(resume, a_partial_in_another_hand_is_a_conflict)
{
	serve("/x", (struct http_step){ 0 });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	struct partial held = { .fd = -1 };

	cr_assert_eq(partial_open(&held, w->path, &e), 0);
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
	cr_expect_not(w->ok);
	cr_expect_eq(w->failure.kind, ERR_CONFLICT);
	cr_expect_eq(http_server_requests(x.server, "/x"), 0);
	partial_release(&held);
}
