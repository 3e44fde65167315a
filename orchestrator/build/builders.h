/* The builder containers of one run: one per distro family and toolchain image in use, started when first needed, replaced when it
 * dies, gone at the end. Each holds on to us by a lease on its stdin, so that it ends by itself when this process is killed. */
#ifndef ORCHESTRATE_BUILD_BUILDERS_H
#define ORCHESTRATE_BUILD_BUILDERS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

struct engine;
struct builders;

/* Slots beyond those of the workers are for what the workers do in a builder as somebody else than their job. */
enum { BUILDERS_SLOTS_MAX = 256, BUILDERS_USERS_MAX = 2 * BUILDERS_SLOTS_MAX, BUILDERS_USER_MAX = 32 };

struct builders_options {
	struct engine *engine;
	const char *seccomp_profile;
	unsigned jobs; /* kernels at once: sets the size of the work file system and the process limit */
	struct log *log;
};

/* Options are borrowed and must outlive the result. */
must_check int builders_new(const struct builders_options *options, struct builders **ret, struct err *e);
/* Removes all containers; what fails is logged. */
void builders_free(struct builders *b);

/* The running container for this family and image. *ret_id (caller frees) stays the same until the container dies or is replaced.
 * Thread-safe, as are all below. */
must_check int builders_get(struct builders *b, const char *family, const char *image_id, char **ret_id, struct err *e);
/* Whether the container is still up: 1, 0 when it died (the next builders_get makes a new one). */
must_check int builders_alive(struct builders *b, const char *container_id, struct err *e);
/* Takes a container out of use: it is removed with all that runs in it, and the next builders_get makes a new one. */
void builders_discard(struct builders *b, const char *container_id);
/* Who works in slot `slot` (below BUILDERS_USERS_MAX) of any builder, as "uid:gid" for exec: jobs that run at once have users of
 * their own, so that one can neither touch nor signal another. */
void builders_user(unsigned slot, char ret[BUILDERS_USER_MAX]);
/* Ends every process of the slot's user by force and removes the job's directory, while other jobs in the container go on. -1: it
 * could not be done, the container should be discarded. */
must_check int builders_kill_job(struct builders *b, const char *container_id, unsigned slot, const char *job, struct err *e);

DEFINE_CLEANUP(builders, struct builders, builders_free)

#endif
