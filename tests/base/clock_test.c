#include <criterion/criterion.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "base/cancel.h"
#include "base/clock.h"

Test(clock, never_goes_back)
{
	int64_t last = clock_now_ms();

	for (int i = 0; i < 10000; i++) {
		int64_t now = clock_now_ms();
		cr_assert_geq(now, last);
		last = now;
	}
}

Test(clock, measures_real_time)
{
	int64_t start = clock_now_ms();

	poll(NULL, 0, 50);
	int64_t took = clock_now_ms() - start;
	cr_expect(took >= 49 && took < 5000, "%lld", (long long)took);
}

Test(clock, poll_timeout)
{
	int64_t now = clock_now_ms();

	cr_expect_eq(clock_poll_timeout(0), -1);
	cr_expect_eq(clock_poll_timeout(now - 1), 0);
	cr_expect_eq(clock_poll_timeout(now - 1000000), 0);
	int left = clock_poll_timeout(now + 10000);
	cr_expect(left > 5000 && left <= 10000, "%d", left);
	cr_expect_eq(clock_poll_timeout(now + 10ll * INT_MAX), INT_MAX);
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

Test(cancel, is_seen_by_flag_check_and_poll)
{
	struct cancel c;
	struct err e = { .kind = ERR_NONE };

	cr_assert_eq(cancel_init(&c, &e), 0);
	cr_expect_not(cancel_is_set(&c));
	cr_expect_eq(cancel_check(&c, &e), 0);
	cr_expect_not(is_readable(cancel_fd(&c)));
	for (int i = 0; i < 3; i++)
		cancel_set(&c);
	cr_expect(cancel_is_set(&c));
	cr_expect(is_readable(cancel_fd(&c)));
	cr_expect(is_readable(cancel_fd(&c)), "it stays readable");
	cr_expect_eq(cancel_check(&c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_str_eq(e.message, "cancelled");
	cancel_release(&c);
	cancel_release(&c);
}

Test(cancel, null_is_never_cancelled)
{
	struct err e;

	cr_expect_not(cancel_is_set(NULL));
	cr_expect_eq(cancel_check(NULL, &e), 0);
	cr_expect_eq(cancel_fd(NULL), -1);
	cancel_release(NULL);
}

static struct cancel from_handler;

static void on_alarm(int signal)
{
	(void)signal;
	cancel_set(&from_handler);
}

Test(cancel, may_be_set_in_a_signal_handler)
{
	struct err e;
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };

	cr_assert_eq(cancel_init(&from_handler, &e), 0);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	struct pollfd p = { .fd = cancel_fd(&from_handler), .events = POLLIN };
	while (poll(&p, 1, 5000) < 0)
		;
	cr_expect(p.revents & POLLIN);
	cr_expect(cancel_is_set(&from_handler));
	cancel_release(&from_handler);
}

static void *set_it(void *c)
{
	cancel_set(c);
	return NULL;
}

Test(cancel, wakes_another_thread)
{
	struct cancel c;
	struct err e;
	pthread_t thread;

	cr_assert_eq(cancel_init(&c, &e), 0);
	cr_assert_eq(pthread_create(&thread, NULL, set_it, &c), 0);
	struct pollfd p = { .fd = cancel_fd(&c), .events = POLLIN };
	cr_expect_eq(poll(&p, 1, 5000), 1);
	pthread_join(thread, NULL);
	cancel_release(&c);
}
