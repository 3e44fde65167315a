/* The artifact store: the result of a build under its build key, so that it is never built twice.
 *
 *   artifacts/<k0k1>/<key>/object.gz   what was built
 *   artifacts/<k0k1>/<key>/meta.json   {"meta": the caller's JSON, "sha256": of object.gz, "size": bytes}
 *   artifacts/tmp/                     in the making, or replaced; what is older than a day goes at the next open
 *   artifacts/bad/<key>.<8 hex>        set aside, with `.reason`
 * A key's directory appears whole by rename. Several processes may work on it at once; of two that finish one key the first stays,
 * unless the second is to replace it.
 */
#ifndef ORCHESTRATE_CACHE_ARTIFACT_H
#define ORCHESTRATE_CACHE_ARTIFACT_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "stream/digest.h"

struct artifact_store;

/* dir: the cache directory. log (may be NULL) must outlive the store. All calls are thread-safe on one store. */
must_check int artifact_store_open(const char *dir, struct log *log, struct artifact_store **ret, struct err *e);
void artifact_store_close(struct artifact_store *s);
DEFINE_CLEANUP(artifact_store, struct artifact_store, artifact_store_close)

/* Embedded; {.fd = -1} is empty. */
struct artifact {
	char *path;	      /* of object.gz */
	char *meta;	      /* the caller's JSON text, compact, keys sorted */
	struct digest digest; /* of object.gz */
	uint64_t size;	      /* bytes */
	int fd;		      /* artifact_open only, else -1 */
};

/* Closes fd too. */
void artifact_release(struct artifact *a);
#define cleanup_artifact __attribute__((cleanup(artifact_release)))

/* 1 there (object.gz exists with the recorded size; not hashed), 0 not. One whose size is wrong or whose meta.json can't be read is
 * set aside with a warning and counts as missing. */
must_check int artifact_lookup(struct artifact_store *s, const struct digest *key, struct artifact *ret, struct err *e);
/* As artifact_lookup, and hashes: ret->fd is open on the verified bytes, position 0. Wrong digest: set aside, warning, 0. */
must_check int artifact_open(struct artifact_store *s, const struct digest *key, struct artifact *ret, struct err *e);

/* An artifact in the making. */
struct artifact_draft;

must_check int artifact_draft_new(struct artifact_store *s, const struct digest *key, struct artifact_draft **ret, struct err *e);
/* Write object.gz here, from the start on. Borrowed. */
int artifact_draft_fd(const struct artifact_draft *d);
/* Commit is to put this one in the place of one that is there already. The new one is whole and synced before the old one is
 * touched; then the old one is renamed to artifacts/tmp, the new one into its place, and the old one removed. Killed between the
 * two renames the key has nothing, which costs a build; at no moment has it a part of either. When the second rename fails the old
 * one is put back. A process that reads the key during the change may take it for damaged, which costs a build as well. */
void artifact_draft_replace(struct artifact_draft *d);
/* Hashes what was written and puts it into the store; meta: a JSON object as text, else ERR_USAGE. ret (may be NULL) is as from
 * artifact_lookup. An empty object: ERR_CHECK. If the key is there already, that one stays, unless
 * artifact_draft_replace() was called. d can only be freed after it, whatever
 * came of it. */
must_check int artifact_draft_commit(struct artifact_draft *d, const char *meta, struct artifact *ret, struct err *e);
/* Removes what was not committed. NULL is fine. */
void artifact_draft_free(struct artifact_draft *d);
DEFINE_CLEANUP(artifact_draft, struct artifact_draft, artifact_draft_free)

#endif
