/* One kernel's way through a run. */
#ifndef ORCHESTRATE_BUILD_JOB_H
#define ORCHESTRATE_BUILD_JOB_H

#include <stdbool.h>

#include "build/events.h"
#include "build/inputs.h"
#include "package/facts.h"
#include "stream/digest.h"
#include "toolchain/choose.h"

/* One object to make of a kernel. */
struct task {
	bool wanted;
	enum verdict verdict;
	char *reason;		       /* owned; why the verdict is what it is */
	const struct block_rule *rule; /* VERDICT_BLOCKED: the rule, borrowed from the inputs */
	bool yielded; /* VERDICT_REUSED: another kernel's objects, which have the same name, stand for it (plan_yield) */
	bool has_key;
	struct digest key;
};

struct job {
	const struct distro_inputs *distro;
	const struct kernel *kernel; /* as its list has it, or, once its packages have told its release, &told */
	const struct kernel *listed; /* as its list has it, always; NULL: as kernel */
	struct kernel told;	     /* {0} until then */
	struct task tasks[KIND_COUNT];

	struct digest *package_digests; /* of kernel->packages, in order; NULL until all are known */
	bool has_facts;
	struct facts facts;
	int wanted_gcc, wanted_clang; /* majors, by its facts or by what is expected; 0: not told */
	char *missing;		      /* owned; why no toolchain fits; NULL while one does, or none was looked for */
	bool has_choice;
	struct toolchain_choice choice; /* expected while !has_facts, decided by the facts after */

	char *shared_need; /* in a run: shared_tree_need, when it shares packages and has work; else NULL */

	/* Under the scheduler's lock. */
	unsigned packages_missing;
	bool taken;
	bool named;	  /* its kernel's id is what its objects are called by, and stays */
	bool had_work;	  /* when the run began */
	bool asked_again; /* a damaged package of it was fetched a second time */
};

/* The kernel as its list has it: what it is called as long as it is on its way. */
const struct kernel *job_listed(const struct job *job);
/* True when a task of the job is still to be built. */
bool job_has_work(const struct job *job);
/* Ends the task: takes the reason over. */
void task_end(struct task *task, enum verdict verdict, char *reason);
/* Ends all tasks of the job that are still planned as failed. */
void job_fail(struct job *job, const char *reason);
void job_release(struct job *job);

#endif
