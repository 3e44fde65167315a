/* .xz by liblzma's threaded decoder: blocks of a multi-block file (as dpkg-deb writes them) are decoded side by side. */
#ifndef ORCHESTRATE_STREAM_XZ_SOURCE_H
#define ORCHESTRATE_STREAM_XZ_SOURCE_H

#include <stdint.h>

#include "base/err.h"

struct source;

/* The bytes of the .xz file (one or more streams, nothing behind them) that inner gives. Takes inner over, also on failure (NULL).
 * threads: with 1 none is started and no block is held whole; more start on the first read, so a filter needs
 * filter_limits.threads. memory_bytes: what the decoder may use; below that it goes back to one thread first, a file that needs
 * more even so is ERR_LIMIT. Damage and truncation: ERR_CORRUPT. Format: the .xz file format, version 1.1.0 (tukaani.org). */
struct source *source_xz(struct source *inner, unsigned threads, uint64_t memory_bytes, struct err *e);

#endif
