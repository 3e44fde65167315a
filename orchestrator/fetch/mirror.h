/* fetch: getting files over HTTP(S): which mirrors to ask and in what order, and parallel downloads that resume, retry and
 * check what they got. It knows nothing of packages, caches or what the bytes mean. libcurl is set up here and in engine only.
 *
 * mirror: the order in which a URL's candidates are tried:
 *   1. what the user gave (`--mirror NAME=URL`), in the order given
 *   2. the environment variable ORCHESTRATE_MIRROR_<NAME> (upper case, everything but letters and digits becomes `_`)
 *   3. where this machine runs that very distro: what its own package manager is set to (host_mirror.h)
 *   4. the mirror's public URLs, beginning with the one that the URL itself starts with
 * A URL that belongs to no mirror is its own only candidate. */
#ifndef ORCHESTRATE_FETCH_MIRROR_H
#define ORCHESTRATE_FETCH_MIRROR_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "fetch/access.h"

/* One mirrored tree: the same files below each of its base URLs. Plain data, e.g. out of a descriptor. */
struct mirror {
	char *name;	  /* what --mirror and the environment call it */
	struct strv urls; /* public base URLs; a trailing slash does not matter */
};

void mirror_release(struct mirror *m);

struct mirror_table;

/* log and cancel may be NULL; both must outlive the table. NULL with *e when out of memory. */
struct mirror_table *mirror_table_new(struct log *log, const struct cancel *cancel, struct err *e);
void mirror_table_free(struct mirror_table *t);
/* Copies m. os_id: the os-release(5) ID of the distro that the mirror belongs to; NULL: of none. The same name may be added
 * more than once (two distros on one mirror); --mirror then holds for all of that name. A URL that can't be fetched: ERR_INPUT. */
must_check int mirror_table_add(struct mirror_table *t, const struct mirror *m, const char *os_id, struct err *e);
/* One `NAME=URL` of the user; after all mirrors were added. Wrong shape or unknown name: ERR_USAGE with the nearest known name. */
must_check int mirror_table_override(struct mirror_table *t, const char *name_and_url, struct err *e);
/* Says what the host is and is set to, instead of asking /etc/os-release and the package manager. Copies both. */
must_check int mirror_table_set_host(struct mirror_table *t, const char *os_id, const struct strv *repositories, struct err *e);
/* Appends the candidates for url, best first, no duplicates, at least one. The host's package manager is asked once, at the first
 * URL that may profit. Not thread-safe. A URL that can't be fetched (not http, https or file): ERR_INPUT. */
must_check int mirror_candidates(struct mirror_table *t, const char *url, struct strv *ret, struct err *e);

/* What lies below base is private and asked for with this access: copied, with base as the only entry of its `below`. */
must_check int mirror_table_add_access(struct mirror_table *t, const char *base, const struct fetch_access *access, struct err *e);
/* The access with the longest base that url lies below; NULL: url is public. Borrowed from the table. It goes with all of the URL's
 * candidates: those that lie elsewhere (a mirror that the user gave) are not told it. */
const struct fetch_access *mirror_access(const struct mirror_table *t, const char *url);

DEFINE_CLEANUP(mirror_table, struct mirror_table, mirror_table_free)

#endif
