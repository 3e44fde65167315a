/* The walk through the documents of all indexes: what is fetched, when it is parsed, what it leads to. One fetch object gets them
 * in the calling thread, a pool parses beside it; the ledger remembers what each document gave, so that one that has not changed is
 * neither fetched nor parsed again. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_WALK_H
#define ORCHESTRATE_CRAWL_WALK_H

#include <stdint.h>

#include "crawl/crawl.h"
#include "crawl/found.h"
#include "index/document.h"
#include "index/rules.h"
#include "ledger/ledger.h"

/* Where documents of an index begin: what is relative to the root is relative to url. */
struct walk_root {
	char *url;	 /* without a slash at the end */
	uint64_t named;	 /* packages, taken or not */
	uint64_t chosen; /* of those */
};

/* A URL that has been asked for; internal to visits. */
struct seen_url;

/* One index on its walk. Owned by the walk. */
struct walk_index {
	/* the caller's */
	const char *distro;
	const struct index_rules *rules;
	size_t number; /* of its packages in `found` */
	struct found *found;

	/* what came of it; a failed one has no packages in `found` */
	enum index_state state; /* INDEX_GOOD until something else is known */
	char *reason;		/* of INDEX_FAILED (with the document's URL) and INDEX_SKIPPED (the variable) */
	size_t documents, unchanged;
	uint64_t bytes;

	/* the walk's own */
	char *keyring;
	struct digest rules_digest; /* of the rules and of what is in the keyring */
	struct walk_root *roots;
	size_t root_count;
	/* Repositories that a mirror list names: the first good one is taken. */
	struct strv repositories;
	size_t attempt; /* of them; what belongs to an earlier one is dropped */
	struct seen_url *seen;
	size_t visits; /* that are not at their end */
};

void walk_index_release(struct walk_index *index);

/* Walks all; each ends as good, failed or skipped. -1: cancelled, or the ledger or the machine failed. on_progress as in the
 * options.
 */
must_check int walk_run(const struct crawl_options *options, struct ledger *ledger, struct walk_index *indexes, size_t count,
			struct err *e);

#endif
