/* Sources and sinks that misbehave on purpose. */
#ifndef TESTS_STREAM_FIXTURE_H
#define TESTS_STREAM_FIXTURE_H

#include <stddef.h>

#include "stream/sink.h"
#include "stream/source.h"

/* Gives len bytes (borrowed) in pieces of at most `piece`, then *then (borrowed; NULL: the end). */
struct source *source_from_chunks(const void *bytes, size_t len, size_t piece, const struct err *then, struct err *e);
/* How often its read was called after it had failed. */
unsigned chunks_reads_after_failure(const struct source *s);

/* Takes `room` bytes, then fails with *then (borrowed). */
struct sink *sink_that_fails(size_t room, const struct err *then);

#endif
