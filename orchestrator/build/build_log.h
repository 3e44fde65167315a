/* What a build printed, split into the parts of the kinds. Bounded: of a very long log the beginning and the end are kept. */
#ifndef ORCHESTRATE_BUILD_BUILD_LOG_H
#define ORCHESTRATE_BUILD_BUILD_LOG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/kind.h"

enum {
	BUILD_LOG_PART_MAX = 512 * 1024, /* bytes of head, and of tail, kept of each part */
	BUILD_LOG_LINE_MAX = 16 * 1024,	 /* a longer line is cut into several */
};

struct log_part {
	struct buf head, tail;
	unsigned long long dropped; /* bytes between them */
};

/* {0} is empty, with current 0: what comes before the first marker. */
struct build_log {
	struct log_part parts[1 + KIND_COUNT];
	unsigned current;
	struct buf line; /* not yet ended */
};

void build_log_release(struct build_log *log);
void build_log_clear(struct build_log *log);
/* Takes the next bytes. A line `== orchestrate: KIND` (images/build.sh) opens that kind's part. */
must_check int build_log_feed(struct build_log *log, const void *bytes, size_t len, struct err *e);
/* The whole log of one kind (with what came before any kind), as text with LF ends and no control bytes but tabs. Appended to *ret.
 */
must_check int build_log_text(const struct build_log *log, enum probe_kind_id kind, struct buf *ret, struct err *e);
/* The last `lines` lines of text. Borrowed from text. */
const char *text_tail(const char *text, unsigned lines);

#define cleanup_build_log __attribute__((cleanup(build_log_release)))

#endif
