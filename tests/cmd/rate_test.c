#include "cmd/rate.h"

#include <criterion/criterion.h>

Test(rate, knows_nothing_at_first)
{
	struct rate r = { 0 };

	cr_expect_eq(rate_now(&r, 1000), 0);
	cr_expect_eq(rate_seconds_left(&r, 1000, 0, 100), -1);
	rate_note(&r, 1000, 500);
	cr_expect_eq(rate_now(&r, 1100), 0);
}

Test(rate, steady_whatever_the_spacing_of_the_notes)
{
	static const int spacings[] = { 20, 200, 700, 3000 };

	for (size_t i = 0; i < sizeof(spacings) / sizeof(spacings[0]); i++) {
		struct rate r = { 0 };
		int64_t now = 5000;
		for (; now < 65000; now += spacings[i])
			rate_note(&r, now, (uint64_t)(now - 5000) * 1000);
		uint64_t rate = rate_now(&r, now - spacings[i]);
		cr_expect(rate > 990000 && rate < 1010000, "%d ms: %llu", spacings[i], (unsigned long long)rate);
		cr_expect_eq(rate_seconds_left(&r, now - spacings[i], 10000000, 20000000), 10, "%d ms", spacings[i]);
	}
}

/* What was fast a minute ago and stands now must not promise an end. */
Test(rate, follows_a_change)
{
	struct rate r = { 0 };

	for (int i = 0; i < 100; i++)
		rate_note(&r, i * 500, (uint64_t)i * 5000000);
	cr_expect_gt(rate_now(&r, 49500), 9000000);
	for (int i = 0; i < 20; i++)
		rate_note(&r, 50000 + i * 500, 495000000 + (uint64_t)i * 500);
	cr_expect_lt(rate_now(&r, 59500), 2000);
	cr_expect_lt(rate_now(&r, 10000000), 2);
}

Test(rate, begins_anew_when_something_else_begins)
{
	struct rate r = { 0 };

	rate_note(&r, 0, 0);
	rate_note(&r, 10000, 1000000);
	rate_note(&r, 11000, 0);
	cr_expect_eq(rate_now(&r, 11000), 0);
	rate_note(&r, 12000, 5000);
	cr_expect_eq(rate_now(&r, 12000), 5000);
}

Test(rate, an_end_that_is_passed_is_none)
{
	struct rate r = { 0 };

	rate_note(&r, 0, 0);
	rate_note(&r, 1000, 2000);
	cr_expect_eq(rate_seconds_left(&r, 1000, 2000, 2000), 0);
	cr_expect_eq(rate_seconds_left(&r, 1000, 2000, 1000), -1);
}
