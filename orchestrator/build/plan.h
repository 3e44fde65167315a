/* The plan: for every kernel asked for what is to be built, with what, and what needs no building. Nothing is fetched, built or
 * written. */
#ifndef ORCHESTRATE_BUILD_PLAN_H
#define ORCHESTRATE_BUILD_PLAN_H

#include "build/job.h"
#include "build/toolchains.h"
#include "cache/artifact.h"
#include "cache/package_cache.h"

struct plan_options {
	const struct strv *kernels; /* globs (fnmatch(3)) on ids; empty: all */
	bool kinds[KIND_COUNT];
	const char *cache_dir;
	struct cache *cache;		  /* NULL: there is none yet */
	struct artifact_store *artifacts; /* the same */
	struct toolchains *toolchains;
	bool rebuild; /* take nothing from the artifact store */
};

struct plan {
	struct job *jobs; /* in the order of distros and kernels */
	size_t count;
};

/* Globs that match no kernel are ERR_USAGE: a misspelt one must not look like success; so is a probe that has none of the kinds
 * asked for. A kernel that can't be built as things stand (its packages' format is unknown to package/format.h, the list does not
 * say its release, its descriptor has no tree) fails by itself, with the reason. Two distros with a kernel of the same id:
 * ERR_INPUT, for the output tree has one name for both. */
must_check int plan_make(const struct inputs *in, const struct plan_options *options, struct plan *ret, struct err *e);
void plan_release(struct plan *p);

#define cleanup_plan __attribute__((cleanup(plan_release)))

/* Takes in what the job's facts say about the kernel itself. Where only they tell its release, it gets that and its name, and is
 * asked about anew: block list and floors. Tasks that can't be done then end here. ERR_CHECK: the packages are of another kernel
 * than the list says, or don't say which compiler it wants. */
must_check int plan_learn(const struct inputs *in, struct job *job, struct err *e);
/* Ends the job's tasks as reused: another job's objects, which have the same name, stand for its own. Lists that name releases of a
 * system have several with the same kernel. */
void plan_yield(struct job *job, const struct job *to);

/* Decides on the toolchain from the job's facts (from the descriptor's expectation without facts; where there is none,
 * has_choice stays false). -1 with ERR_NOT_FOUND when none
 * fits. */
must_check int plan_choose(struct toolchains *toolchains, struct job *job, struct err *e);
/* Fills in the build keys, and ends as reused what the artifact store has. The job must have digests, facts and a choice. */
must_check int plan_reuse(const struct inputs *in, const struct plan_options *options, struct job *job, const char *toolchain_id,
			  struct err *e);
/* From the lists' companion files, else from what the cache has recorded. 1 all known, 0 not. */
must_check int plan_find_digests(const struct plan_options *options, struct job *job, struct err *e);

#endif
