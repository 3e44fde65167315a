/* Inside oci: one layer on its way into a blob. Bytes run tar -> (diff_id) -> gzip -> (digest, size) -> file, nothing is held. */
#ifndef ORCHESTRATE_OCI_LAYER_WRITER_H
#define ORCHESTRATE_OCI_LAYER_WRITER_H

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "oci/layer.h"
#include "stream/digest.h"
#include "stream/sink.h"
#include "stream/source.h"

/* Embedded, at a fixed address between init and release: sinks point into it. */
struct layer_writer {
	const char *dir; /* borrowed */
	struct newfile file;
	struct digest diff_id, digest;
	uint64_t size;
	struct sink *to_file, *blob_hash, *gzip, *tar_hash;
	struct archive *archive;
};

/* any_names: names may hold bytes beyond ASCII; they are then written as they are instead of by way of the locale. GNU tar warns of
 * the header record that says so, hence not always. */
must_check int layer_writer_init(struct layer_writer *w, const char *dir, int level, bool any_names, struct err *e);
/* An entry with only what a deterministic member may have: borrowed path and link target are copied. type: AE_IFREG, AE_IFDIR,
 * AE_IFLNK, or 0 for a hard link. mode: permission bits. NULL when out of memory; archive_entry_free(). */
struct archive_entry *layer_entry_new(const char *path, mode_t type, mode_t mode, int64_t mtime, struct err *e);
must_check int layer_writer_header(struct layer_writer *w, struct archive_entry *entry, struct err *e);
/* The body of a regular file: exactly size bytes from s, which must end there. ERR_CORRUPT when it does not. */
must_check int layer_writer_body(struct layer_writer *w, struct source *s, uint64_t size, struct err *e);
/* Closes the tar and commits the blob. created_by may be NULL. */
must_check int layer_writer_finish(struct layer_writer *w, const char *created_by, struct layer *ret, struct err *e);
/* Nothing stays on disk of a layer that was not finished. */
void layer_writer_release(struct layer_writer *w);

static inline void archive_entry_drop(struct archive_entry *entry)
{
	archive_entry_free(entry);
}

DEFINE_CLEANUP(archive_entry, struct archive_entry, archive_entry_drop)

#define cleanup_layer_writer __attribute__((cleanup(layer_writer_release)))

#endif
