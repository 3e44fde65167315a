/* Of two crawls at once only one at a time reads and writes the lists of a directory. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_LISTS_LOCK_H
#define ORCHESTRATE_CRAWL_LISTS_LOCK_H

#include "base/err.h"

/* Waits for the lock on the directory of the list at path; it is made where it is missing, and nothing is left behind in it. What a
 * crawl that was killed left half written of this list and its companions is removed. The lock goes with the descriptor, which the
 * caller closes. -1 with *e. */
must_check int lists_lock(const char *path, struct err *e);

#endif
