/* stream: bytes on the move. Pull from a `struct source`, push into a `struct sink`; both stack (digest, limit, count).
 * Also here: digests, the bridge to libarchive, and the sandboxed filter process in which untrusted bytes are parsed.
 * It knows nothing of what the bytes mean. */
#ifndef ORCHESTRATE_STREAM_SOURCE_H
#define ORCHESTRATE_STREAM_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct source;

struct source_ops {
	/* Up to len (> 0) bytes into bytes: count, 0 at the end, -1 with *e. */
	ssize_t (*read)(struct source *s, void *bytes, size_t len, struct err *e);
	void (*free)(struct source *s);
};

/* First member of every implementation. After an error each further read gives the same error; after the end, 0. */
struct source {
	const struct source_ops *ops;
	bool ended;
	struct err failed;
};

/* >0 bytes read (may be fewer than len), 0 end, -1 error. */
must_check ssize_t source_read(struct source *s, void *bytes, size_t len, struct err *e);
/* Exactly len bytes, or -1 with ERR_CORRUPT when the source ends before. */
must_check int source_read_exact(struct source *s, void *bytes, size_t len, struct err *e);
/* Reads to the end and drops the bytes. */
must_check int source_drain(struct source *s, struct err *e);
/* NULL is fine. An owned inner source goes with it. */
void source_free(struct source *s);

/* Constructors give NULL with *e when out of memory. `owned` things are freed (closed) with the source, and also when the
 * constructor fails. */
struct source *source_from_fd(int fd, bool owned, struct err *e);
/* bytes is borrowed and must outlive the source. */
struct source *source_from_memory(const void *bytes, size_t len, struct err *e);
/* Fails with ERR_LIMIT after max bytes; `what` (borrowed, must outlive) names the thing in the message. Takes inner over. */
struct source *source_limit(struct source *inner, uint64_t max, const char *what, struct err *e);

#endif
