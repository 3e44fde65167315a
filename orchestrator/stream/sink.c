#include "stream/sink.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "stream/source.h"

int sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	if (s->failed.kind == ERR_NONE && s->finished)
		err_set(&s->failed, ERR_SYSTEM, "write after the end");
	if (s->failed.kind == ERR_NONE && (len == 0 || s->ops->write(s, bytes, len, &s->failed) == 0))
		return 0;
	if (e)
		*e = s->failed;
	return -1;
}

int sink_finish(struct sink *s, struct err *e)
{
	if (s->failed.kind == ERR_NONE && s->finished)
		return 0;
	if (s->failed.kind == ERR_NONE && (!s->ops->finish || s->ops->finish(s, &s->failed) == 0)) {
		s->finished = true;
		return 0;
	}
	if (e)
		*e = s->failed;
	return -1;
}

void sink_free(struct sink *s)
{
	if (s)
		s->ops->free(s);
}

int sink_copy(struct sink *to, struct source *from, struct err *e)
{
	char chunk[65536];
	ssize_t n;

	while ((n = source_read(from, chunk, sizeof(chunk), e)) > 0)
		if (sink_write(to, chunk, (size_t)n, e) < 0)
			return -1;
	return n < 0 ? -1 : 0;
}

struct fd_sink {
	struct sink base;
	int fd;
};

static int fd_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	return fd_write_all(((struct fd_sink *)s)->fd, bytes, len, e);
}

static void plain_free(struct sink *s)
{
	free(s);
}

static const struct sink_ops fd_sink_ops = { fd_sink_write, NULL, plain_free };

struct sink *sink_to_fd(int fd, struct err *e)
{
	struct fd_sink *f = calloc(1, sizeof(*f));
	if (!f) {
		err_no_memory(e);
		return NULL;
	}
	f->base.ops = &fd_sink_ops;
	f->fd = fd;
	return &f->base;
}

struct buf_sink {
	struct sink base;
	struct buf *into;
	size_t max;
};

static int buf_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	struct buf_sink *b = (struct buf_sink *)s;

	if (len > b->max || b->into->len > b->max - len)
		return err_set(e, ERR_LIMIT, "larger than %zu bytes", b->max);
	return buf_append(b->into, bytes, len, e);
}

static const struct sink_ops buf_sink_ops = { buf_sink_write, NULL, plain_free };

struct sink *sink_to_buf(struct buf *b, size_t max, struct err *e)
{
	struct buf_sink *s = calloc(1, sizeof(*s));
	if (!s) {
		err_no_memory(e);
		return NULL;
	}
	s->base.ops = &buf_sink_ops;
	s->into = b;
	s->max = max;
	return &s->base;
}

struct digest_sink {
	struct sink base;
	struct sink *inner;
	struct hasher *hasher;
	uint64_t seen, *count;
	struct digest *digest;
};

static int digest_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	struct digest_sink *d = (struct digest_sink *)s;

	if (hasher_update(d->hasher, bytes, len, e) < 0)
		return -1;
	d->seen += len;
	return d->inner ? sink_write(d->inner, bytes, len, e) : 0;
}

static int digest_sink_finish(struct sink *s, struct err *e)
{
	struct digest_sink *d = (struct digest_sink *)s;
	struct digest unwanted;

	if (hasher_finish(d->hasher, d->digest ? d->digest : &unwanted, e) < 0)
		return -1;
	if (d->count)
		*d->count = d->seen;
	return d->inner ? sink_finish(d->inner, e) : 0;
}

static void digest_sink_free(struct sink *s)
{
	hasher_free(((struct digest_sink *)s)->hasher);
	free(s);
}

static const struct sink_ops digest_sink_ops = { digest_sink_write, digest_sink_finish, digest_sink_free };

struct sink *sink_digest(struct sink *inner, uint64_t *count, struct digest *digest, struct err *e)
{
	struct digest_sink *d = calloc(1, sizeof(*d));
	if (!d) {
		err_no_memory(e);
		return NULL;
	}
	d->base.ops = &digest_sink_ops;
	d->inner = inner;
	d->count = count;
	d->digest = digest;
	d->hasher = hasher_new(e);
	if (!d->hasher) {
		free(d);
		return NULL;
	}
	return &d->base;
}

enum { GZIP_CHUNK = 32 * 1024 };

struct gzip_sink {
	struct sink base;
	struct sink *inner;
	z_stream z;
	gz_header header;
	unsigned char out[GZIP_CHUNK];
};

static int gzip_push(struct gzip_sink *g, int flush, struct err *e)
{
	int rc;

	do {
		g->z.next_out = g->out;
		g->z.avail_out = sizeof(g->out);
		rc = deflate(&g->z, flush);
		if (rc == Z_STREAM_ERROR)
			return err_set(e, ERR_SYSTEM, "zlib: deflate failed");
		if (sink_write(g->inner, g->out, sizeof(g->out) - g->z.avail_out, e) < 0)
			return -1;
	} while (g->z.avail_out == 0);
	return 0;
}

static int gzip_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
	struct gzip_sink *g = (struct gzip_sink *)s;
	const unsigned char *p = bytes;

	while (len) {
		size_t now = len > (1u << 30) ? 1u << 30 : len;
		g->z.next_in = (unsigned char *)p;
		g->z.avail_in = (unsigned)now;
		if (gzip_push(g, Z_NO_FLUSH, e) < 0)
			return -1;
		p += now;
		len -= now;
	}
	return 0;
}

static int gzip_sink_finish(struct sink *s, struct err *e)
{
	struct gzip_sink *g = (struct gzip_sink *)s;

	g->z.avail_in = 0;
	if (gzip_push(g, Z_FINISH, e) < 0)
		return -1;
	return sink_finish(g->inner, e);
}

static void gzip_sink_free(struct sink *s)
{
	deflateEnd(&((struct gzip_sink *)s)->z);
	free(s);
}

static const struct sink_ops gzip_sink_ops = { gzip_sink_write, gzip_sink_finish, gzip_sink_free };

struct sink *sink_gzip(struct sink *inner, int level, struct err *e)
{
	struct gzip_sink *g = calloc(1, sizeof(*g));

	/* 15 + 16: the largest window, gzip framing. */
	if (!g || deflateInit2(&g->z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(g);
		err_no_memory(e);
		return NULL;
	}
	g->base.ops = &gzip_sink_ops;
	g->inner = inner;
	g->header.os = 255; /* unknown (RFC 1952, 2.3.1) */
	deflateSetHeader(&g->z, &g->header);
	return &g->base;
}
