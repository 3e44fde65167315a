/* One kernel in a builder: header tree in, objects out. */
#ifndef ORCHESTRATE_BUILD_SESSION_H
#define ORCHESTRATE_BUILD_SESSION_H

#include "build/build_log.h"
#include "build/builders.h"
#include "build/job.h"
#include "build/shared_trees.h"
#include "cache/artifact.h"

struct session_options {
	const struct inputs *inputs;
	struct engine *engine;
	struct builders *builders;
	struct shared_trees *shared; /* expects the job's need, where it has one */
	struct artifact_store *artifacts;
	bool rebuild;	    /* what the store has under these keys is replaced */
	unsigned slot;	    /* builders_user; of no other session at the same time */
	unsigned make_jobs; /* $JOBS of the build commands */
	unsigned threads;   /* for decoding packages */
	unsigned timeout_s; /* for one kernel, everything in the builder included */
	const struct cancel *cancel;
	const struct listener *listener; /* phases of the kernel */
	struct log *log;
};

/* What became of one wanted object. */
struct session_object {
	bool built;
	struct artifact artifact; /* built: where it is in the store */
	char *reason;		  /* not built: why, in one line; owned */
};

struct session_result {
	struct session_object objects[KIND_COUNT];
	struct build_log log;
};

/* Builds what the job's planned tasks want, in the builder for its family and toolchain_id. package_fds: verified packages, in
 * the kernel's order, shared. Objects go through the gate into the artifact store under their keys (tasks need has_key).
 * 0: done, *ret says per kind how it went. -1: ERR_CANCELLED; ERR_TEMPORARY when the builder died beneath us, which is not
 * the kernel's fault for sure: worth another try; anything else is final: ours, or what the packages that it shares with other
 * kernels failed with (ERR_TIMEOUT: the time was up). *ret must be initialised; released by
 * session_result_release whatever came of it. */
must_check int session_run(const struct session_options *options, const struct job *job, const char *toolchain_id,
			   const int package_fds[], struct session_result *ret, struct err *e);
/* Before first use, and after a release for another. */
void session_result_init(struct session_result *r);
void session_result_release(struct session_result *r);

#define cleanup_session_result __attribute__((cleanup(session_result_release)))

#endif
