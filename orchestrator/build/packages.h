/* A job's packages while it is at work: open, verified, and readable as archives. */
#ifndef ORCHESTRATE_BUILD_PACKAGES_H
#define ORCHESTRATE_BUILD_PACKAGES_H

#include "build/job.h"
#include "build/run.h"
#include "package/unpack.h"

/* {0} holds none. */
struct open_packages {
	int fds[UNPACK_PACKAGES_MAX];
	size_t count;
	bool repacked; /* those that are no archives have been replaced by what is made of them */
};

void open_packages_release(struct open_packages *p);
/* Replaces what is no archive (build/repacked.h); once is enough. */
must_check int packages_repack(const struct run_options *options, const struct job *job, struct open_packages *p, struct err *e);
/* The job's facts: those that are kept, else read from its packages, which are repacked before, and kept. */
must_check int packages_facts(const struct run_options *options, struct job *job, struct open_packages *p, struct err *e);

#endif
