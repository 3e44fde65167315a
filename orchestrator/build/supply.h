/* The supply of packages: one thread fetches what the jobs lack, in their order, while earlier jobs are built already. */
#ifndef ORCHESTRATE_BUILD_SUPPLY_H
#define ORCHESTRATE_BUILD_SUPPLY_H

#include "base/cancel.h"
#include "base/cleanup.h"
#include "build/job.h"
#include "cache/package_cache.h"

struct supply;

struct supply_options {
	struct cache *cache;
	struct mirror_table *mirrors;
	const struct listener *listener;
	/* One package is there, or can't be had (failure set). Called from the supply's thread. */
	void (*arrived)(void *context, struct job *job, const struct err *failure);
	void *context;
};

/* Asks for all packages of the jobs that have work; arrived comes exactly once per package of each such job. Everything is
 * borrowed and must outlive the result. */
must_check int supply_start(const struct supply_options *options, struct job *jobs, size_t count, struct supply **ret,
			    struct err *e);
/* Asks again for one package of a job (it was found damaged and set aside); arrived comes once more for it. Thread-safe. */
must_check int supply_again(struct supply *s, struct job *job, size_t package, struct err *e);
/* Ends all downloads under way with ERR_CANCELLED: arrived says so for each. What there is of them stays for the next run. */
void supply_stop(struct supply *s);
/* Stops what is still being fetched (what there is of it stays for the next run), joins the thread, frees. NULL is fine. */
void supply_free(struct supply *s);

DEFINE_CLEANUP(supply, struct supply, supply_free)

#endif
