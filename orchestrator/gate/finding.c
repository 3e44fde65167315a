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

void finding_add(struct object_report *r, const char *what, const char *expected, const char *format, ...)
{
	char found[256];
	va_list args;

	if (r->finding_count == FINDINGS_MAX)
		return;
	struct finding *f = &r->findings[r->finding_count++];
	va_start(args, format);
	int n = vsnprintf(found, sizeof(found), format, args);
	va_end(args);
	copy_printable(f->what, sizeof(f->what), what, strlen(what));
	copy_printable(f->expected, sizeof(f->expected), expected, strlen(expected));
	copy_printable(f->found, sizeof(f->found), found, n < 0 ? 0 : strlen(found));
}
