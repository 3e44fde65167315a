/* Whatever a file is compressed with, found by its first bytes. */
#ifndef ORCHESTRATE_STREAM_DECOMPRESS_SOURCE_H
#define ORCHESTRATE_STREAM_DECOMPRESS_SOURCE_H

#include <stdint.h>

#include "base/err.h"

struct source;

/* The bytes of inner out of gz (RFC 1952), xz, zst (RFC 8878) or bz2; as they are where the first bytes are none of these, or inner
 * is empty. Several members or frames behind each other give one; anything else behind the last is ERR_CORRUPT (bz2: ignored), as
 * are damage and truncation. Compressed again inside: not looked at. memory_bytes: for the .xz decoder, as source_xz, with one
 * thread. More than max_bytes come out: ERR_LIMIT. Takes inner over, also on failure (NULL). */
struct source *source_decompress(struct source *inner, uint64_t memory_bytes, uint64_t max_bytes, struct err *e);

#endif
