/* The package cache from within: what its files share. Internal to cache. */
#ifndef ORCHESTRATE_CACHE_CACHE_H
#define ORCHESTRATE_CACHE_CACHE_H

#include "cache/package_cache.h"

struct cache {
	char *dir, *root; /* root: dir/packages */
	char *contents, *urls, *partials, *incoming, *bad;
	struct log *log;
	struct cache_upstream upstream;
};

/* Creates the directories below root that are missing. */
must_check int cache_make_dirs(struct cache *c, struct err *e);
/* Paths; NULL when out of memory, caller frees. */
char *cache_record_path(const struct cache *c, const char *url, struct err *e);
char *cache_partial_path(const struct cache *c, const char *url, struct err *e);
char *cache_content_path(const struct cache *c, const struct digest *d, struct err *e);
/* 1 *ret is the URL's record, 0 there is none, or a damaged one (warning). */
must_check int cache_read_record(struct cache *c, const char *url, struct cache_entry *ret, struct err *e);
/* 1 the bytes are there with this size (NULL: any), 0 they are missing, or were of another size and have been set aside (warning).
 * *ret_size: may be NULL. */
must_check int cache_has_content(struct cache *c, const char *name, const struct digest *d, const uint64_t *size,
				 uint64_t *ret_size, struct err *e);

/* Moves a file that is not what it should be to bad/ under name, and turns *why, which says what it is, into the message about it.
 */
int cache_set_aside(struct cache *c, const char *path, const char *name, const struct digest *found, struct err *why);
/* The digest that a content's path ends in; false: it ends in something else. */
bool cache_content_digest(const char *path, struct digest *ret);

/* 1 the bytes that item asks for are there (*ret is the entry), 0 they must be fetched. Bytes that are known under another URL only
 * are hashed and get their record for this one. */
must_check int cache_find(struct cache *c, const struct cache_request *item, struct cache_entry *ret, struct err *e);

/* Appends the URLs that may give an item, best first: the bucket's public address (where the digest is known), the mirrors, the
 * archive (where last_seen is known, seconds since 1970, 0: not, or its address asks for none). A URL that can't be fetched:
 * ERR_INPUT. */
must_check int cache_candidates(struct cache *c, struct mirror_table *mirrors, const char *url, const struct digest *digest,
				int64_t last_seen, struct strv *ret, struct err *e);

#endif
