#include "kernel/block_note.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

static const char between[] = "; ";

void block_note_release(struct block_note *note)
{
	free(note->reason);
	free(note->expires);
	*note = (struct block_note){ 0 };
}

/* Whole decimal number of `digits` digits, -1 when it is none. */
static int read_digits(const char *text, size_t digits)
{
	int number = 0;

	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = 10 * number + (text[i] - '0');
	}
	return number;
}

static bool is_date(const char *text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (strlen(text) != CLOCK_DATE_LEN || text[4] != '-' || text[7] != '-')
		return false;
	int year = read_digits(text, 4), month = read_digits(text + 5, 2), day = read_digits(text + 8, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* What stands behind the tag, blanks skipped; NULL when the text does not begin with it. */
static const char *behind_tag(const char *text, const char *tag)
{
	size_t len = strlen(tag);

	if (strncasecmp(text, tag, len) != 0)
		return NULL;
	return text + len + strspn(text + len, " \t");
}

static int replace(char **place, const char *text, size_t len, struct err *e)
{
	while (len && strchr(" \t", text[len - 1]))
		len--;
	char *copy = strndup(text, len);
	if (!copy)
		return err_no_memory(e);
	free(*place);
	*place = copy;
	return 0;
}

/* Where the part that begins at text ends: a reason may have "; " in it, but no further tag. */
static size_t part_length(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, between))) {
		const char *next = at + strlen(between);
		if (behind_tag(next, "reason:") || behind_tag(next, "expires:"))
			return (size_t)(at - text);
		at = next;
	}
	return strlen(text);
}

static int read_part(const char *text, size_t len, struct block_note *note, struct err *e)
{
	const char *end = text + len, *reason = behind_tag(text, "reason:"), *expires = behind_tag(text, "expires:");

	if (reason && reason < end)
		return replace(&note->reason, reason, (size_t)(end - reason), e);
	if (reason)
		return err_set(e, ERR_INPUT, "`reason:` without one");
	if (!expires)
		return 0;
	if (replace(&note->expires, expires, expires < end ? (size_t)(end - expires) : 0, e) < 0)
		return -1;
	if (!is_date(note->expires))
		return err_set(e, ERR_INPUT, "expected `expires: YYYY-MM-DD`, found '%.80s'", note->expires);
	return 0;
}

int block_note_read(const char *comment, size_t len, struct block_note *note, struct err *e)
{
	while (len && strchr(" \t#", *comment)) {
		comment++;
		len--;
	}
	cleanup_free char *text = strndup(comment, len);
	if (!text)
		return err_no_memory(e);
	for (const char *at = text; *at;) {
		size_t part = part_length(at);
		if (read_part(at, part, note, e) < 0)
			return -1;
		at += part;
		at += *at ? strlen(between) : 0;
	}
	return 0;
}
