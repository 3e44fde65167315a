#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct chunk_source {
	struct source base;
	const char *bytes;
	size_t left, piece;
	const struct err *then;
	unsigned failures;
};

static ssize_t chunk_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct chunk_source *c = (struct chunk_source *)s;

	if (c->left == 0 && c->then) {
		c->failures++;
		*e = *c->then;
		return -1;
	}
	if (len > c->piece)
		len = c->piece;
	if (len > c->left)
		len = c->left;
	memcpy(bytes, c->bytes, len);
	c->bytes += len;
	c->left -= len;
	return (ssize_t)len;
}

static void chunk_free(struct source *s)
{
	free(s);
}

static const struct source_ops chunk_ops = { chunk_read, chunk_free };

struct source *source_from_chunks(const void *bytes, size_t len, size_t piece, const struct err *then, struct err *e)
{
	struct chunk_source *c = calloc(1, sizeof(*c));

	(void)e;
	cr_assert_not_null(c);
	c->base.ops = &chunk_ops;
	c->bytes = bytes;
	c->left = len;
	c->piece = piece;
	c->then = then;
	return &c->base;
}

unsigned chunks_reads_after_failure(const struct source *s)
{
	const struct chunk_source *c = (const struct chunk_source *)s;

	return c->failures ? c->failures - 1 : 0;
}

struct failing_sink {
	struct sink base;
	size_t room;
	const struct err *then;
};

static int failing_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	struct failing_sink *f = (struct failing_sink *)s;

	(void)bytes;
	if (len > f->room) {
		*e = *f->then;
		return -1;
	}
	f->room -= len;
	return 0;
}

static void failing_free(struct sink *s)
{
	free(s);
}

static const struct sink_ops failing_ops = { failing_write, NULL, failing_free };

struct sink *sink_that_fails(size_t room, const struct err *then)
{
	struct failing_sink *f = calloc(1, sizeof(*f));

	cr_assert_not_null(f);
	f->base.ops = &failing_ops;
	f->room = room;
	f->then = then;
	return &f->base;
}
