/* Where files from a bucket wait until they have been checked: `packages/incoming/<8 hex>/`, a directory for each run, with `lock`
 * in it, which the run holds, and below it the bucket's own layout. What killed runs have left is looked through by the next one:
 * whole contents go into the cache, the rest goes. Internal to cache. */
#ifndef ORCHESTRATE_CACHE_INCOMING_H
#define ORCHESTRATE_CACHE_INCOMING_H

#include <stdbool.h>

#include "cache/cache.h"

/* Embedded; {.lock = -1} is empty. */
struct incoming {
	char *dir;
	int lock;
};

/* Takes in what dead runs have left. Not being able to is no error. */
void incoming_salvage(struct cache *c);
must_check int incoming_open(struct cache *c, struct incoming *ret, struct err *e);
/* Removes the directory. Harmless on an empty one. */
void incoming_close(struct incoming *in);
#define cleanup_incoming __attribute__((cleanup(incoming_close)))

/* A file that waits to be looked at: opened, no link followed. Caller closes; -1 with ERR_NOT_FOUND when it did not come. */
must_check int incoming_file(const char *path, struct err *e);
/* Hashes the file at path and, when it is what digest says (and size, unless NULL), puts it into the cache under it. Wrong:
 * ERR_CORRUPT, and the file is set aside under name. */
must_check int incoming_accept(struct cache *c, const char *path, const char *name, const struct digest *digest,
			       const uint64_t *size, uint64_t *ret_size, struct err *e);

#endif
