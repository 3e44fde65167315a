#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

/* A text of len bytes, all the same. */
static const char *long_text(char c, size_t len)
{
	static char text[4096];

	memset(text, c, len);
	text[len] = '\0';
	return text;
}

Test(err, set_fills_kind_and_message)
{
	struct err e = { .errnum = 7 };

	cr_expect_eq(err_set(&e, ERR_CORRUPT, "member '%s' ends %d bytes early", "a.ko", 3), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT);
	cr_expect_eq(e.errnum, 0);
	cr_expect_str_eq(e.message, "member 'a.ko' ends 3 bytes early");
	cr_expect_eq(err_set(NULL, ERR_USAGE, "nobody listens"), -1);
}

Test(err, a_long_message_is_cut_visibly)
{
	struct err e;

	err_set(&e, ERR_INPUT, "%s", long_text('x', 3000));
	cr_expect_eq(strlen(e.message), ERR_MESSAGE_MAX - 1);
	cr_expect_str_eq(e.message + ERR_MESSAGE_MAX - 5, "x...");
}

Test(err, system_says_why)
{
	struct err e;
	char expected[256];

	cr_expect_eq(err_system(&e, EACCES, "opening '%s'", "/x"), -1);
	snprintf(expected, sizeof(expected), "opening '/x': %s", strerror(EACCES));
	cr_expect_str_eq(e.message, expected);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(e.errnum, EACCES);
	cr_expect_eq(err_no_memory(&e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect_eq(e.errnum, ENOMEM);
}

Test(err, system_keeps_the_reason_of_a_long_subject)
{
	struct err e;

	err_system(&e, ENOSPC, "writing '%s'", long_text('p', 2000));
	const char *why = strerror(ENOSPC);
	cr_expect_lt(strlen(e.message), ERR_MESSAGE_MAX);
	cr_expect_str_eq(e.message + strlen(e.message) - strlen(why), why);
}

Test(err, wrap_puts_context_before)
{
	struct err e;

	err_set(&e, ERR_TEMPORARY, "503");
	cr_expect_eq(err_wrap(&e, "fetching '%s'", "u"), -1);
	cr_expect_eq(err_wrap(&e, "kernel '%d'", 6), -1);
	cr_expect_str_eq(e.message, "kernel '6': fetching 'u': 503");
	cr_expect_eq(e.kind, ERR_TEMPORARY);
	cr_expect_eq(err_wrap(NULL, "nobody"), -1);
}

Test(err, wrap_cuts_the_context_not_the_reason)
{
	struct err e;

	err_set(&e, ERR_CHECK, "the reason");
	for (int i = 0; i < 8; i++)
		err_wrap(&e, "%s", long_text((char)('a' + i), 500));
	size_t len = strlen(e.message);
	cr_expect_lt(len, ERR_MESSAGE_MAX);
	cr_expect_str_eq(e.message + len - strlen(": the reason"), ": the reason");
}

Test(err, wrap_leaves_a_full_message_alone)
{
	struct err e;

	err_set(&e, ERR_CHECK, "first words %s", long_text('x', 3000));
	for (int i = 0; i < 5; i++)
		err_wrap(&e, "context");
	cr_expect_eq(strncmp(e.message, "first words ", 12), 0, "%.20s", e.message);
	cr_expect_str_eq(e.message + strlen(e.message) - 3, "...");
}

Test(err, wrapping_may_quote_its_own_message)
{
	struct err e;

	err_set(&e, ERR_INPUT, "inner");
	err_wrap(&e, "'%s'", e.message);
	cr_expect_str_eq(e.message, "'inner': inner");
}

Test(err, append_puts_detail_behind)
{
	struct err e;

	err_set(&e, ERR_FAILED, "'cc' exited with code 1");
	cr_expect_eq(err_append(&e, "%s", "x.c:1: no"), -1);
	cr_expect_str_eq(e.message, "'cc' exited with code 1: x.c:1: no");
	cr_expect_eq(e.kind, ERR_FAILED);
	err_append(&e, "%s", long_text('y', 3000));
	cr_expect_eq(strlen(e.message), ERR_MESSAGE_MAX - 1);
	err_append(&e, "more");
	cr_expect_eq(strlen(e.message), ERR_MESSAGE_MAX - 1);
	cr_expect_eq(strncmp(e.message, "'cc' exited with code 1: x.c:1: no: yyy", 39), 0);
}

Test(err, every_kind_has_a_name_of_its_own)
{
	for (int a = 0; a < ERR_KIND_COUNT; a++) {
		cr_assert_not_null(err_kind_name((enum err_kind)a), "%d", a);
		for (int b = 0; b < a; b++)
			cr_expect_str_neq(err_kind_name((enum err_kind)a), err_kind_name((enum err_kind)b));
	}
	cr_expect_str_eq(err_kind_name((enum err_kind)1000), "unknown");
}

Test(err, clear_makes_it_none)
{
	struct err e;

	err_system(&e, EIO, "x");
	err_clear(&e);
	cr_expect_eq(e.kind, ERR_NONE);
	cr_expect_eq(e.errnum, 0);
	cr_expect_str_empty(e.message);
}

struct heard {
	unsigned lines;
	enum log_level level;
	char last[4096];
};

static void hear(void *context, enum log_level level, const char *line)
{
	struct heard *h = context;

	h->lines++;
	h->level = level;
	snprintf(h->last, sizeof(h->last), "%s", line);
}

Test(log, drops_lines_above_its_level)
{
	static struct heard h;
	struct log log = { hear, &h, LOG_WARNING };

	log_printf(&log, LOG_INFO, "too fine");
	cr_expect_eq(h.lines, 0);
	log_printf(&log, LOG_WARNING, "kernel '%s'", "a");
	log_printf(&log, LOG_ERROR, "worse");
	cr_expect_eq(h.lines, 2);
	cr_expect_eq(h.level, LOG_ERROR);
	cr_expect_str_eq(h.last, "worse");
}

Test(log, is_silent_without_anybody)
{
	struct log log = { NULL, NULL, LOG_DEBUG };

	log_printf(NULL, LOG_ERROR, "x");
	log_printf(&log, LOG_ERROR, "x");
}

Test(log, holds_a_whole_error_message)
{
	static struct heard h;
	struct log log = { hear, &h, LOG_DEBUG };
	struct err e;

	err_set(&e, ERR_INPUT, "%s", long_text('z', ERR_MESSAGE_MAX - 1));
	log_printf(&log, LOG_ERROR, "kernel 'x': %s", e.message);
	cr_expect_eq(strlen(h.last), strlen("kernel 'x': ") + ERR_MESSAGE_MAX - 1);
}
