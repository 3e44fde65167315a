/* cache: what was got or built once and is kept: packages (this header) and the artifacts of builds (artifact.h), both
 * content-checked at every use. It knows nothing of kernels, lists or package formats; a package is a URL, a size and a digest.
 *
 * Below the cache directory:
 *   packages/sha256/ab/<64 hex>           the bytes, mode 0444, by their digest
 *   packages/urls/ab/<64 hex of URL>.json what a URL gave: url, name, sha256, size, when, from (record.h)
 *   packages/partial/<64 hex of URL>      downloads in the making (fetch/partial.h)
 *   packages/incoming/<8 hex>/            what a bucket gives, until it has been checked (incoming.h)
 *   packages/bad/<name>.<8 hex>           set aside: not what it should have been; `.reason` beside it says why
 * Several processes, also on several machines with one network file system, may work on it at once. Everything appears by
 * rename after fsync, and a record whose bytes are missing counts as missing: a crash at any moment leaves a good cache. */
#ifndef ORCHESTRATE_CACHE_PACKAGE_CACHE_H
#define ORCHESTRATE_CACHE_PACKAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "fetch/mirror.h"
#include "stream/digest.h"

struct cache;

/* Creates what is missing of the directory. log (may be NULL) must outlive the cache. All calls but cache_fetch are thread-safe on
 * one cache. */
must_check int cache_open(const char *dir, struct log *log, struct cache **ret, struct err *e);
void cache_close(struct cache *c);
DEFINE_CLEANUP(cache, struct cache, cache_close)

struct bucket;

/* An archive that keeps what a mirror has dropped: the same tree once more. address may hold `${last-seen}`, which becomes the time
 * when the file is known to have been published, as YYYYMMDDTHHMMSSZ. */
struct cache_archive {
	const struct strv *bases; /* what URLs of the list begin with, without trailing slashes */
	const char *address;
};
extern const char cache_archive_hole[]; /* "last-seen" */

/* Where packages may be had besides the mirrors. Order: the cache itself, bucket, bucket_url, mirrors, archive. Everything is
 * borrowed and must outlive its use. */
struct cache_upstream {
	struct bucket *bucket;	/* NULL: none */
	const char *bucket_url; /* public address of a bucket, read only; NULL: none */
	const struct cache_archive *archives;
	size_t archive_count;
	/* When a URL was last seen published, seconds since 1970; 0: not known. NULL: only the cache's own records say. */
	int64_t (*last_seen)(void *context, const char *url);
	void *context;
};

/* Copies the struct. Before that, and after {0}, there are only mirrors. Not while the cache is in use. */
void cache_set_upstream(struct cache *c, const struct cache_upstream *upstream);

/* What the cache has of one URL. Embedded; {.fd = -1} is empty. */
struct cache_entry {
	char *url;
	char *name; /* a safe file name: url_file_name() */
	char *from; /* the candidate, the bucket or the file it came from, without secrets; empty: adopted, the bytes were there
		     * already */
	struct digest digest;
	uint64_t size;	 /* bytes */
	int64_t fetched; /* seconds since 1970 */
	bool present;	 /* the bytes are there with this size (not hashed) */
	bool fresh;	 /* by cache_fetch: it was not there before */
	int fd;		 /* by cache_open_package only, else -1 */
};

/* Closes fd too. */
void cache_entry_release(struct cache_entry *entry);
#define cleanup_cache_entry __attribute__((cleanup(cache_entry_release)))

/* 1 recorded and the bytes are there, 0 not. *ret is filled when there is a record, present or not; else left alone. A damaged
 * record counts as none (warning). Costs one small read and one stat. */
must_check int cache_lookup(struct cache *c, const char *url, struct cache_entry *ret, struct err *e);

/* Opens a package for use: size and sha256 are verified now, on the very descriptor that ret->fd gives (position 0). expect NULL:
 * as recorded. Not there: ERR_NOT_FOUND. Wrong: set aside under bad/, ERR_CORRUPT naming the package and both digests; the next
 * cache_fetch gets it anew. Only the recorded size wrong: ERR_CORRUPT too, but the bytes stay. */
must_check int cache_open_package(struct cache *c, const char *url, const struct digest *expect, struct cache_entry *ret,
				  struct err *e);

struct cache_request {
	const char *url;
	bool digest_known;
	struct digest digest;
	bool size_known;
	uint64_t size;
};

/* Zero and NULL are the defaults. */
struct cache_fetch_options {
	struct mirror_table *mirrors;				       /* NULL: each URL is its own only candidate */
	unsigned parallel;					       /* files at once [8] */
	unsigned tries, backoff_ms, stall_seconds, connect_timeout_ms; /* struct fetch_options */
	const struct cancel *cancel;
	/* One item has ended, items that were there already too: failure NULL and *entry, or the failure and entry NULL. Called in
	 * the calling thread, once per item, as they end; items that were there come in the order given. Not called for items that
	 * a cancel left undone. */
	void (*on_done)(void *context, size_t i, const struct cache_entry *entry, const struct err *failure);
	/* A few times a second. bytes_total grows while sizes become known and only counts what is not there yet. */
	void (*on_progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
	void *context;
};

struct cache_fetched {
	size_t present, pulled, fetched, failed; /* items; they add up to n unless the call failed */
	uint64_t bytes;				 /* received by HTTP */
	uint64_t bytes_pulled;			 /* out of the bucket */
};

/* Gets what is missing: in one go from the bucket what that has, where there is one (what goes wrong with it is a warning), and
 * the rest by HTTP, in the order given (equal URLs count as one piece of work). An expected digest whose bytes are there under
 * another URL costs no download. Without an expected digest the recorded one counts; without a record the first download is trusted
 * and recorded. 0: done, *ret says how it went, single items may have failed. -1: cancelled, or the cache itself fails (full disk,
 * no permission); what was done stays. */
must_check int cache_fetch(struct cache *c, const struct cache_request *items, size_t n, const struct cache_fetch_options *options,
			   struct cache_fetched *ret, struct err *e);

struct cache_totals {
	uint64_t packages, bytes; /* contents: distinct, whatever the number of URLs */
	uint64_t urls;		  /* records */
	uint64_t partials, partial_bytes;
	uint64_t bad, bad_bytes; /* set aside */
};

must_check int cache_total(struct cache *c, struct cache_totals *ret, struct err *e);
/* Every record, in the order of the URL's digests. A callback's -1 ends the walk with its *e. The entry is borrowed. */
must_check int cache_list(struct cache *c, int (*each)(void *context, const struct cache_entry *entry, struct err *e),
			  void *context, struct err *e);
/* Removes packages/ whole: renamed away first, so that nobody sees half of it. The cache stays usable (empty). */
must_check int cache_delete(struct cache *c, struct err *e);

#endif
