/* Packages that are no archives (disk images, single files), as the archives that package/repack.h makes of them. Making one of an
 * image takes a minute or more, so they are kept in the cache, below repacked/, by what they are made of. */
#ifndef ORCHESTRATE_BUILD_REPACKED_H
#define ORCHESTRATE_BUILD_REPACKED_H

#include "base/cancel.h"
#include "base/err.h"
#include "build/job.h"

/* Whether a package of the kernel must be repacked before it is read. */
bool repacked_wanted(const struct job *job, size_t package);
/* An archive of the job's package number `package`, of which package_fd is open and verified: one that is kept and whole, or a new
 * one. *ret_fd is the caller's. The job must have package digests. -1: as filter_wait; the message names the package. */
must_check int repacked_open(const char *cache_dir, const struct job *job, size_t package, int package_fd,
			     const struct cancel *cancel, int *ret_fd, struct err *e);
/* For build keys: nothing where nothing is repacked, so that keys stay. */
must_check int repacked_hash(struct hasher *h, const struct job *job, struct err *e);

#endif
