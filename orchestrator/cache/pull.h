/* Contents out of a bucket: what package_fetch.c and package_pull.c share. Internal to cache. */
#ifndef ORCHESTRATE_CACHE_PULL_H
#define ORCHESTRATE_CACHE_PULL_H

#include "cache/bucket.h"
#include "cache/cache.h"

enum pull_end { PULL_ABSENT, PULL_MOVED, PULL_BAD };

/* One package that is wanted. */
struct pull_item {
	size_t tag;	 /* the caller's own */
	const char *url; /* NULL: only the bytes are known */
	bool digest_known, size_known;
	struct digest digest;
	uint64_t size;
	enum pull_end end;
};

struct pull {
	struct cache *cache;
	struct bucket *bucket;
	/* What came of an item, as it ends; not called for absent ones. PULL_MOVED: *entry, else *why. */
	void (*ended)(void *context, const struct pull_item *item, const struct cache_entry *entry, const struct err *why);
	void *context;
	void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
	void *progress_context;
	uint64_t bytes; /* moved */
};

/* Reorders the items. Items without digest are looked up among the bucket's records first. 0, -1 cancelled, or the bucket or
 * the cache fails: items that had not ended are absent. */
must_check int pull_items(struct pull *p, struct pull_item *items, size_t n, struct err *e);
/* Fills an item from a request; a digest that the caller does not know is that of the cache's record. */
must_check int pull_item_of(struct cache *c, const struct cache_request *request, size_t tag, struct pull_item *ret, struct err *e);
/* For a fetch: of `missing`, *count indices of items, those that did not come are left, in their order. A bucket that fails costs a
 * warning: there are still the mirrors. -1: cancelled, or the cache fails. */
must_check int pull_missing(struct pull *p, const struct cache_request *items, size_t *missing, size_t *count, struct err *e);
/* Gets those of these objects ("urls/..") that exist to below dir, in calls of bounded size. */
must_check int pull_names(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events,
			  struct err *e);
/* "sha256/ab/<hex>", "urls/ab/<hex of url>.json": names in a bucket. NULL when out of memory. Caller frees. */
char *pull_content_name(const struct digest *d, struct err *e);
char *pull_record_name(const char *url, struct err *e);

#endif
