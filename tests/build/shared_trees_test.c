#include "build/shared_trees.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

enum { WAITERS = 2, SOON_MS = 200 };

static struct shared_trees *trees_new(unsigned jobs, const char *need)
{
	struct shared_trees *t = NULL;
	struct err e;

	cr_assert_eq(shared_trees_new(&t, &e), 0, "%s", e.message);
	for (unsigned i = 0; i < jobs; i++)
		cr_assert_eq(shared_trees_expect(t, need, &e), 0, "%s", e.message);
	return t;
}

/* Of a job that must make the tree. */
static struct shared_place *begin(struct shared_trees *t, const char *container, const char *need)
{
	struct shared_place *place = NULL;
	struct err e;

	cr_assert_eq(shared_trees_get(t, container, "/work/common_1", need, 7, 0, &place, &e), 1, "%s", e.message);
	return place;
}

/* Of one that finds it there. */
static struct shared_place *find_made(struct shared_trees *t, const char *container, const char *need)
{
	struct shared_place *place = NULL;
	struct err e;

	cr_assert_eq(shared_trees_get(t, container, "/work/common_1", need, 8, 0, &place, &e), 0, "%s", e.message);
	return place;
}

static void expect_none_unneeded(struct shared_trees *t)
{
	struct shared_place *place;

	cr_expect_eq(shared_trees_unneeded(t, &place), 0);
}

static void expect_unneeded(struct shared_trees *t, const char *container)
{
	struct shared_place *place = NULL;

	cr_assert_eq(shared_trees_unneeded(t, &place), 1);
	cr_expect_str_eq(place->container, container);
	cr_expect_str_eq(place->path, "/work/common_1");
	cr_expect_eq(place->slot, 7, "who made it removes it");
	shared_trees_removed(t, place);
}

/* A job in a thread of its own that asks for the tree of "box". */
struct asker {
	struct shared_trees *trees;
	int64_t deadline_ms;
	pthread_t thread;
	int result;
	struct shared_place *place;
	struct err e;
};

static void *ask(void *context)
{
	struct asker *a = context;

	a->result = shared_trees_get(a->trees, "box", "/work/common_1", "need", 9, a->deadline_ms, &a->place, &a->e);
	return NULL;
}

/* They are given time to get where they wait; one that comes later gets the same answer but for failures, which the maker's
 * end decides. */
static void start_askers(struct asker askers[], struct shared_trees *t)
{
	const struct timespec soon = { .tv_nsec = SOON_MS * 1000000L };

	for (int i = 0; i < WAITERS; i++) {
		askers[i] = (struct asker){ .trees = t, .result = 99 };
		cr_assert_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	}
	nanosleep(&soon, NULL);
}

static void join_askers(struct asker askers[])
{
	for (int i = 0; i < WAITERS; i++)
		cr_assert_eq(pthread_join(askers[i].thread, NULL), 0);
}

Test(shared_trees, one_makes_it_and_all_use_it, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(3, "need");
	struct shared_place *place = begin(t, "box", "need");
	struct asker askers[WAITERS];

	start_askers(askers, t);
	for (int i = 0; i < WAITERS; i++)
		cr_expect_eq(askers[i].result, 99, "nobody goes on before it is there");
	shared_trees_made(t, place);
	join_askers(askers);
	for (int i = 0; i < WAITERS; i++) {
		cr_expect_eq(askers[i].result, 0);
		cr_expect_eq(askers[i].place, place);
	}
}

Test(shared_trees, a_failure_is_for_those_who_waited, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(4, "need");
	struct shared_place *place = begin(t, "box", "need"), *elsewhere = begin(t, "other box", "need");
	struct asker askers[WAITERS];
	struct err why;

	start_askers(askers, t);
	err_set(&why, ERR_CORRUPT, "package 'c.deb': xz data is damaged");
	shared_trees_failed(t, place, &why);
	join_askers(askers);
	for (int i = 0; i < WAITERS; i++) {
		cr_expect_eq(askers[i].result, -1);
		cr_expect_eq(askers[i].e.kind, ERR_CORRUPT);
		cr_expect_str_eq(askers[i].e.message, "package 'c.deb': xz data is damaged");
	}
	shared_trees_made(t, elsewhere);
	shared_trees_put(t, find_made(t, "other box", "need"));
	/* The next to ask tries anew. */
	shared_trees_made(t, begin(t, "box", "need"));
}

Test(shared_trees, a_tree_goes_after_its_last_job)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(2, "need");
	struct shared_place *place = begin(t, "box", "need");
	struct err e;

	cr_assert_eq(shared_trees_expect(t, "another", &e), 0);
	shared_trees_made(t, place);
	shared_trees_put(t, place);
	shared_trees_leave(t, "need");
	expect_none_unneeded(t);
	place = find_made(t, "box", "need");
	shared_trees_leave(t, "need");
	expect_none_unneeded(t); /* it is in use */
	shared_trees_put(t, place);
	expect_unneeded(t, "box");
	expect_none_unneeded(t);
}

Test(shared_trees, a_job_that_never_came_counts_too)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(2, "need");
	struct shared_place *place = begin(t, "box", "need");
	struct err e;

	cr_assert_eq(shared_trees_expect(t, "another", &e), 0);
	shared_trees_made(t, place);
	shared_trees_put(t, place);
	shared_trees_leave(t, "need");
	shared_trees_leave(t, "need"); /* its packages could not be had */
	expect_unneeded(t, "box");
}

Test(shared_trees, the_last_go_with_their_builders)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(1, "need");
	struct shared_place *place = begin(t, "box", "need");

	shared_trees_made(t, place);
	shared_trees_put(t, place);
	shared_trees_leave(t, "need");
	expect_none_unneeded(t);
}

Test(shared_trees, who_asks_during_a_removal_makes_it_anew, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(1, "another");
	struct shared_place *place = begin(t, "box", "need");
	struct asker askers[WAITERS];

	shared_trees_made(t, place);
	shared_trees_put(t, place);
	cr_assert_eq(shared_trees_unneeded(t, &place), 1);
	start_askers(askers, t);
	for (int i = 0; i < WAITERS; i++)
		cr_expect_eq(askers[i].result, 99);
	shared_trees_removed(t, place);
	/* One of them becomes maker; the other waits for it. */
	const struct timespec soon = { .tv_nsec = SOON_MS * 1000000L };
	nanosleep(&soon, NULL);
	struct asker *maker = askers[0].result == 1 ? &askers[0] : &askers[1];
	cr_assert_eq(maker->result, 1);
	shared_trees_made(t, maker->place);
	join_askers(askers);
	cr_expect_eq(askers[0].result + askers[1].result, 1);
}

Test(shared_trees, a_replaced_builder_has_none)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(1, "another");
	struct shared_place *idle = begin(t, "box", "need");
	struct shared_place *place = NULL;
	struct err e;

	shared_trees_made(t, idle);
	shared_trees_put(t, idle);
	struct shared_place *used = begin(t, "second box", "need");
	shared_trees_made(t, used);
	shared_trees_forget(t, "box");
	shared_trees_forget(t, "second box");
	expect_none_unneeded(t);
	cr_expect_eq(shared_trees_get(t, "second box", "/work/common_1", "need", 1, 0, &place, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY, "worth another try, in another builder");
	shared_trees_put(t, used);
	expect_none_unneeded(t);
	shared_trees_made(t, begin(t, "third box", "need"));
}

Test(shared_trees, a_builder_that_dies_while_it_is_made_fails_all, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(3, "need");
	struct shared_place *place = begin(t, "box", "need");
	struct asker askers[WAITERS];
	struct err why;

	start_askers(askers, t);
	shared_trees_forget(t, "box");
	err_set(&why, ERR_TEMPORARY, "the builder died");
	shared_trees_failed(t, place, &why);
	join_askers(askers);
	for (int i = 0; i < WAITERS; i++) {
		cr_expect_eq(askers[i].result, -1);
		cr_expect_eq(askers[i].e.kind, ERR_TEMPORARY);
	}
}

Test(shared_trees, a_cancelled_run_waits_for_nobody, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(3, "need");
	struct shared_place *place = begin(t, "box", "need"), *none = NULL;
	struct asker askers[WAITERS];
	struct err e;

	start_askers(askers, t);
	shared_trees_stop(t);
	join_askers(askers);
	for (int i = 0; i < WAITERS; i++) {
		cr_expect_eq(askers[i].result, -1);
		cr_expect_eq(askers[i].e.kind, ERR_CANCELLED);
	}
	cr_expect_eq(shared_trees_get(t, "other box", "/work/common_1", "need", 1, 0, &none, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	err_set(&e, ERR_CANCELLED, "cancelled");
	shared_trees_failed(t, place, &e);
}

Test(shared_trees, waiting_ends_with_the_kernels_time, .timeout = 60)
{
	cleanup_of(shared_trees) struct shared_trees *t = trees_new(2, "need");
	struct shared_place *place = begin(t, "box", "need"), *none = NULL;
	int64_t deadline_ms = clock_now_ms() + SOON_MS;
	struct err e;

	cr_expect_eq(shared_trees_get(t, "box", "/work/common_1", "need", 1, deadline_ms, &none, &e), -1);
	cr_expect_eq(e.kind, ERR_TIMEOUT, "%s", e.message);
	cr_expect_geq(clock_now_ms(), deadline_ms);
	shared_trees_made(t, place);
}
