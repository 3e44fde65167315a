#include "prove/tap.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* The last test of each kind. */
static const char last_test[] = "taint";

static void copy_text(char *to, size_t room, const char *from, size_t len)
{
	size_t n = len < room - 1 ? len : room - 1;

	memcpy(to, from, n);
	to[n] = '\0';
}

/* Takes a decimal number off the front; false: there is none, or a huge one. */
static bool take_number(const char **text, unsigned long long *ret)
{
	struct err ignored;
	char digits[21];
	size_t len = strspn(*text, "0123456789");

	if (len == 0 || len >= sizeof(digits))
		return false;
	copy_text(digits, sizeof(digits), *text, len);
	*text += len;
	return str_to_u64(digits, UINT64_MAX, ret, &ignored) == 0;
}

static int find_kind(const char *word, size_t len)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (strlen(kind_name(kind)) == len && memcmp(kind_name(kind), word, len) == 0)
			return kind;
	return -1;
}

static struct tap_kind *take_kind(struct tap *t, const char **text)
{
	size_t len = strcspn(*text, " ");
	int kind = find_kind(*text, len);
	const char *rest = *text + len;

	*text = rest + strspn(rest, " ");
	return kind >= 0 ? &t->kinds[kind] : &t->guest;
}

/* `N - KIND WHAT` or `N - KIND WHAT: DETAIL` */
static bool take_test(struct tap *t, const char *text, bool good)
{
	unsigned long long number;

	if (!take_number(&text, &number) || number != t->tests + 1ull || number > TAP_TESTS_MAX || !str_starts(text, " - "))
		return false;
	text += strlen(" - ");
	struct tap_kind *kind = take_kind(t, &text);
	size_t what = strcspn(text, ":");
	const char *detail = text[what] ? text + what + 1 + strspn(text + what + 1, " ") : "";

	if (what == 0)
		return false;
	t->tests++;
	kind->tests++;
	if (what == strlen(last_test) && memcmp(text, last_test, what) == 0)
		kind->ended = true;
	if (good)
		return true;
	if (kind->failed++ == 0) {
		copy_text(kind->finding, sizeof(kind->finding), text, what);
		copy_text(kind->detail, sizeof(kind->detail), detail, strlen(detail));
	}
	return true;
}

/* Other notes are for people. */
static void take_note(struct tap *t, const char *text)
{
	unsigned long long events;

	if (str_starts(text, "begin ")) {
		int kind = find_kind(text + strlen("begin "), strlen(text) - strlen("begin "));
		if (kind >= 0) {
			t->kinds[kind].begun = true;
			t->current = kind;
		}
		return;
	}
	size_t len = strcspn(text, " ");
	int kind = find_kind(text, len);
	if (kind < 0 || !str_starts(text + len, " events "))
		return;
	const char *number = text + len + strlen(" events ");
	if (take_number(&number, &events) && !*number)
		t->kinds[kind].events = events;
}

static bool take_plan(struct tap *t, const char *text)
{
	unsigned long long last;

	if (!take_number(&text, &last) || *text)
		return false;
	t->complete = last == t->tests && !t->broken;
	return t->complete;
}

static void take_line(struct tap *t)
{
	const char *line = t->line;
	bool good = true;

	if (t->len == 0)
		return;
	if (!t->version) {
		/* Before it, a serial line may carry anything. */
		t->version = strcmp(line, "TAP version 13") == 0;
		t->current = -1;
		return;
	}
	if (t->complete)
		good = false;
	else if (str_starts(line, "ok "))
		good = take_test(t, line + strlen("ok "), true);
	else if (str_starts(line, "not ok "))
		good = take_test(t, line + strlen("not ok "), false);
	else if (str_starts(line, "1.."))
		good = take_plan(t, line + strlen("1.."));
	else if (str_starts(line, "# "))
		take_note(t, line + strlen("# "));
	else
		good = false;
	if (!good || t->cut) {
		t->broken = true;
		t->complete = false;
	}
}

void tap_feed(struct tap *t, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes, *end = p + len; p < end; p++) {
		if (*p == '\r')
			continue;
		if (*p == '\n') {
			t->line[t->len] = '\0';
			take_line(t);
			t->len = 0;
			t->cut = false;
			continue;
		}
		if (t->len == TAP_LINE_MAX - 1) {
			t->cut = true;
			continue;
		}
		t->line[t->len++] = *p >= 0x20 && *p < 0x7f ? (char)*p : '?';
	}
}
