/* A tar whose members are known beforehand, made while it is read: archives of images, contexts of builds. */
#ifndef ORCHESTRATE_OCI_TAR_SOURCE_H
#define ORCHESTRATE_OCI_TAR_SOURCE_H

#include <stdint.h>

#include "base/err.h"
#include "stream/source.h"

/* An empty tar as a source, freed by source_free(). Members are added before the first read; after the last one tar_source_end().
 * mtime 0, uid and gid 0. NULL with *e when out of memory. */
struct source *tar_source_new(struct err *e);
must_check int tar_source_add_dir(struct source *tar, const char *path, struct err *e);
/* text is copied. */
must_check int tar_source_add_text(struct source *tar, const char *path, const char *text, struct err *e);
/* The file at source_path must have `size` bytes when it is reached, else reading gives ERR_CORRUPT. */
must_check int tar_source_add_file(struct source *tar, const char *path, const char *source_path, uint64_t size, struct err *e);
/* The end marker. */
must_check int tar_source_end(struct source *tar, struct err *e);

#endif
