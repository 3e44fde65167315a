/* Line by line through the files of supported-kernels/: comments taken off, what is wrong with a line said. For what reads and
 * writes those files. */
#ifndef ORCHESTRATE_KERNEL_LINES_H
#define ORCHESTRATE_KERNEL_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
	const char *at, *end;
	unsigned number; /* of the line last given */
	bool loose;	 /* written by hand: blank lines and blanks around the text are no problem */
};

struct line {
	const char *text; /* not NUL-terminated; len 0 for a comment, a blank and a bad line */
	size_t len;
	const char *raw; /* the whole line, comment and all, without its LF */
	size_t raw_len;
	unsigned number;
	const char *problem; /* NULL, or what is wrong with the line */
};

/* 1 = a line, 0 = end. */
int line_next(struct line_reader *r, struct line *ret);
/* NULL when the bytes are a URL as kernel/list.h has it, else what is wrong. */
const char *url_problem(const char *text, size_t len);

#endif
