#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

static void expect_sightings(struct ledger *l, const char *wanted)
{
	cleanup_free char *lines = sightings(l);
	cr_expect_str_eq(lines, wanted, "found:\n%s", lines);
}

static void expect_live(struct ledger *l, const char *index, uint64_t wanted)
{
	struct err e = { 0 };
	uint64_t n = 99;
	cr_assert_eq(ledger_live_count(l, "d", index, &n, &e), 0, "%s", e.message);
	cr_expect_eq(n, wanted, "%s: %llu", index, (unsigned long long)n);
}

#define SEEN(...) ((const char *const[]){ __VA_ARGS__, NULL })

Test(sighting, a_life)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);

	expect_live(l, "main", 0);
	record(l, "main", 10, SEEN("main http://h/1", "main http://h/2", "main http://h/2"));
	expect_live(l, "main", 2);
	/* One goes, one comes; */
	record(l, "main", 20, SEEN("main http://h/2", "main http://h/3"));
	expect_sightings(l, "http://h/1 main 10 10 20\nhttp://h/2 main 10 20 0\nhttp://h/3 main 20 20 0\n");
	expect_live(l, "main", 2);
	/* it has gone since then, not since now; */
	record(l, "main", 30, SEEN("main http://h/2"));
	expect_sightings(l, "http://h/1 main 10 10 20\nhttp://h/2 main 10 30 0\nhttp://h/3 main 20 20 30\n");
	/* and what comes back was first seen when it was. */
	record(l, "main", 40, SEEN("main http://h/1"));
	expect_sightings(l, "http://h/1 main 10 40 0\nhttp://h/2 main 10 30 40\nhttp://h/3 main 20 20 30\n");
	expect_live(l, "main", 1);
}

static void expect_last_seen(struct ledger *l, const char *distro, const char *url, int64_t wanted)
{
	struct err e = { 0 };
	int64_t seen = 0;
	int got = ledger_last_seen(l, distro, url, &seen, &e);
	cr_expect_eq(got, wanted > 0, "%s: %s", url, e.message);
	cr_expect_eq(seen, wanted, "%s: %lld", url, (long long)seen);
}

Test(sighting, last_seen_by_any_index)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);

	record(l, "main security", 10, SEEN("main http://h/1", "security http://h/1", "main http://h/2"));
	record(l, "main", 20, SEEN("main http://h/1"));
	record(l, "main", 30, SEEN("main http://h/3"));
	expect_last_seen(l, "d", "http://h/1", 20);
	expect_last_seen(l, "d", "http://h/2", 10);
	expect_last_seen(l, "d", "http://h/4", 0);
	expect_last_seen(l, "other", "http://h/1", 0);
}

Test(sighting, indexes_and_distros_are_apart)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };
	cleanup_strv struct strv names = { 0 };
	const struct sighting other = { .url = "http://h/1", .index = "main" };

	record(l, "main security", 10, SEEN("main http://h/1", "security http://h/1", "security http://h/2"));
	cr_assert_eq(strv_add(&names, "main", &e), 0);
	cr_assert_eq(ledger_record(l, "other", &names, &other, 1, 15, &e), 0, "%s", e.message);
	/* A crawl of one index says nothing of the other. */
	record(l, "main", 20, SEEN("main http://h/3"));
	expect_sightings(
		l, "http://h/1 main 10 10 20\nhttp://h/1 security 10 10 0\nhttp://h/2 security 10 10 0\nhttp://h/3 main 20 20 0\n");
	expect_live(l, "security", 2);
	uint64_t n;
	cr_assert_eq(ledger_live_count(l, "other", "main", &n, &e), 0);
	cr_expect_eq(n, 1);
}

Test(sighting, counts_what_an_index_has_lost)
{
	static const char *const now[] = { "http://h/2", "http://h/4", "http://h/3" };
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };
	struct sighting seen[ARRAY_LEN(now)];

	record(l, "main", 5, SEEN("main http://h/0", "main http://h/1"));
	record(l, "main", 10, SEEN("main http://h/1", "main http://h/2", "main http://h/3"));
	for (size_t i = 0; i < ARRAY_LEN(now); i++)
		seen[i] = (struct sighting){ .url = now[i], .index = "main" };
	static const uint64_t wanted[] = { 3, 2, 2, 1 };
	for (size_t n = 0; n <= ARRAY_LEN(now); n++) {
		uint64_t missing = 99;
		cr_assert_eq(ledger_missing_count(l, "d", "main", seen, n, &missing, &e), 0, "%s", e.message);
		cr_expect_eq(missing, wanted[n], "%zu given: %llu", n, (unsigned long long)missing);
	}
	expect_live(l, "main", 3);
}

struct seen_digest {
	bool digest_known, size_known;
	struct digest digest;
	uint64_t size;
};

static int keep(void *context, const struct sighting *s, struct err *e)
{
	(void)e;
	*(struct seen_digest *)context = (struct seen_digest){ s->digest_known, s->size_known, s->sha256, s->size };
	return 0;
}

static int refuse(void *context, const struct sighting *s, struct err *e)
{
	(void)s;
	++*(int *)context;
	return err_set(e, ERR_LIMIT, "enough");
}

Test(sighting, digests_stay_until_another_is_told)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };
	cleanup_strv struct strv names = { 0 };
	struct sighting s = { .url = "http://h/1", .index = "main" };
	struct seen_digest got;

	cr_assert_eq(strv_add(&names, "main", &e), 0);
	cr_assert_eq(ledger_record(l, "d", &names, &s, 1, 10, &e), 0);
	cr_assert_eq(ledger_sightings(l, "d", keep, &got, &e), 0);
	cr_expect(!got.digest_known && !got.size_known);
	s.digest_known = s.size_known = true;
	s.sha256 = digest_of_text("x");
	s.size = 0;
	cr_assert_eq(ledger_record(l, "d", &names, &s, 1, 20, &e), 0);
	s.digest_known = s.size_known = false;
	cr_assert_eq(ledger_record(l, "d", &names, &s, 1, 30, &e), 0);
	cr_assert_eq(ledger_sightings(l, "d", keep, &got, &e), 0);
	cr_expect(got.digest_known && got.size_known && got.size == 0 && digest_equal(&got.digest, &s.sha256));
}

Test(sighting, a_record_is_whole_or_nothing)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	struct err e = { 0 };
	cleanup_strv struct strv names = { 0 };
	const struct sighting seen[] = { { .url = "http://h/1", .index = "main" }, { .url = "http://h/2", .index = "typo" } };
	const struct sighting broken[] = { { .url = "http://h/1", .index = "main" }, { .url = NULL, .index = "main" } };
	int calls = 0;

	cr_assert_eq(strv_add(&names, "main", &e), 0);
	cr_expect_lt(ledger_record(l, "d", &names, seen, 2, 10, &e), 0);
	cr_expect_eq(e.kind, ERR_USAGE);
	cr_expect_lt(ledger_record(l, "d", &names, broken, 2, 10, &e), 0);
	expect_live(l, "main", 0);
	/* and the ledger is as good as before. */
	record(l, "main", 20, SEEN("main http://h/1", "main http://h/2"));
	expect_live(l, "main", 2);
	cr_expect_lt(ledger_sightings(l, "d", refuse, &calls, &e), 0);
	cr_expect_str_eq(e.message, "enough");
	cr_expect_eq(calls, 1);
	record(l, "main", 30, SEEN("main http://h/1"));
	expect_live(l, "main", 1);
}
