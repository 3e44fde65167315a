/* Threads that parse what has been fetched, while more is on its way. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_POOL_H
#define ORCHESTRATE_CRAWL_POOL_H

#include <stdbool.h>

#include "base/err.h"

/* First member of what is worked on. */
struct pool_task {
	struct pool_task *next;
};

struct pool;

/* work is called in the pool's threads. */
must_check int pool_new(unsigned threads, void (*work)(struct pool_task *task), struct pool **ret, struct err *e);
/* Lets the threads finish what they are at; the rest is not begun. Gives the tasks that the pool still has, as a chain. NULL is fine. */
struct pool_task *pool_free(struct pool *p);
/* Hands a task over until pool_take gives it back. */
void pool_put(struct pool *p, struct pool_task *task);
/* A task that is done, in the order of ending; NULL: none is now. */
struct pool_task *pool_take(struct pool *p);
/* Readable when pool_take has something to give. */
int pool_fd(const struct pool *p);
/* More tasks wait than the threads will get at soon. */
bool pool_is_full(struct pool *p);

#endif
