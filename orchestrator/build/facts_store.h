/* What packages said about their kernel, kept so that a second run need not open them to know the plan. */
#ifndef ORCHESTRATE_BUILD_FACTS_STORE_H
#define ORCHESTRATE_BUILD_FACTS_STORE_H

#include "build/job.h"

/* Looks for the facts of job's packages (whose digests must be known) in <cache_dir>/facts. 1 found, 0 not; a damaged record counts
 * as none. */
must_check int facts_store_get(const char *cache_dir, const struct job *job, struct facts *ret, struct err *e);
must_check int facts_store_put(const char *cache_dir, const struct job *job, const struct facts *facts, struct err *e);

#endif
