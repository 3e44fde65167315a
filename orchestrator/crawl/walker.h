/* The state of a walk, and what a document does to it. Internal to walk.c and give.c. */
#ifndef ORCHESTRATE_CRAWL_WALKER_H
#define ORCHESTRATE_CRAWL_WALKER_H

#include <stdint.h>
#include <time.h>

#include "crawl/pool.h"
#include "crawl/scratch.h"
#include "crawl/visit.h"
#include "crawl/walk.h"

struct walk {
	const struct crawl_options *options;
	struct ledger *ledger;
	struct walk_index *indexes;
	size_t count;
	struct pool *pool;
	struct scratch scratch;
	struct pool_task *first, **end; /* visits that wait for their turn */
	size_t on_their_way;		/* with fetch */
	size_t in_pool;
	unsigned long long partials; /* names given so far */
	uint64_t expected;	     /* bytes, of what has a known size */
	time_t now;
};

/* An index_start_fn: 1 into the queue, 0 its URL was asked for before. context is the walk. */
must_check int walk_add(void *context, struct visit *v, struct err *e);
/* The index has failed by why: told, unless its mirror list has another repository to try. */
must_check int walk_fail(struct walk *w, struct walk_index *index, const struct err *why, struct err *e);
/* The same by one of its documents, which is named. Takes v over. -1 also for what is no fault of the index: cancelled. */
must_check int walk_fail_visit(struct walk *w, struct visit *v, const struct err *why, struct err *e);
/* Puts what a document gave to where it belongs: packages to those found, documents into the queue. Takes v over. */
must_check int walk_give(struct walk *w, struct visit *v, const struct buf *items, bool unchanged, struct err *e);

#endif
