/* The cache and a bucket: what one has and the other lacks. */
#ifndef ORCHESTRATE_CACHE_PACKAGE_BUCKET_H
#define ORCHESTRATE_CACHE_PACKAGE_BUCKET_H

#include "cache/bucket.h"
#include "cache/package_cache.h"

/* All called in the calling thread; any may be NULL. */
struct cache_transfer {
	struct bucket *bucket;
	/* One package has been moved. entry->url is empty where none is known. */
	void (*on_moved)(void *context, const struct cache_entry *entry);
	/* One that is not what its name says: from the bucket (refused, set aside), in the cache (set aside, not pushed), or in the
	 * bucket already (its size can't be right; it stays). name: of the package or the object. */
	void (*on_bad)(void *context, const char *name, const struct err *why);
	void (*on_progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
	void *context;
};

struct cache_transferred {
	uint64_t there; /* was where it was to go */
	uint64_t moved;
	uint64_t absent; /* pull: the bucket has not got it */
	uint64_t bad;
	uint64_t bytes; /* of what was moved */
};

/* Gets what the cache lacks of these items. What comes is hashed before it becomes part of the cache; a digest that the caller does
 * not know is the local record's, else that of the bucket's record. 0: done, single packages may be bad or absent; -1: cancelled,
 * or the bucket or the cache fails; what was done stays. An empty or wrong place: ERR_FAILED. */
must_check int cache_pull(struct cache *c, const struct cache_request *items, size_t n, const struct cache_transfer *transfer,
			  struct cache_transferred *ret, struct err *e);
/* Gets everything that the bucket has and the cache lacks: packages and records. */
must_check int cache_pull_all(struct cache *c, const struct cache_transfer *transfer, struct cache_transferred *ret, struct err *e);
/* Puts everything that the cache has and the bucket lacks into the bucket: packages, each hashed before, then records. */
must_check int cache_push(struct cache *c, const struct cache_transfer *transfer, struct cache_transferred *ret, struct err *e);

#endif
