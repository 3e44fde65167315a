/* What a recipe with a Dockerfile gives the engine to build from: the files of its folder, as a tar. */
#ifndef ORCHESTRATE_TOOLCHAIN_BUILD_CONTEXT_H
#define ORCHESTRATE_TOOLCHAIN_BUILD_CONTEXT_H

#include "base/err.h"
#include "descriptor/recipe.h"
#include "stream/digest.h"
#include "stream/source.h"

/* The argument of the build that holds the base with its digest. */
#define BUILD_CONTEXT_BASE "BASE"

/* 0 when the Dockerfile is there, has a FROM, and no FROM that names anything but `${BASE}`: what is not pinned in image.yaml would
 * give another image each month under the same name. ERR_INPUT with file and line. The recipe must have been read from a folder. */
must_check int build_context_check(const struct recipe *recipe, struct err *e);
/* The regular files of the folder, but for image.yaml and what begins with a dot, sorted, mode 0644, mtime 0; directories are
 * ERR_INPUT. Made while it is read. Checks as above. NULL with *e. */
struct source *build_context_open(const struct recipe *recipe, struct err *e);
/* Of the tar's bytes: the same files, the same digest. */
must_check int build_context_digest(const struct recipe *recipe, struct digest *ret, struct err *e);

#endif
