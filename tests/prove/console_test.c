#include "prove/console.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void feed(struct console *c, const char *text)
{
	console_feed(c, text, strlen(text));
}

Test(console, keeps_the_end)
{
	struct console c = { 0 };
	cleanup_strv struct strv tail = { 0 };
	struct err e;
	char line[64];

	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "[    1.%06d] line %d\r\n", i, i);
		feed(&c, line);
	}
	cr_assert_eq(console_tail(&c, &tail, &e), 0);
	cr_assert_eq(tail.len, CONSOLE_LINES);
	cr_expect_str_eq(tail.items[0], "[    1.000976] line 976");
	cr_expect_str_eq(console_last(&c), "line 999");
	cr_expect_str_eq(c.trouble, "");
	feed(&c, "and then no");
	cr_expect_str_eq(console_last(&c), "and then no");
}

Test(console, the_first_trouble_is_the_cause)
{
	struct console c = { 0 };

	feed(&c, "[    2.1] fine\n[    2.2] BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
		 "[    2.3] Oops: 0002 [#1] PREEMPT SMP PTI\n[    2.4] Kernel panic - not syncing: Fatal exception\n");
	cr_expect_str_eq(c.trouble, "BUG: kernel NULL pointer dereference, address: 0000000000000000");
}

Test(console, only_what_can_be_shown)
{
	struct console c = { 0 };
	char flood[5000];

	feed(&c, "\033[31mred\001\n\n\n");
	cr_expect_str_eq(console_last(&c), "?[31mred?");
	memset(flood, 'x', sizeof(flood));
	console_feed(&c, flood, sizeof(flood));
	console_feed(&c, flood, sizeof(flood));
	cr_expect_eq(strlen(console_last(&c)), CONSOLE_LINE_MAX - 1);
	/* Nothing at all, and nothing but blanks. */
	struct console empty = { 0 };
	cr_expect_str_eq(console_last(&empty), "");
	feed(&empty, "   \n \n");
	cr_expect_str_eq(console_last(&empty), "");
}
