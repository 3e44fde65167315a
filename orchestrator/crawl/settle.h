/* From what the indexes of one distro list to its list, digests, counts and ledger, and to the report. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_SETTLE_H
#define ORCHESTRATE_CRAWL_SETTLE_H

#include "crawl/crawl.h"
#include "crawl/known.h"
#include "crawl/walk.h"
#include "ledger/ledger.h"

struct settling {
	const struct crawl_options *options;
	const struct distro *distro;
	struct ledger *ledger;
	struct walk_index *indexes; /* of this distro, walked */
	size_t index_count;
	struct found *found; /* of these */
	int64_t now;	     /* seconds since 1970 */
};

/* Completes *ret, whose name is set. All indexes good and none much smaller than before: brings everything up to date (in a dry
 * run: finds out what that would be). Else the files stay as they are. A failure to write is -1, and what has been written until
 * then has lost nothing; *ret then has what the files say is known. */
must_check int settle(struct settling *s, struct distro_report *ret, struct err *e);

#endif
