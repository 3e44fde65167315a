/* The end of what a guest's kernel says on its console, made fit for people. */
#ifndef ORCHESTRATE_PROVE_CONSOLE_H
#define ORCHESTRATE_PROVE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { CONSOLE_LINES = 24, CONSOLE_LINE_MAX = 200 };

/* Embedded; {0} is empty. However much comes, it keeps the last lines, printable ASCII ('?' for the rest), and the first line that
 * tells of the kernel's own trouble. */
struct console {
	char lines[CONSOLE_LINES][CONSOLE_LINE_MAX]; /* a ring; the newest may be unfinished */
	size_t count;				     /* of lines ever begun */
	size_t len;				     /* of the newest */
	bool open;				     /* the newest has no end yet */
	char trouble[CONSOLE_LINE_MAX];		     /* "": none */
};

void console_feed(struct console *c, const void *bytes, size_t len);
/* The last line that is not blank, without the time in front; "" when there is none. Borrowed. */
const char *console_last(const struct console *c);
/* Appends the lines that are kept, oldest first. */
must_check int console_tail(const struct console *c, struct strv *ret, struct err *e);

#endif
