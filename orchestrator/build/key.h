/* The build key: what a build's result depends on, as one digest. Same key, same output: it is never built twice. */
#ifndef ORCHESTRATE_BUILD_KEY_H
#define ORCHESTRATE_BUILD_KEY_H

#include "build/job.h"

/* sha256 over length-prefixed fields: the scheme's version, kind, names of probe, distro and kernel, release and architecture,
 * toolchain image id, the probe's sources of that kind, the in-container script, the environment that it gets (build/environment.h:
 * build command, compilers, module version, ...), the expanded tree rules, the package digests in order and which of them are
 * shared (where these lie is in the environment). The job must have package
 * digests and a choice. */
must_check int build_key(const struct inputs *in, const struct job *job, enum probe_kind_id kind, const char *toolchain_id,
			 struct digest *ret, struct err *e);

#endif
