/* libarchive on sources and sinks. */
#ifndef ORCHESTRATE_STREAM_ARCHIVE_STREAM_H
#define ORCHESTRATE_STREAM_ARCHIVE_STREAM_H

#include <archive.h>

#include "base/cleanup.h"
#include "stream/sink.h"
#include "stream/source.h"

static inline void archive_reader_free(struct archive *a)
{
	archive_read_free(a);
}

static inline void archive_writer_free(struct archive *a)
{
	archive_write_free(a);
}

DEFINE_CLEANUP(archive_reader, struct archive, archive_reader_free)
DEFINE_CLEANUP(archive_writer, struct archive, archive_writer_free)

/* Opens `a` (formats and filters already chosen) on s (borrowed, must outlive a). */
must_check int archive_read_open_source(struct archive *a, struct source *s, struct err *e);
/* Opens `a` on s (borrowed, must outlive a). Bytes go out in batches of 256 KiB, the rest with archive_write_close; no padding at
 * the end. */
must_check int archive_write_open_sink(struct archive *a, struct sink *s, struct err *e);
/* The body of the member that archive_read_next_header has just given, as a source; borrowed from a, valid until the next header.
 */
struct source *source_from_archive_member(struct archive *a, struct err *e);
/* Turns libarchive's state into *e (ERR_CORRUPT unless the failure came from a source or sink beneath, whose error is kept). */
int archive_err(struct archive *a, struct err *e);

#endif
