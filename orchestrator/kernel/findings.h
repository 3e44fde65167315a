/* All that is wrong with a text, not only the first of it. For the parsers of supported-kernels/. */
#ifndef ORCHESTRATE_KERNEL_FINDINGS_H
#define ORCHESTRATE_KERNEL_FINDINGS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { FINDINGS_MAX = 100 };

/* Embedded. */
struct findings {
	const char *name;   /* of the text, for messages */
	struct strv *texts; /* gets each as `name:line: text`, at most FINDINGS_MAX; NULL: they are only counted */
	size_t count;
	struct err first;
};

/* -1 only for lack of memory. */
must_check int findings_add(struct findings *f, unsigned line, struct err *e, const char *format, ...) printf_like(4, 5);
/* To be called at the end: 0 when there was none, else -1, ERR_INPUT, with the first in *e and how many more there are. */
must_check int findings_end(const struct findings *f, struct err *e);

#endif
