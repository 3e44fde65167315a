#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gate/checks.h"

void copy_printable(char *ret, size_t room, const char *bytes, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < room; n++)
		ret[n] = bytes[n] >= 0x20 && bytes[n] < 0x7f ? bytes[n] : '?';
	ret[n] = '\0';
}

static bool is_known(const struct object_report *r, const struct finding *f)
{
	for (const struct finding *k = r->findings; k < r->findings + r->finding_count; k++)
		if (strcmp(k->what, f->what) == 0 && strcmp(k->expected, f->expected) == 0 && strcmp(k->found, f->found) == 0)
			return true;
	return false;
}

void finding_add(struct object_report *r, const char *what, const char *expected, const char *format, ...)
{
	char found[256];
	va_list args;

	if (r->finding_count == FINDINGS_MAX)
		return;
	struct finding *f = &r->findings[r->finding_count];
	va_start(args, format);
	int n = vsnprintf(found, sizeof(found), format, args);
	va_end(args);
	copy_printable(f->what, sizeof(f->what), what, strlen(what));
	copy_printable(f->expected, sizeof(f->expected), expected, strlen(expected));
	copy_printable(f->found, sizeof(f->found), found, n < 0 ? 0 : strlen(found));
	r->finding_count += !is_known(r, f);
}
