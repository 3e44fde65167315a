/* The environment in which images/build.sh runs: what a build's result can depend on, so all of it is part of the build key. */
#ifndef ORCHESTRATE_BUILD_ENVIRONMENT_H
#define ORCHESTRATE_BUILD_ENVIRONMENT_H

#include "build/job.h"

/* Appends NAME=value for both kinds: BUILD_DIR, SHARED_TREE (where it shares packages: build/shared_tree.h), KERNEL_RELEASE,
 * ARCH, MODULE_VERSION, the compilers, the recipe's own variables,
 * MAKEFLAGS with the descriptor's. The job must have package digests and a choice. Always in the same order. */
must_check int environment_common(const struct inputs *in, const struct job *job, struct strv *env, struct err *e);
/* Appends BUILD_<kind> and OUTPUT_<kind>. */
must_check int environment_kind(const struct inputs *in, enum probe_kind_id kind, struct strv *env, struct err *e);

#endif
