#include <ctype.h>
#include <elf.h>
#include <string.h>

#include "base/cleanup.h"
#include "gate/module.h"

/* A run of printable bytes that ends with a NUL. */
struct text {
	const char *at;
	size_t len;
};

static bool is_in_path(char c)
{
	return isalnum((unsigned char)c) || strchr("/._-+~", c);
}

/* The absolute path of a source, as __FILE__ has it (every WARN_ON does). Below the directory where builders work (images/build.sh)
 * it is the same in every build, hence no fault. */
static bool is_source_path(const struct text *t)
{
	static const char *const endings[] = { ".c", ".h", ".S", ".o" };
	static const char builders[] = "/work/";

	if (t->len < 4 || t->at[0] != '/')
		return false;
	if (t->len > strlen(builders) && memcmp(t->at, builders, strlen(builders)) == 0)
		return false;
	for (size_t i = 0; i < t->len; i++)
		if (!is_in_path(t->at[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (memcmp(t->at + t->len - 2, endings[i], 2) == 0)
			return true;
	return false;
}

/* 'D' a digit, 'B' a blank or a digit, everything else itself. */
static bool has_shape(const char *at, const char *shape)
{
	for (; *shape; shape++, at++) {
		bool digit = isdigit((unsigned char)*at);
		if (*shape == 'D' ? !digit : *shape == 'B' ? !digit && *at != ' ' : *at != *shape)
			return false;
	}
	return true;
}

/* "Nov  4 2026", as C says it: 7.1.4, __DATE__. */
static bool is_date(const char *at)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t i = 0; i < 12; i++)
		if (memcmp(at, months + 3 * i, 3) == 0)
			return has_shape(at + 3, " BD DDDD");
	return false;
}

static bool is_build_time(const struct text *t)
{
	enum { DATE = 11, TIME = 8 };
	static const char time[] = "DD:DD:DD";

	switch (t->len) {
	case TIME:
		return has_shape(t->at, time);
	case DATE:
		return is_date(t->at);
	case DATE + 1 + TIME:
		return (is_date(t->at) && t->at[DATE] == ' ' && has_shape(t->at + DATE + 1, time)) ||
		       (has_shape(t->at, time) && t->at[TIME] == ' ' && is_date(t->at + TIME + 1));
	default:
		return false;
	}
}

static void check_text(const struct module *m, const struct section *s, const struct text *t)
{
	char shown[120];

	copy_printable(shown, sizeof(shown), t->at, t->len);
	if (is_source_path(t))
		finding_add(m->report, "build path", "no path of the machine where it was built", "'%s' in %s", shown, s->name);
	if (is_build_time(t))
		finding_add(m->report, "build time", "nothing of when it was built", "'%s' in %s", shown, s->name);
}

static void check_section(const struct module *m, const struct section *s)
{
	const char *end = s->bytes + s->len, *start = s->bytes;

	for (const char *p = s->bytes; p < end; p++) {
		if (isprint((unsigned char)*p))
			continue;
		struct text t = { start, (size_t)(p - start) };
		start = p + 1;
		if (*p != '\0' || t.len == 0)
			continue;
		/* What stands behind a key. */
		const char *equals = s == m->modinfo ? memchr(t.at, '=', t.len) : NULL;
		if (equals)
			t = (struct text){ equals + 1, (size_t)(p - equals - 1) };
		check_text(m, s, &t);
	}
}

void module_check_texts(const struct module *m)
{
	for (size_t i = 0; i < m->list->count; i++) {
		const struct section *s = &m->list->items[i];
		if (s->type == SHT_PROGBITS && s->bytes && (s->flags & SHF_ALLOC) && !(s->flags & SHF_EXECINSTR))
			check_section(m, s);
	}
}
