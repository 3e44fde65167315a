/* A bucket: packages and records that several machines share, reached through rclone(1). Layout, the same as the cache's own:
 *
 *   sha256/ab/<64 hex>            the bytes of a package, by their digest
 *   urls/ab/<64 hex of URL>.json  what a URL gave (record.h)
 *
 * Things are only ever added: nothing in a bucket is deleted or overwritten from here. What comes out of it is not trusted; that is
 * checked by who calls. */
#ifndef ORCHESTRATE_CACHE_BUCKET_H
#define ORCHESTRATE_CACHE_BUCKET_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

struct bucket;

/* place: a directory, `gs://bucket/path`, `s3://bucket/path` (credentials from the environment as the vendors' own tools take them;
 * RCLONE_S3_ENDPOINT and RCLONE_S3_PROVIDER for S3 of others), or whatever rclone takes: `remote:path`,
 * `:backend,key=value:path`. Neither opens nor creates anything. Not usable: ERR_USAGE. log and cancel may be NULL and must
 * outlive it. */
must_check int bucket_new(const char *place, struct log *log, const struct cancel *cancel, struct bucket **ret, struct err *e);
void bucket_free(struct bucket *b);
DEFINE_CLEANUP(bucket, struct bucket, bucket_free)

/* For messages and records: without what stands in a connection string. Borrowed. */
const char *bucket_shown(const struct bucket *b);

/* All called in the calling thread; any may be NULL. */
struct bucket_events {
	void (*moved)(void *context, const char *name);				    /* one file is whole at its destination */
	void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total); /* of this call */
	/* bucket_get: the place gives other bytes than it says itself it has; the file did not come. May be called again for the
	 * same file, which may still come. Where this is given that alone does not make the call fail. */
	void (*damaged)(void *context, const char *name, const char *why);
	void *context;
};

/* Every file below sub ("sha256", "urls"): its name from there on, and its size in bytes. 0; 1 the bucket has no sub. A callback's
 * -1 ends it with its *e. */
must_check int bucket_list(struct bucket *b, const char *sub,
			   int (*each)(void *context, const char *name, uint64_t size, struct err *e), void *context,
			   struct err *e);
/* Copies what is there of these names (relative to the bucket's root) to below dir; names that the bucket does not have are passed
 * over. -1: something else went wrong (ERR_FAILED, ERR_CANCELLED); some files may have come. */
must_check int bucket_get(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events,
			  struct err *e);
/* Copies these names from below dir into the bucket, those it has left as they are. Nobody sees half a file under its name, also
 * where the bucket is a directory. On a file system the unfinished files of a killed run stay in `.incoming.<8 hex>`. */
must_check int bucket_put(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events,
			  struct err *e);
/* 1 there is something at the place, 0 there is nothing. */
must_check int bucket_exists(struct bucket *b, struct err *e);

#endif
