#include "stream/xz_source.h"

#include <lzma.h>
#include <stdlib.h>

#include "stream/source.h"

enum { CHUNK = 256 * 1024 };

struct xz_source {
	struct source base;
	struct source *inner;
	lzma_stream lzma;
	uint64_t memory_bytes;
	bool input_ended;
	unsigned char chunk[CHUNK];
};

static int xz_err(const struct xz_source *x, lzma_ret rc, struct err *e)
{
	switch (rc) {
	case LZMA_MEM_ERROR:
		return err_no_memory(e);
	case LZMA_MEMLIMIT_ERROR:
		return err_set(e, ERR_LIMIT, "xz data needs more than %llu bytes of memory", (unsigned long long)x->memory_bytes);
	case LZMA_FORMAT_ERROR:
		return err_set(e, ERR_CORRUPT, "not xz data");
	case LZMA_OPTIONS_ERROR:
		return err_set(e, ERR_CORRUPT, "xz data with options that the decoder does not know");
	case LZMA_BUF_ERROR:
		return err_set(e, ERR_CORRUPT, "xz data is truncated");
	default:
		return err_set(e, ERR_CORRUPT, "xz data is damaged");
	}
}

static int fill_input(struct xz_source *x, struct err *e)
{
	ssize_t n = source_read(x->inner, x->chunk, sizeof(x->chunk), e);
	if (n < 0)
		return -1;
	if (n == 0)
		x->input_ended = true;
	x->lzma.next_in = x->chunk;
	x->lzma.avail_in = (size_t)n;
	return 0;
}

static ssize_t xz_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct xz_source *x = (struct xz_source *)s;

	x->lzma.next_out = bytes;
	x->lzma.avail_out = len;
	for (;;) {
		if (x->lzma.avail_in == 0 && !x->input_ended && fill_input(x, e) < 0)
			return -1;
		lzma_ret rc = lzma_code(&x->lzma, x->input_ended ? LZMA_FINISH : LZMA_RUN);
		size_t got = len - x->lzma.avail_out;
		if (rc == LZMA_STREAM_END)
			return (ssize_t)got;
		/* The decoder is drained only as far as asked: what it has ready goes up before it is given more to do. */
		if (rc == LZMA_OK && got)
			return (ssize_t)got;
		if (rc != LZMA_OK && !(rc == LZMA_BUF_ERROR && !x->input_ended))
			return xz_err(x, rc, e);
	}
}

static void xz_source_free(struct source *s)
{
	struct xz_source *x = (struct xz_source *)s;

	lzma_end(&x->lzma);
	source_free(x->inner);
	free(x);
}

static const struct source_ops xz_source_ops = { xz_source_read, xz_source_free };

struct source *source_xz(struct source *inner, unsigned threads, uint64_t memory_bytes, struct err *e)
{
	struct xz_source *x = calloc(1, sizeof(*x));
	if (!x) {
		source_free(inner);
		err_no_memory(e);
		return NULL;
	}
	x->base.ops = &xz_source_ops;
	x->inner = inner;
	x->memory_bytes = memory_bytes;
	lzma_mt options = {
		.flags = LZMA_CONCATENATED,
		.threads = threads,
		.memlimit_threading = memory_bytes,
		.memlimit_stop = memory_bytes,
	};
	/* The threaded decoder holds whole blocks also where it has one thread only. */
	lzma_ret rc = threads > 1 ? lzma_stream_decoder_mt(&x->lzma, &options)
				  : lzma_stream_decoder(&x->lzma, memory_bytes, LZMA_CONCATENATED);
	if (rc != LZMA_OK) {
		xz_err(x, rc, e);
		xz_source_free(&x->base);
		return NULL;
	}
	return &x->base;
}
