/* Where packages may be had besides the mirrors: the user's bucket, the archives of the descriptors. */
#ifndef ORCHESTRATE_CMD_UPSTREAM_H
#define ORCHESTRATE_CMD_UPSTREAM_H

#include "cache/bucket.h"
#include "cache/package_cache.h"
#include "cmd/context.h"

/* Tells the cache. distros are borrowed; both must be out of use before the context is released. */
must_check int context_upstream(struct context *c, const struct distro_set *distros, struct cache *cache, struct err *e);
/* The bucket of --bucket or PACKAGE_BUCKET; *ret is NULL when neither names one. Not usable: ERR_USAGE. */
must_check int context_bucket(struct context *c, struct bucket **ret, struct err *e);
/* NULL is fine. */
void upstream_free(struct upstream *u);

#endif
