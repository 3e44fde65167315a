/* Trials of many kernels, some at once. */
#ifndef ORCHESTRATE_PROVE_RUN_H
#define ORCHESTRATE_PROVE_RUN_H

#include "prove/trial.h"

struct prove_task {
	const struct distro *distro; /* borrowed, as is the kernel */
	const struct kernel *kernel;
	struct trial_object objects[KIND_COUNT];
};

/* Everything is borrowed. */
struct prove_options {
	bool kinds[KIND_COUNT];
	bool events;	       /* the probe's objects must report what happens */
	bool again;	       /* don't believe the ledger */
	unsigned jobs;	       /* guests at once, 1 to PROVE_JOBS_MOST */
	unsigned timeout_s;    /* of one guest */
	const char *init_path; /* the guest's program */
	struct cache *cache;
	struct mirror_table *mirrors;
	struct ledger *ledger; /* NULL: none */
	struct log *log;
	const struct cancel *cancel;
	/* A kernel's turn has come; one of its kinds is done; all are. One call at a time. */
	void (*begun)(void *context, const struct kernel *k);
	void (*done)(void *context, const struct proof *p);
	void (*ended)(void *context, const struct kernel *k);
	void *context;
};

enum { PROVE_JOBS_MOST = 64 };

struct proof_set {
	struct proof *items; /* in the order of the tasks, kinds behind each other; those not asked for are left out */
	size_t count;
};

void proof_set_release(struct proof_set *set);
#define cleanup_proof_set __attribute__((cleanup(proof_set_release)))

/* Every task and kind asked for ends with a verdict. -1: cancelled, or nothing can go on; what was done until then was told by
 * `done`. No guest is left either way. */
must_check int prove_run(const struct prove_options *options, const struct prove_task *tasks, size_t count, struct proof_set *ret,
			 struct err *e);

#endif
