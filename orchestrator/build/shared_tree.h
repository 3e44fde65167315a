/* The packages that a kernel shares with others (`shared: true` in its distro's descriptor), as a tree of their own in a builder:
 * unpacked once, by a user that no job has, so that no job can write to it; each links it into its own tree (images/build.sh).
 * Who needs which of them for how long is written in build/shared_trees.h. */
#ifndef ORCHESTRATE_BUILD_SHARED_TREE_H
#define ORCHESTRATE_BUILD_SHARED_TREE_H

#include "build/builders.h"
#include "build/job.h"
#include "build/shared_trees.h"
#include "package/unpack.h"

struct build_log;

/* What a kernel shares does not depend on which others are built: a kernel that has shared packages is always laid out so. */
bool shared_tree_wanted(const struct kernel *kernel);
/* The same text for kernels of a distro whose shared packages are the same, before anything is known about these. Caller frees;
 * NULL on failure. */
char *shared_tree_need(const struct job *job, struct err *e);
/* Where it is in any builder, "/work/common_<digest>": over the scheme, the packages in order and the rules for them. The job must
 * have package digests. Caller frees; NULL on failure. */
char *shared_tree_path(const struct job *job, struct err *e);

/* Some of a kernel's packages, in its order. Names are borrowed from the kernel, descriptors from package_fds. */
struct package_part {
	int fds[UNPACK_PACKAGES_MAX];
	const char *names[UNPACK_PACKAGES_MAX];
	size_t count;
};

/* Its shared packages, or its own. */
void package_part(const struct kernel *kernel, const int package_fds[], bool shared, struct package_part *ret);

struct shared_tree_spec {
	struct engine *engine;
	const struct shared_place *place;
	unsigned threads; /* for decoding */
	int64_t deadline_ms;
	const struct cancel *cancel;
	struct build_log *log; /* what tar has to say */
};

/* Unpacks the job's shared packages at the place, with their captures into its captures_fd, where it has one. -1: as exec_pump and
 * filter_wait (the message names the package); a part may be there, and processes may run: builders_kill_job for the user of
 * shared_tree_slot ends both. */
must_check int shared_tree_make(const struct shared_tree_spec *spec, const struct job *job, const int package_fds[], struct err *e);
/* The slot whose user (builders_user) makes trees for the jobs of `slot`. */
unsigned shared_tree_slot(unsigned slot);
/* Removes from the builders what nobody needs any more; what fails is logged. */
void shared_tree_sweep(struct shared_trees *trees, struct engine *engine, struct log *log);

#endif
