/* The packages that indexes named. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_FOUND_H
#define ORCHESTRATE_CRAWL_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "stream/digest.h"

struct found_package {
	char *url;
	size_t index;	 /* the caller's number of the index that named it */
	bool chosen;	 /* else only a candidate, taken when something chosen depends on it */
	char *package;	 /* NULL: not told */
	struct strv depends;
	bool digest_known, size_known;
	struct digest sha256;
	uint64_t size;
};

/* Embedded; {0} is empty. */
struct found {
	struct found_package *items;
	size_t count, room;
};

void found_release(struct found *f);
/* Takes over what *p owns, also on failure. */
must_check int found_add(struct found *f, struct found_package *p, struct err *e);
/* Drops what was named by this index. */
void found_drop(struct found *f, size_t index);
/* Chooses the candidates that a chosen package depends on, and what those depend on, and so on; by name, within one index. The other
 * candidates go. What is left is ordered by URL, then index, each pair once. O(n log n). */
must_check int found_close(struct found *f, struct err *e);
/* How many packages of this index there are. */
size_t found_count(const struct found *f, size_t index);

#define cleanup_found __attribute__((cleanup(found_release)))

#endif
