/* The kernel that a guest boots: out of the distribution's own package, by way of the package cache. */
#ifndef ORCHESTRATE_PROVE_IMAGE_H
#define ORCHESTRATE_PROVE_IMAGE_H

#include <pthread.h>

#include "base/cancel.h"
#include "base/err.h"
#include "cache/package_cache.h"
#include "descriptor/distro.h"
#include "fetch/mirror.h"

/* Several threads may ask one of these. Embedded. */
struct image_source {
	struct cache *cache; /* borrowed, as is all below */
	struct mirror_table *mirrors;
	const struct cancel *cancel;
	pthread_mutex_t fetching; /* one at a time */
};

must_check int image_source_init(struct image_source *s, struct err *e);
void image_source_release(struct image_source *s);

/* The package with a kernel's image. Embedded; {0} is empty. */
struct image {
	char *url, *name; /* name: of the file */
	char *kernel;	  /* path of the kernel in it */
	struct digest digest;
};

void image_release(struct image *i);
#define cleanup_image __attribute__((cleanup(image_release)))

/* 1 *ret is the package that the cache knows for this kernel, whether its bytes are there or not; 0 it knows none. */
must_check int image_known(struct image_source *s, const struct distro *d, const struct kernel *k, struct image *ret,
			   struct err *e);
/* Sees to it that the package is in the cache: the first of the places that the descriptor names at which there is one. The
 * descriptor names none, or there is nothing at any of them: ERR_NOT_FOUND; else what went wrong. */
must_check int image_get(struct image_source *s, const struct distro *d, const struct kernel *k, struct image *ret, struct err *e);
/* The kernel out of the package, as a file in memory that has no name. Caller closes *ret_fd. */
must_check int image_extract(struct image_source *s, const struct distro *d, const struct image *image, int *ret_fd,
			     struct digest *ret_digest, struct err *e);

#endif
