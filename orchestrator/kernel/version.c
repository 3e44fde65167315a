#include "kernel/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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

struct deb_version {
	struct span epoch, upstream, revision;
};

static struct deb_version split(const char *text)
{
	const char *end = text + strlen(text);
	struct deb_version v = { .epoch = { text, text } };
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
	struct deb_version va = split(a), vb = split(b);
	int difference = compare_numbers(va.epoch, vb.epoch);
	if (!difference)
		difference = compare_parts(va.upstream, vb.upstream);
	if (!difference)
		difference = compare_parts(va.revision, vb.revision);
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
