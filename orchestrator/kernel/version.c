#include "kernel/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/buf.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A text within a text. */
struct span {
	const char *at, *end;
};

/* Takes the run of digits at the start, without leading zeros. */
static struct span take_number(struct span *s)
{
	while (s->at < s->end && *s->at == '0')
		s->at++;
	struct span number = { s->at, s->at };
	while (s->at < s->end && is_digit(*s->at))
		s->at++;
	number.end = s->at;
	return number;
}

/* Numbers of any length, so no overflow. */
static int compare_numbers(struct span a, struct span b)
{
	ptrdiff_t a_len = a.end - a.at, b_len = b.end - b.at;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(a.at, b.at, (size_t)a_len);
}

/* deb-version(7): `~` sorts before everything, even the end; then the end (and digits, which end the part), letters, the rest. */
static int weight(const struct span *s)
{
	if (s->at == s->end || is_digit(*s->at))
		return 0;
	if (*s->at == '~')
		return -1;
	unsigned char c = (unsigned char)*s->at;
	return is_letter(*s->at) ? c : c + 256;
}

/* Alternates between non-digit parts by weight and numbers, as deb-version(7) has it for both the upstream version and the
 * revision. */
static int compare_parts(struct span a, struct span b)
{
	while (a.at < a.end || b.at < b.end) {
		while ((a.at < a.end && !is_digit(*a.at)) || (b.at < b.end && !is_digit(*b.at))) {
			int difference = weight(&a) - weight(&b);
			if (difference)
				return difference;
			a.at += a.at < a.end;
			b.at += b.at < b.end;
		}
		int difference = compare_numbers(take_number(&a), take_number(&b));
		if (difference)
			return difference;
	}
	return 0;
}

/* [epoch:]upstream[-revision], as deb and rpm both have it. */
struct version_parts {
	struct span epoch, upstream, revision;
};

static struct version_parts split(const char *text)
{
	const char *end = text + strlen(text);
	struct version_parts v = { .epoch = { text, text } };
	const char *colon = strchr(text, ':');
	if (colon) {
		struct span epoch = { text, colon };
		v.epoch = take_number(&epoch);
		text = colon + 1;
	}
	const char *dash = strrchr(text, '-');
	v.upstream = (struct span){ text, dash ? dash : end };
	v.revision = (struct span){ dash ? dash + 1 : end, end };
	return v;
}

int version_compare_deb(const char *a, const char *b)
{
	struct version_parts va = split(a), vb = split(b);
	int difference = compare_numbers(va.epoch, vb.epoch);
	if (!difference)
		difference = compare_parts(va.upstream, vb.upstream);
	if (!difference)
		difference = compare_parts(va.revision, vb.revision);
	return difference;
}

static bool is_separator(char c)
{
	return !is_digit(c) && !is_letter(c) && c != '~' && c != '^';
}

static void skip_separators(struct span *s)
{
	while (s->at < s->end && is_separator(*s->at))
		s->at++;
}

static bool starts_with(const struct span *s, char c)
{
	return s->at < s->end && *s->at == c;
}

/* What a mark decides where at least one text has it: `before_end` says whether the end of the text is more than it (`~`) or less
 * (`^`). 0: both have it, and it is taken off. */
static int compare_mark(struct span *a, struct span *b, char mark, bool before_end)
{
	bool a_has = starts_with(a, mark), b_has = starts_with(b, mark);
	if (a_has && b_has) {
		a->at++;
		b->at++;
		return 0;
	}
	const struct span *other = a_has ? b : a;
	bool mark_is_less = before_end || other->at < other->end;
	return a_has == mark_is_less ? -1 : 1;
}

static int compare_letters(struct span *a, struct span *b)
{
	while (a->at < a->end && b->at < b->end && is_letter(*a->at) && *a->at == *b->at) {
		a->at++;
		b->at++;
	}
	int ca = a->at < a->end && is_letter(*a->at) ? (unsigned char)*a->at : 0;
	int cb = b->at < b->end && is_letter(*b->at) ? (unsigned char)*b->at : 0;
	return ca - cb;
}

/* One run of digits or letters off each; a number is more than letters. */
static int compare_runs(struct span *a, struct span *b)
{
	bool a_number = is_digit(*a->at), b_number = is_digit(*b->at);
	if (a_number != b_number)
		return a_number ? 1 : -1;
	return a_number ? compare_numbers(take_number(a), take_number(b)) : compare_letters(a, b);
}

static int compare_rpm_parts(struct span a, struct span b)
{
	for (;;) {
		int difference;
		skip_separators(&a);
		skip_separators(&b);
		if (starts_with(&a, '~') || starts_with(&b, '~'))
			difference = compare_mark(&a, &b, '~', true);
		else if (starts_with(&a, '^') || starts_with(&b, '^'))
			difference = compare_mark(&a, &b, '^', false);
		else if (a.at == a.end || b.at == b.end)
			return (a.at < a.end) - (b.at < b.end);
		else
			difference = compare_runs(&a, &b);
		if (difference)
			return difference;
	}
}

int version_compare_rpm(const char *a, const char *b)
{
	struct version_parts va = split(a), vb = split(b);
	int difference = compare_numbers(va.epoch, vb.epoch);
	if (!difference)
		difference = compare_rpm_parts(va.upstream, vb.upstream);
	if (!difference)
		difference = compare_rpm_parts(va.revision, vb.revision);
	return difference;
}

int version_compare_natural(const char *a, const char *b)
{
	struct span sa = { a, a + strlen(a) }, sb = { b, b + strlen(b) };
	while (sa.at < sa.end && sb.at < sb.end) {
		if (is_digit(*sa.at) && is_digit(*sb.at)) {
			int difference = compare_numbers(take_number(&sa), take_number(&sb));
			if (difference)
				return difference;
		} else if (*sa.at != *sb.at) {
			return (unsigned char)*sa.at < (unsigned char)*sb.at ? -1 : 1;
		} else {
			sa.at++;
			sb.at++;
		}
	}
	if (sa.at < sa.end || sb.at < sb.end)
		return sa.at < sa.end ? 1 : -1;
	/* Only leading zeros differ, if anything. */
	return strcmp(a, b);
}

char *version_leading(const char *release, struct err *e)
{
	size_t len = strspn(release, "0123456789.");

	while (len > 0 && release[len - 1] == '.')
		len--;
	return str_printf(e, "%.*s", (int)len, release);
}
