/* The build key: what a build's result depends on, as one digest. Same key, same output: it is never built twice. */
#ifndef ORCHESTRATE_BUILD_KEY_H
#define ORCHESTRATE_BUILD_KEY_H

#include "build/job.h"

/* sha256 over length-prefixed fields: the scheme's version, kind, the probe's sources of that kind, build command, output name,
 * module version, release and architecture, package digests in order, toolchain image id and the compiler chosen in it, the
 * in-container script, the descriptor's build-relevant part. The job must have package digests and a choice. */
must_check int build_key(const struct inputs *in, const struct job *job, enum probe_kind_id kind, const char *toolchain_id,
			 struct digest *ret, struct err *e);

#endif
