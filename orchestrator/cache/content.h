/* What both stores do alike: bytes on disk are checked against what is recorded, and set aside when they are wrong. Internal to
 * cache. */
#ifndef ORCHESTRATE_CACHE_CONTENT_H
#define ORCHESTRATE_CACHE_CONTENT_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "stream/digest.h"

/* Hashes fd from its start. Other digest, or other size unless size is NULL: ERR_CORRUPT saying what was found and what was
 * expected. *ret_found (may be NULL) is set in either case; *ret_size (may be NULL) likewise. */
must_check int content_verify(int fd, const struct digest *expected, const uint64_t *size, struct digest *ret_found,
			      uint64_t *ret_size, struct err *e);
/* Moves the file or directory at path to `bad_dir/name.<first 8 hex digits of found>` (replacing an equal one) with a `.reason`
 * file beside it. A path that has gone already is no error. bad_dir is created. */
must_check int content_set_aside(const char *path, const char *bad_dir, const char *name, const struct digest *found,
				 const char *reason, struct err *e);
/* dir/ab/<64 hex>suffix. NULL when out of memory. Caller frees. */
char *content_path(const char *dir, const struct digest *d, const char *suffix, struct err *e);
/* Creates the directory that path is in. */
must_check int content_make_parent(const char *path, struct err *e);
/* fsync of a directory. */
must_check int content_sync_dir(const char *dir, struct err *e);

#endif
