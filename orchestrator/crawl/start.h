/* Where an index begins. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_START_H
#define ORCHESTRATE_CRAWL_START_H

#include "crawl/visit.h"
#include "crawl/walk.h"

/* The keyring, the rules' digest, the environment. An index whose access is not set becomes INDEX_SKIPPED. -1: it can't be walked;
 * the caller fails it with *e. */
must_check int index_prepare(struct walk_index *index, const char *root, struct err *e);

/* Takes the visit over. 1 it is to come, 0 it was asked for before, -1; NULL (out of memory, *e is set): -1. */
typedef int index_start_fn(void *context, struct visit *v, struct err *e);
/* Its roots and the visits to its first documents. */
must_check int index_start(struct walk_index *index, index_start_fn *start, void *context, struct err *e);

/* url: len bytes. */
must_check int index_add_root(struct walk_index *index, const char *url, size_t len, struct err *e);
/* FAILED or SKIPPED. reason is taken over; NULL: -1. Drops what it has found. */
must_check int index_fail(struct walk_index *index, enum index_state state, char *reason, struct err *e);

#endif
