/* How many packages each index of a distro listed at its last good crawl: the companion of `<name>.txt` is `<name>.counts`. It is
 * kept beside the list, not only in the ledger, so that a crawl in a fresh checkout with an empty cache notices that an index has
 * shrunk. */
#ifndef ORCHESTRATE_CRAWL_COUNTS_H
#define ORCHESTRATE_CRAWL_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct index_count {
	char *index;
	uint64_t packages;
	unsigned line; /* in the file that it was read from; 0: set since */
};

/* Embedded; {0} is empty. */
struct index_counts {
	struct index_count *items; /* by name, bytewise */
	size_t count;
};

void index_counts_release(struct index_counts *c);
/* "x/debian.txt" -> "x/debian.counts"; a path that does not end in .txt gets .counts behind it. NULL when out of memory. */
char *index_counts_path(const char *list_path, struct err *e);
/* Format: lines `<packages, decimal>  <index>`, LF, comments as in lists. A missing file is empty; a mistake: ERR_INPUT,
 * `path:line: text`. */
must_check int index_counts_load(const char *path, struct index_counts *ret, struct err *e);
/* 0 when it is not known. */
uint64_t index_counts_find(const struct index_counts *c, const char *index);
must_check int index_counts_set(struct index_counts *c, const char *index, uint64_t packages, struct err *e);
/* Replaces the file when it is not just so already. */
must_check int index_counts_save(const struct index_counts *c, const char *path, struct err *e);

#define cleanup_index_counts __attribute__((cleanup(index_counts_release)))

#endif
