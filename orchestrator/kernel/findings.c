#include "kernel/findings.h"

#include <stdio.h>

int findings_add(struct findings *f, unsigned line, struct err *e, const char *format, ...)
{
	char problem[ERR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(problem, sizeof(problem), format, args);
	va_end(args);
	if (f->count++ == 0)
		(void)err_set(&f->first, ERR_INPUT, "%s:%u: %s", f->name, line, problem);
	if (!f->texts || f->count > FINDINGS_MAX)
		return 0;
	return strv_take(f->texts, str_printf(e, "%s:%u: %s", f->name, line, problem), e);
}

int findings_end(const struct findings *f, struct err *e)
{
	if (!f->count)
		return 0;
	if (e)
		*e = f->first;
	return f->count > 1 ? err_append(e, "and %zu more", f->count - 1) : -1;
}
