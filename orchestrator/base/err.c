#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[ERR_KIND_COUNT] = {
	[ERR_NONE] = "none",	       [ERR_SYSTEM] = "system",		  [ERR_USAGE] = "usage",
	[ERR_INPUT] = "input",	       [ERR_NOT_FOUND] = "not-found",	  [ERR_CONFLICT] = "conflict",
	[ERR_CORRUPT] = "corrupt",     [ERR_HOSTILE] = "hostile",	  [ERR_LIMIT] = "limit",
	[ERR_TEMPORARY] = "temporary", [ERR_UNREACHABLE] = "unreachable", [ERR_PROTOCOL] = "protocol",
	[ERR_TIMEOUT] = "timeout",     [ERR_CANCELLED] = "cancelled",	  [ERR_FAILED] = "failed",
	[ERR_CHECK] = "check",
};

const char *err_kind_name(enum err_kind kind)
{
	if (kind < 0 || kind >= ERR_KIND_COUNT)
		return "unknown";
	return kind_names[kind];
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->kind = ERR_NONE;
	e->errnum = 0;
	e->message[0] = '\0';
}

/* vsnprintf that keeps what fits; the cut is visible. */
static void format_message(char *out, size_t size, const char *format, va_list args)
{
	int n = vsnprintf(out, size, format, args);
	if (n < 0)
		out[0] = '\0';
	else if ((size_t)n >= size && size > 4)
		memcpy(out + size - 4, "...", 4);
}

int err_set(struct err *e, enum err_kind kind, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	e->kind = kind;
	e->errnum = 0;
	va_start(args, format);
	format_message(e->message, sizeof(e->message), format, args);
	va_end(args);
	return -1;
}

int err_system(struct err *e, int errnum, const char *format, ...)
{
	char text[ERR_MESSAGE_MAX], reason[128];
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	format_message(text, sizeof(text), format, args);
	va_end(args);
	e->kind = ERR_SYSTEM;
	e->errnum = errnum;
	/* The GNU strerror_r returns the text, which need not be in the buffer. */
	const char *why = strerror_r(errnum, reason, sizeof(reason));
	size_t room = sizeof(e->message) - strlen(why) - 3;
	snprintf(e->message, sizeof(e->message), "%.*s: %s", (int)room, text, why);
	return -1;
}

enum { CONTEXT_LEAST = 16 };

int err_wrap(struct err *e, const char *format, ...)
{
	char text[ERR_MESSAGE_MAX], inner[ERR_MESSAGE_MAX];
	va_list args;

	if (!e)
		return -1;
	va_start(args, format);
	format_message(text, sizeof(text), format, args);
	va_end(args);
	memcpy(inner, e->message, sizeof(inner));
	/* The inner reason matters more than the outer context: the context is cut, visibly, or left out. */
	size_t inner_len = strlen(inner), room = sizeof(e->message) - inner_len - 1;
	if (room < CONTEXT_LEAST)
		return -1;
	size_t kept = strlen(text);
	if (kept > room - 2) {
		kept = room - 2;
		memcpy(text + kept - 3, "...", 3);
	}
	memcpy(e->message, text, kept);
	memcpy(e->message + kept, ": ", 2);
	memcpy(e->message + kept + 2, inner, inner_len + 1);
	return -1;
}

int err_append(struct err *e, const char *format, ...)
{
	va_list args;

	if (!e)
		return -1;
	size_t len = strlen(e->message);
	if (len + 8 > sizeof(e->message))
		return -1;
	memcpy(e->message + len, ": ", 2);
	va_start(args, format);
	format_message(e->message + len + 2, sizeof(e->message) - len - 2, format, args);
	va_end(args);
	return -1;
}

int err_no_memory(struct err *e)
{
	err_set(e, ERR_SYSTEM, "out of memory");
	if (e)
		e->errnum = ENOMEM;
	return -1;
}
