/* The run: carries out a plan. Fetching, unpacking, building and collecting of different kernels overlap; one failing kernel costs
 * that kernel only. */
#ifndef ORCHESTRATE_BUILD_RUN_H
#define ORCHESTRATE_BUILD_RUN_H

#include "build/events.h"
#include "build/output.h"
#include "build/plan.h"

struct run_options {
	const struct inputs *inputs;
	const struct plan_options *plan; /* the one that the plan was made with */
	struct engine *engine;
	struct mirror_table *mirrors; /* for packages; the toolchains have one of their own */
	struct output *output;
	unsigned jobs;	    /* kernels at once */
	unsigned make_jobs; /* $JOBS of each */
	unsigned threads;   /* for decoding the packages of each, at least 1 */
	unsigned timeout_s; /* per kernel */
	struct log *log;
	const struct listener *listener;
	const struct cancel *cancel;
};

/* Brings every wanted task of the plan to its verdict, and the output tree in line with it. 0 also when kernels failed: the plan
 * says so. -1: cancelled, or the run itself can't go on; tasks may still be planned then. No container of ours is left either way.
 */
must_check int run_plan(const struct run_options *options, struct plan *plan, struct err *e);

struct run_counts {
	unsigned verdicts[VERDICT_COUNT]; /* wanted tasks */
};

void run_count(const struct plan *plan, struct run_counts *ret);

#endif
