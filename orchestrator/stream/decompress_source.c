#include "stream/decompress_source.h"

#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "stream/archive_stream.h"
#include "stream/source.h"
#include "stream/xz_source.h"

enum {
	HEAD_MAX = 14, /* of the shortest .bz2 there is */
	CHUNK = 64 * 1024,
	GZIP_ONLY = 16 + MAX_WBITS, /* zlib.h: inflateInit2 of gzip members with any window */
};

DEFINE_CLEANUP(source, struct source, source_free)

/* A source whose first bytes have been looked at. */
struct peeked {
	struct source base;
	struct source *inner;
	char head[HEAD_MAX];
	size_t have, given;
};

static ssize_t peeked_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct peeked *p = (struct peeked *)s;

	if (p->given == p->have)
		return source_read(p->inner, bytes, len, e);
	if (len > p->have - p->given)
		len = p->have - p->given;
	memcpy(bytes, p->head + p->given, len);
	p->given += len;
	return (ssize_t)len;
}

static void peeked_free(struct source *s)
{
	source_free(((struct peeked *)s)->inner);
	free(s);
}

static const struct source_ops peeked_ops = { peeked_read, peeked_free };

static int peek(struct peeked *p, struct err *e)
{
	ssize_t n = 1;

	while (n > 0 && p->have < sizeof(p->head)) {
		n = source_read(p->inner, p->head + p->have, sizeof(p->head) - p->have, e);
		if (n > 0)
			p->have += (size_t)n;
	}
	return n < 0 ? -1 : 0;
}

struct gzip {
	struct source base;
	struct source *inner;
	z_stream z;
	bool input_ended, between_members;
	unsigned char chunk[CHUNK];
};

/* 1 there is input, 0 all members are read. */
static int gzip_fill(struct gzip *g, struct err *e)
{
	if (g->z.avail_in == 0 && !g->input_ended) {
		ssize_t n = source_read(g->inner, g->chunk, sizeof(g->chunk), e);
		if (n < 0)
			return -1;
		g->input_ended = n == 0;
		g->z.next_in = g->chunk;
		g->z.avail_in = (unsigned)n;
	}
	if (g->z.avail_in)
		return 1;
	return g->between_members ? 0 : err_set(e, ERR_CORRUPT, "gzip data is truncated");
}

static ssize_t gzip_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct gzip *g = (struct gzip *)s;
	size_t room = len > CHUNK ? CHUNK : len;

	g->z.next_out = bytes;
	g->z.avail_out = (unsigned)room;
	while (g->z.avail_out == room) {
		int rc = gzip_fill(g, e);
		if (rc <= 0)
			return rc;
		g->between_members = false;
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END) {
			g->between_members = true;
			inflateReset(&g->z);
		} else if (rc == Z_MEM_ERROR) {
			return err_no_memory(e);
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			return err_set(e, ERR_CORRUPT, "gzip data is damaged");
		}
	}
	return (ssize_t)(room - g->z.avail_out);
}

static void gzip_free(struct source *s)
{
	struct gzip *g = (struct gzip *)s;

	inflateEnd(&g->z);
	source_free(g->inner);
	free(g);
}

static const struct source_ops gzip_ops = { gzip_read, gzip_free };

static struct source *open_gzip(struct source *inner, uint64_t memory_bytes, struct err *e)
{
	struct gzip *g = calloc(1, sizeof(*g));

	(void)memory_bytes;
	if (!g || inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		free(g);
		source_free(inner);
		err_no_memory(e);
		return NULL;
	}
	g->base.ops = &gzip_ops;
	g->inner = inner;
	return &g->base;
}

static struct source *open_xz(struct source *inner, uint64_t memory_bytes, struct err *e)
{
	return source_xz(inner, 1, memory_bytes, e);
}

/* One filter of libarchive. */
struct filtered {
	struct source base;
	struct source *inner;
	struct archive *archive;
};

static ssize_t filtered_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct filtered *f = (struct filtered *)s;

	char behind;

	la_ssize_t n = archive_read_data(f->archive, bytes, len);
	if (n < 0)
		return archive_err(f->archive, e);
	if (n > 0)
		return n;
	/* Between two streams libarchive takes a failure below for the end. */
	ssize_t more = source_read(f->inner, &behind, 1, e);
	return more > 0 ? err_set(e, ERR_CORRUPT, "something stands behind the compressed data") : more;
}

static void filtered_free(struct source *s)
{
	struct filtered *f = (struct filtered *)s;

	archive_read_free(f->archive);
	source_free(f->inner);
	free(f);
}

static const struct source_ops filtered_ops = { filtered_read, filtered_free };

static struct source *open_filter(struct source *inner, int filter, struct err *e)
{
	struct archive_entry *entry;
	struct filtered *f = calloc(1, sizeof(*f));

	if (!f) {
		source_free(inner);
		err_no_memory(e);
		return NULL;
	}
	f->base.ops = &filtered_ops;
	f->inner = inner;
	f->archive = archive_read_new();
	cleanup_of(source) struct source *s = &f->base;
	if (!f->archive) {
		err_no_memory(e);
		return NULL;
	}
	/* This filter and no other, so that nothing is guessed inside. */
	if (archive_read_set_format(f->archive, ARCHIVE_FORMAT_RAW) < ARCHIVE_WARN ||
	    archive_read_append_filter(f->archive, filter) < ARCHIVE_WARN) {
		archive_err(f->archive, e);
		return NULL;
	}
	if (archive_read_open_source(f->archive, inner, e) < 0)
		return NULL;
	if (archive_read_next_header(f->archive, &entry) < ARCHIVE_WARN) {
		archive_err(f->archive, e);
		return NULL;
	}
	return steal_ptr(&s);
}

static struct source *open_zstd(struct source *inner, uint64_t memory_bytes, struct err *e)
{
	(void)memory_bytes;
	return open_filter(inner, ARCHIVE_FILTER_ZSTD, e);
}

static struct source *open_bzip2(struct source *inner, uint64_t memory_bytes, struct err *e)
{
	(void)memory_bytes;
	return open_filter(inner, ARCHIVE_FILTER_BZIP2, e);
}

static const struct {
	const char *name, *magic;
	size_t len, shortest; /* of the magic, of a file */
	struct source *(*open)(struct source *inner, uint64_t memory_bytes, struct err *e);
} formats[] = {
	{ "gzip", "\x1f\x8b", 2, 2, open_gzip },
	{ "xz",
	  "\375"
	  "7zXZ\0",
	  6, 6, open_xz },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, 4, open_zstd },
	/* libarchive takes one that is shorter for nothing at all. */
	{ "bzip2", "BZh", 3, HEAD_MAX, open_bzip2 },
};

/* Takes p over, also on failure. */
static struct source *open_peeked(struct peeked *p, uint64_t memory_bytes, struct err *e)
{
	cleanup_of(source) struct source *s = &p->base;

	if (peek(p, e) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (p->have < formats[i].len || memcmp(p->head, formats[i].magic, formats[i].len) != 0)
			continue;
		if (p->have >= formats[i].shortest)
			return formats[i].open(steal_ptr(&s), memory_bytes, e);
		err_set(e, ERR_CORRUPT, "%s data is truncated", formats[i].name);
		return NULL;
	}
	return steal_ptr(&s);
}

struct source *source_decompress(struct source *inner, uint64_t memory_bytes, uint64_t max_bytes, struct err *e)
{
	struct peeked *p = calloc(1, sizeof(*p));
	if (!p) {
		source_free(inner);
		err_no_memory(e);
		return NULL;
	}
	p->base.ops = &peeked_ops;
	p->inner = inner;
	struct source *s = open_peeked(p, memory_bytes, e);
	return s ? source_limit(s, max_bytes, "what it decompresses to", e) : NULL;
}
