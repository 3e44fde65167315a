/* Puts finished downloads into the cache in threads of its own: waiting for the disk (fsync) must not hold up the network. Internal
 * to cache. */
#ifndef ORCHESTRATE_CACHE_STORER_H
#define ORCHESTRATE_CACHE_STORER_H

#include <stdbool.h>

#include "cache/package_cache.h"
#include "fetch/partial.h"

/* One finished download. Filled by the caller; outcome and failure by the storer. */
struct storing {
	size_t item;
	struct partial partial;	  /* the bytes, held until they are in place */
	char *content, *record;	  /* where bytes and record go */
	struct cache_entry entry; /* what the record says */
	int outcome;
	struct err failure; /* set when outcome is -1 */
	struct storing *next;
};

void storing_free(struct storing *w);
DEFINE_CLEANUP(storing, struct storing, storing_free)

struct storer;

must_check int storer_new(struct storer **ret, struct err *e);
/* Takes w over. Waits while too many are under way already. */
void storer_put(struct storer *s, struct storing *w);
/* One that has been stored, or has failed; the caller owns it. wait: blocks while any is under way. NULL: there is none. */
struct storing *storer_take(struct storer *s, bool wait);
/* Finishes what is under way. NULL is fine. */
void storer_free(struct storer *s);
DEFINE_CLEANUP(storer, struct storer, storer_free)

#endif
