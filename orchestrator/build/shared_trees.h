/* Which shared trees (build/shared_tree.h) there are in which builder, who makes them, who waits for them, and when nobody needs
 * one any more. It keeps the books only: making and removing is its callers' work. Thread-safe.
 *
 * A tree is named by the builder it is in and its path there. What jobs say beforehand is a `need`: any text that is the same for
 * the jobs that will want the same tree, known before that tree's path is. */
#ifndef ORCHESTRATE_BUILD_SHARED_TREES_H
#define ORCHESTRATE_BUILD_SHARED_TREES_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct shared_trees;

/* A tree in a builder. Valid for who holds it. */
struct shared_place {
	char *container, *path, *need;
	unsigned slot;	 /* of who made it */
	int captures_fd; /* what its maker has put here (package/capture.h), closed with the place; -1: nothing */
};

must_check int shared_trees_new(struct shared_trees **ret, struct err *e);
void shared_trees_free(struct shared_trees *t);

/* One job more will need it. */
must_check int shared_trees_expect(struct shared_trees *t, const char *need, struct err *e);
/* One of them has ended, whether it used a tree or not. */
void shared_trees_leave(struct shared_trees *t, const char *need);

/* The tree, held until shared_trees_put. 0: it is there. 1: it is not, and the caller, in slot `slot`, must make it, and say
 * shared_trees_made or shared_trees_failed; who asks meanwhile waits. -1: what the maker failed with, for those who waited for it
 * and nobody else: the next to ask becomes maker; ERR_TIMEOUT at deadline_ms (as clock_now_ms; 0: none); ERR_CANCELLED after
 * shared_trees_stop; ERR_TEMPORARY when the builder is gone. */
must_check int shared_trees_get(struct shared_trees *t, const char *container, const char *path, const char *need, unsigned slot,
				int64_t deadline_ms, struct shared_place **ret, struct err *e);
void shared_trees_made(struct shared_trees *t, struct shared_place *place);
/* The maker no longer holds the place after it. */
void shared_trees_failed(struct shared_trees *t, struct shared_place *place, const struct err *why);
void shared_trees_put(struct shared_trees *t, struct shared_place *place);
/* The builder is gone, with all trees in it. */
void shared_trees_forget(struct shared_trees *t, const char *container);
/* All who wait, now or later, are sent away. */
void shared_trees_stop(struct shared_trees *t);

/* A tree that nobody holds and no job is expected to need. 1: the caller must remove it and say shared_trees_removed; who asks for
 * it meanwhile waits, then makes it anew. 0: there is none, or no job that needs any tree is left: then the builders are about to
 * go. */
int shared_trees_unneeded(struct shared_trees *t, struct shared_place **ret);
void shared_trees_removed(struct shared_trees *t, struct shared_place *place);

DEFINE_CLEANUP(shared_trees, struct shared_trees, shared_trees_free)

#endif
