/* Inside oci: reading foreign tars, where a transfer that broke off must not pass for a shorter archive. */
#ifndef ORCHESTRATE_OCI_TAR_READER_H
#define ORCHESTRATE_OCI_TAR_READER_H

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "stream/source.h"

struct tar_reader;

/* Opens s (borrowed), in any compression that libarchive knows. NULL with *e on failure. */
struct tar_reader *tar_reader_open(struct source *s, struct err *e);
void tar_reader_free(struct tar_reader *r);

DEFINE_CLEANUP(tar_reader, struct tar_reader, tar_reader_free)

/* 1 = *ret_entry and *ret_path, 0 = end, -1 = error. The path is without leading "./" and doubled slashes, "" for the root; it and
 * the entry are borrowed until the next call. A path that leaves the root: ERR_HOSTILE. A tar that ends without its end marker (two
 * zero blocks, POSIX.1-2017 pax(1)) or without a single member: ERR_CORRUPT. At the end s has been read to its end. More than max
 * members: ERR_LIMIT. */
must_check int tar_reader_next(struct tar_reader *r, size_t max, struct archive_entry **ret_entry, char **ret_path, struct err *e);
/* The body of the member that came last. Borrowed until the next call of tar_reader_next. */
struct source *tar_reader_body(struct tar_reader *r, struct err *e);
/* As tar_reader_next gives paths. "" for the root. NULL with *e; caller frees. */
char *tar_path(const char *name, struct err *e);

#endif
