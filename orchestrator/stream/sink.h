/* Where bytes go. */
#ifndef ORCHESTRATE_STREAM_SINK_H
#define ORCHESTRATE_STREAM_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "stream/digest.h"

struct sink;
struct source;

struct sink_ops {
	int (*write)(struct sink *s, const void *bytes, size_t len, struct err *e);
	/* Flushes what is held back; called at most once. NULL: nothing to do. */
	int (*finish)(struct sink *s, struct err *e);
	void (*free)(struct sink *s);
};

/* First member of every implementation. After an error each further call gives the same error. */
struct sink {
	const struct sink_ops *ops;
	bool finished;
	struct err failed;
};

must_check int sink_write(struct sink *s, const void *bytes, size_t len, struct err *e);
/* Must be called before the bytes count as written; finishes inner sinks too. Idempotent. */
must_check int sink_finish(struct sink *s, struct err *e);
/* Does not finish. Frees an owned inner sink. NULL is fine. */
void sink_free(struct sink *s);
/* Everything from `from` into `to`; does not finish `to`. */
must_check int sink_copy(struct sink *to, struct source *from, struct err *e);

/* Constructors give NULL with *e when out of memory. */
/* Does not close fd. */
struct sink *sink_to_fd(int fd, struct err *e);
/* Appends to *b (borrowed); more than max bytes in all: ERR_LIMIT. */
struct sink *sink_to_buf(struct buf *b, size_t max, struct err *e);
/* Passes bytes on to inner (borrowed; NULL: drops them), and counts and hashes what goes through. `*count` and `*digest` are
 * set by sink_finish; either may be NULL. */
struct sink *sink_digest(struct sink *inner, uint64_t *count, struct digest *digest, struct err *e);
/* gzip (RFC 1952) with an empty header: no time, no name, OS byte 255, so that the same bytes give the same file. level 1-9.
 * inner is borrowed and finished with it. */
struct sink *sink_gzip(struct sink *inner, int level, struct err *e);

#endif
