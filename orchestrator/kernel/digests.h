/* What the lists' packages must be: the companion of `<name>.txt` is `<name>.digests`. */
#ifndef ORCHESTRATE_KERNEL_DIGESTS_H
#define ORCHESTRATE_KERNEL_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "stream/digest.h"

struct package_digest {
	char *url;
	struct digest sha256;
	uint64_t size_bytes;
	unsigned line; /* in the text that it was read from; 0: merged */
};

struct digest_table;

/* Format: lines `<sha256, 64 hex digits>  <size, decimal>  <url>`, two blanks between, ascending bytewise by URL; comments and the
 * rest as for kernel_list_parse. The first mistake ends it: ERR_INPUT, `name:line: text`. */
must_check int digest_table_parse(const char *text, size_t len, const char *name, struct digest_table **ret, struct err *e);
/* As digest_table_parse, but reads on: findings gets each mistake as `name:line: text` (kernel/findings.h), the first becomes the
 * error. */
must_check int digest_table_check(const char *text, size_t len, const char *name, struct digest_table **ret, struct strv *findings,
				  struct err *e);
/* A missing file is an empty table: digests are then recorded at first fetch. */
must_check int digest_table_load(const char *path, struct digest_table **ret, struct err *e);
void digest_table_free(struct digest_table *t);

/* NULL when the URL has none. Borrowed. */
const struct package_digest *digest_table_find(const struct digest_table *t, const char *url);
/* The one behind previous (NULL: the first), in no order; NULL at the end. */
const struct package_digest *digest_table_next(const struct digest_table *t, const struct package_digest *previous);
size_t digest_table_count(const struct digest_table *t);

enum digest_merged {
	DIGEST_ADDED, /* the URL had none */
	DIGEST_SAME,
	DIGEST_CHANGED, /* it had another digest or size: a package was replaced under its name */
};

/* Records what an index says of a package. What is there already stays, unless replace: *ret says which it is, either way. The URL
 * is checked as a list's: ERR_INPUT. */
must_check int digest_table_merge(struct digest_table *t, const struct package_digest *d, bool replace, enum digest_merged *ret,
				  struct err *e);
/* Appends the table in its format. Comment lines stay above the URL that they stood above, those above the first URL at the top,
 * those below the last at the end; a table that was encoded, parsed and encoded again is the same byte by byte. */
must_check int digest_table_encode(const struct digest_table *t, struct buf *text, struct err *e);
/* Replaces the file as a whole when it changes. No file is made for an empty table. */
must_check int digest_table_store(const struct digest_table *t, const char *path, struct err *e);
/* "x/debian.txt" -> "x/debian.digests"; a path that does not end in .txt gets .digests behind it. Caller frees. */
char *digest_table_path(const char *list_path, struct err *e);

DEFINE_CLEANUP(digest_table, struct digest_table, digest_table_free)

#endif
