/* Lines of a text that may be long and need not be a text. */
#ifndef ORCHESTRATE_INDEX_LINE_READER_H
#define ORCHESTRATE_INDEX_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "stream/source.h"

struct line_reader;

/* in is borrowed and must outlive it. */
must_check int line_reader_new(struct source *in, size_t line_max, struct line_reader **ret, struct err *e);
void line_reader_free(struct line_reader *r);
/* The next line without its newline, not NUL-terminated, borrowed until the next call. 1 a line, 0 the end, -1 error: a line longer
 * than line_max is ERR_LIMIT. */
must_check int line_reader_next(struct line_reader *r, const char **ret_line, size_t *ret_len, struct err *e);
/* Number of the line given last, from 1. */
unsigned long long line_reader_number(const struct line_reader *r);
/* The line given last was the last one, and has no newline behind it. */
bool line_reader_is_cut(const struct line_reader *r);

DEFINE_CLEANUP(line_reader, struct line_reader, line_reader_free)

#endif
