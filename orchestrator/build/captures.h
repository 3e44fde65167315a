/* What a kernel's own packages say of it (package/capture.h), out of the package cache: for checks of objects that are there
 * already. */
#ifndef ORCHESTRATE_BUILD_CAPTURES_H
#define ORCHESTRATE_BUILD_CAPTURES_H

#include "base/cancel.h"
#include "build/inputs.h"
#include "cache/package_cache.h"

/* Reads the packages (each verified against the list's digest) in the filter process; those that are no archives are repacked below
 * cache_dir before. *ret_fd: the captures, in memory; caller closes. ERR_NOT_FOUND, with what to do about it: a package is not in
 * the cache, or there is none (cache NULL). */
must_check int captures_take(struct cache *cache, const char *cache_dir, const struct distro_inputs *distro,
			     const struct kernel *kernel, unsigned threads, const struct cancel *cancel, int *ret_fd,
			     struct err *e);

/* The name that a module built by this probe has: that of the file it is linked to, with underscores for dashes, as kbuild has it.
 * NULL with *e unset: the probe has no modules, or its file is not called so. Caller frees. */
char *captures_module_name(const struct probe *probe);

#endif
