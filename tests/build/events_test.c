#include <criterion/criterion.h>
#include <string.h>

#include "build/events.h"

Test(events, verdicts_have_names_of_their_own)
{
	for (int a = 0; a < VERDICT_COUNT; a++)
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(verdict_name((enum verdict)a), verdict_name((enum verdict)b));
	cr_expect_str_eq(verdict_name(VERDICT_PLANNED), "planned");
	cr_expect_str_eq(verdict_name(VERDICT_FAILED), "failed");
}

static void count(void *context, const struct event *event)
{
	*(unsigned *)context += event->total;
}

Test(events, go_to_whoever_listens)
{
	unsigned total = 0;
	const struct listener listener = { count, &total }, deaf = { 0 };
	const struct event event = { .kind = EVENT_PLANNED, .total = 3 };

	event_send(&listener, &event);
	event_send(&listener, &event);
	event_send(&deaf, &event);
	event_send(NULL, &event);
	cr_expect_eq(total, 6);
}
