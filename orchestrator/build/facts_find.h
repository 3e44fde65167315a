/* The facts of one kernel, for those who build nothing: from the store, else from packages that are in the cache. */
#ifndef ORCHESTRATE_BUILD_FACTS_FIND_H
#define ORCHESTRATE_BUILD_FACTS_FIND_H

#include "base/cancel.h"
#include "build/job.h"
#include "build/plan.h"

/* Fills job->facts; of the options the cache counts. What is read off packages is stored. 1 found, 0: neither are they known nor
 * are the packages at hand (also: they were damaged). */
must_check int facts_find(const struct plan_options *options, struct job *job, const struct cancel *cancel, struct err *e);

#endif
