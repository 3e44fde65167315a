#include "crawl/pool.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct number {
	struct pool_task task;
	int value;
};

static void square(struct pool_task *task)
{
	struct number *n = (struct number *)task;

	n->value *= n->value;
}

static atomic_int gate_open;
static atomic_int begun;

static void wait_for_gate(struct pool_task *task)
{
	(void)task;
	atomic_fetch_add(&begun, 1);
	while (!atomic_load(&gate_open))
		sched_yield();
}

Test(pool, gives_every_task_back, .timeout = 20)
{
	enum { COUNT = 500 };
	static struct number numbers[COUNT];
	struct pool *p;
	struct err e;
	int taken = 0, sum = 0;

	cr_assert_eq(pool_new(3, square, &p, &e), 0, "%s", e.message);
	for (int i = 0; i < COUNT; i++) {
		numbers[i].value = i % 7;
		pool_put(p, &numbers[i].task);
	}
	while (taken < COUNT) {
		struct pollfd fd = { .fd = pool_fd(p), .events = POLLIN };
		cr_assert_eq(poll(&fd, 1, 10000), 1, "woken for each");
		for (struct pool_task *task; (task = pool_take(p)); taken++)
			sum += ((struct number *)task)->value;
	}
	int expected = 0;
	for (int i = 0; i < COUNT; i++)
		expected += (i % 7) * (i % 7);
	cr_expect_eq(sum, expected);
	struct pollfd fd = { .fd = pool_fd(p), .events = POLLIN };
	cr_expect_eq(poll(&fd, 1, 0), 0, "nothing is there any more");
	cr_expect_null(pool_free(p));
}

Test(pool, an_early_end_gives_back_what_was_not_begun, .timeout = 20)
{
	enum { COUNT = 40 };
	static struct number numbers[COUNT];
	struct pool *p;
	struct err e;
	int left = 0;

	cr_assert_eq(pool_new(1, wait_for_gate, &p, &e), 0);
	for (int i = 0; i < COUNT; i++)
		pool_put(p, &numbers[i].task);
	while (!atomic_load(&begun))
		sched_yield();
	cr_expect(pool_is_full(p));
	atomic_store(&gate_open, 1);
	for (struct pool_task *task = pool_free(p); task; task = task->next)
		left++;
	cr_expect_eq(left, COUNT);
	cr_expect_null(pool_free(NULL));
}
