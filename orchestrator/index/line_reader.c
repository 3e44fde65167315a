#include "index/line_reader.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 64 * 1024 }; /* read at once: stays in the processor's cache between decompressing and parsing */

struct line_reader {
	struct source *in;
	size_t line_max;
	unsigned long long number;
	bool ended, cut;
	size_t start, searched, len; /* of the line in the making; up to where it has no newline; of what is in bytes */
	char bytes[];
};

int line_reader_new(struct source *in, size_t line_max, struct line_reader **ret, struct err *e)
{
	struct line_reader *r = malloc(sizeof(*r) + line_max + PIECE);

	if (!r)
		return err_no_memory(e);
	*r = (struct line_reader){ .in = in, .line_max = line_max };
	*ret = r;
	return 0;
}

void line_reader_free(struct line_reader *r)
{
	free(r);
}

static int fill(struct line_reader *r, struct err *e)
{
	size_t begun = r->len - r->start;

	if (begun > r->line_max)
		return err_set(e, ERR_LIMIT, "line %llu is longer than %zu bytes", r->number + 1, r->line_max);
	memmove(r->bytes, r->bytes + r->start, begun);
	r->start = 0;
	r->searched = r->len = begun;
	ssize_t n = source_read(r->in, r->bytes + begun, PIECE, e);
	if (n < 0)
		return -1;
	r->len += (size_t)n;
	r->ended = n == 0;
	return 0;
}

int line_reader_next(struct line_reader *r, const char **ret_line, size_t *ret_len, struct err *e)
{
	char *newline = NULL;

	while (!(newline = memchr(r->bytes + r->searched, '\n', r->len - r->searched)) && !r->ended)
		if (fill(r, e) < 0)
			return -1;
	if (!newline && r->start == r->len)
		return 0;
	size_t end = newline ? (size_t)(newline - r->bytes) : r->len;
	if (end - r->start > r->line_max)
		return err_set(e, ERR_LIMIT, "line %llu is longer than %zu bytes", r->number + 1, r->line_max);
	*ret_line = r->bytes + r->start;
	*ret_len = end - r->start;
	r->cut = !newline;
	r->number++;
	r->start = r->searched = newline ? end + 1 : end;
	return 1;
}

unsigned long long line_reader_number(const struct line_reader *r)
{
	return r->number;
}

bool line_reader_is_cut(const struct line_reader *r)
{
	return r->cut;
}
