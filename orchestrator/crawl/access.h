/* The keys to a private index, out of the environment. */
#ifndef ORCHESTRATE_CRAWL_ACCESS_H
#define ORCHESTRATE_CRAWL_ACCESS_H

#include "base/buf.h"
#include "base/err.h"
#include "fetch/access.h"
#include "index/rules.h"

/* 1 and *ret filled (released by the caller) when the environment has all that the index wants, 0 when it lacks something: then
 * *ret_missing names the variable (borrowed from a). A token file that can't be read, or that is empty: -1, without what is in it.
 * An index that wants nothing: 1 with an empty *ret. */
must_check int access_from_environment(const struct index_access *a, struct fetch_access *ret, const char **ret_missing,
				       struct err *e);

#endif
