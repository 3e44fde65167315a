/* Walking the cache's directories in a stable order. Internal to cache. */
#ifndef ORCHESTRATE_CACHE_WALK_H
#define ORCHESTRATE_CACHE_WALK_H

#include <dirent.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

static inline void dir_close(DIR *d)
{
	closedir(d);
}

DEFINE_CLEANUP(dir, DIR, dir_close)

/* Appends the names in a directory in bytewise order, without those that begin with a dot; what is missing or no directory is
 * empty.
 */
must_check int walk_names(const char *path, struct strv *ret, struct err *e);
/* Calls each for every file of dir/??/, directory by directory, so that memory holds the names of one at a time. A callback's -1
 * ends it with its *e. */
must_check int walk_files(const char *dir, int (*each)(void *context, const char *path, struct err *e), void *context,
			  struct err *e);

#endif
