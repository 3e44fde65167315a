/* What the lists' packages must be: the companion of `<name>.txt` is `<name>.digests`. */
#ifndef ORCHESTRATE_KERNEL_DIGESTS_H
#define ORCHESTRATE_KERNEL_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "stream/digest.h"

struct package_digest {
	char *url;
	struct digest sha256;
	uint64_t size_bytes;
};

struct digest_table;

/* Format: lines `<sha256, 64 hex digits>  <size, decimal>  <url>`, two blanks between, ascending bytewise by URL; comments and the
 * rest as for kernel_list_parse. The first mistake ends it: ERR_INPUT, `name:line: text`. */
must_check int digest_table_parse(const char *text, size_t len, const char *name, struct digest_table **ret, struct err *e);
/* A missing file is an empty table: digests are then recorded at first fetch. */
must_check int digest_table_load(const char *path, struct digest_table **ret, struct err *e);
void digest_table_free(struct digest_table *t);

/* NULL when the URL has none. Borrowed. */
const struct package_digest *digest_table_find(const struct digest_table *t, const char *url);
size_t digest_table_count(const struct digest_table *t);
/* "x/debian.txt" -> "x/debian.digests"; a path that does not end in .txt gets .digests behind it. Caller frees. */
char *digest_table_path(const char *list_path, struct err *e);

DEFINE_CLEANUP(digest_table, struct digest_table, digest_table_free)

#endif
