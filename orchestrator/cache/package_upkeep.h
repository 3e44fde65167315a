/* Looking after what the cache has: all of it checked, packages handed in by hand, what nobody names any more dropped. */
#ifndef ORCHESTRATE_CACHE_PACKAGE_UPKEEP_H
#define ORCHESTRATE_CACHE_PACKAGE_UPKEEP_H

#include "cache/package_cache.h"

/* Something that is not what it should be; it has been set aside. */
struct cache_bad {
	const char *name;	  /* of the package, else of the file */
	const char *const *urls;  /* which gave it, NULL-terminated */
	const struct err *reason; /* names the package and where it is now */
};

/* Zero and NULL are the defaults. Callbacks come in the calling thread. */
struct cache_verify_options {
	unsigned jobs; /* files at once [one for each core] */
	const struct cancel *cancel;
	void (*on_bad)(void *context, const struct cache_bad *bad);
	/* A few times a second. */
	void (*on_progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
	void *context;
};

struct cache_verified {
	uint64_t good, bad;   /* packages */
	uint64_t bad_records; /* not readable, or of another URL */
	uint64_t missing;     /* records whose bytes are not there */
	uint64_t bytes;	      /* hashed */
};

/* Hashes every package, in threads of its own. 0: done, *ret says what was found; -1: cancelled, or something could not be read. */
must_check int cache_verify(struct cache *c, const struct cache_verify_options *options, struct cache_verified *ret, struct err *e);

/* Puts the file at path into the cache as what item->url gives, `from` saying where it is from. An empty file, a wrong digest or
 * size, or one that differs from what the URL gave before: ERR_CHECK, nothing is stored. Another process fetches it just now:
 * ERR_CONFLICT. 1 stored, 0 it was there already. */
must_check int cache_add(struct cache *c, const char *path, const struct cache_request *item, const char *from,
			 const struct cancel *cancel, struct cache_entry *ret, struct err *e);

/* What is to stay. */
struct cache_keep;

must_check int cache_keep_new(struct cache_keep **ret, struct err *e);
void cache_keep_free(struct cache_keep *k);
DEFINE_CLEANUP(cache_keep, struct cache_keep, cache_keep_free)
/* digest: what the URL gives, where that is known; NULL: what its record says. The same URL may come with several digests. */
must_check int cache_keep_url(struct cache_keep *k, const char *url, const struct digest *digest, struct err *e);
size_t cache_keep_count(const struct cache_keep *k); /* URLs */

struct cache_prune_options {
	bool really;	  /* else only told */
	unsigned grace_s; /* what is younger stays: somebody may be about to name it */
	/* Something goes. A package: name, urls as of cache_bad, digest. A record without bytes, an unfinished download: digest
	 * NULL.
	 */
	void (*on_drop)(void *context, const char *name, const char *const *urls, const struct digest *digest, uint64_t size);
	void *context;
};

struct cache_pruned {
	uint64_t packages, bytes, records, partials;
	uint64_t young; /* left for their age */
};

/* Drops contents that no kept URL's record and no kept digest names, records of other URLs, and unfinished downloads of those. Safe
 * beside running fetches: what they bring is younger than grace_s, and before anything is removed the records are read once more.
 * A kept URL's record that is damaged: ERR_CHECK, since what it names is not known. -1 leaves what has not gone yet. */
must_check int cache_prune(struct cache *c, const struct cache_keep *keep, const struct cache_prune_options *options,
			   struct cache_pruned *ret, struct err *e);

#endif
