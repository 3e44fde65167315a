#include "prove/console.h"

#include <string.h>

#include "base/cleanup.h"

/* What the kernel's own reports hold. A panic comes last and only says that one of the others is fatal, where there is one. */
static const char *const marks[] = {
	"BUG:",	  "Oops",	  "general protection fault", "kernel BUG at", "WARNING:",
	"UBSAN:", "double fault", "Unable to handle",	      "Kernel panic",
};

/* Without `[    1.234567] `. */
static const char *line_text(const char *line)
{
	const char *end = line[0] == '[' ? strchr(line, ']') : NULL;

	return end && strspn(line + 1, " .0123456789") == (size_t)(end - line - 1) ? end + 1 + strspn(end + 1, " ") : line;
}

static void end_line(struct console *c)
{
	const char *line = c->lines[(c->count - 1) % CONSOLE_LINES];

	c->open = false;
	for (size_t i = 0; !c->trouble[0] && i < ARRAY_LEN(marks); i++)
		if (strstr(line, marks[i]))
			strncpy(c->trouble, line_text(line), sizeof(c->trouble) - 1);
}

void console_feed(struct console *c, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes, *end = p + len; p < end; p++) {
		if (*p == '\r')
			continue;
		if (*p == '\n') {
			if (c->open)
				end_line(c);
			continue;
		}
		if (!c->open) {
			c->open = true;
			c->len = 0;
			c->count++;
		}
		char *line = c->lines[(c->count - 1) % CONSOLE_LINES];
		if (c->len < CONSOLE_LINE_MAX - 1)
			line[c->len++] = *p >= 0x20 && *p < 0x7f ? (char)*p : '?';
		line[c->len] = '\0';
	}
}

const char *console_last(const struct console *c)
{
	for (size_t i = 0; i < CONSOLE_LINES && i < c->count; i++) {
		const char *text = line_text(c->lines[(c->count - 1 - i) % CONSOLE_LINES]);
		if (text[strspn(text, " ")])
			return text;
	}
	return "";
}

int console_tail(const struct console *c, struct strv *ret, struct err *e)
{
	size_t first = c->count > CONSOLE_LINES ? c->count - CONSOLE_LINES : 0;

	for (size_t i = first; i < c->count; i++)
		if (strv_add(ret, c->lines[i % CONSOLE_LINES], e) < 0)
			return -1;
	return 0;
}
