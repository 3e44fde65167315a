/* Inside oci: the members of a foreign archive, spooled as blobs and found again by path. */
#ifndef ORCHESTRATE_OCI_SPOOL_H
#define ORCHESTRATE_OCI_SPOOL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/blob.h"
#include "stream/source.h"

struct spool_member {
	char *path;
	char *target;	  /* of a link, as a path from the archive's root; NULL for a file */
	struct blob blob; /* of a file */
	bool needed;	  /* spool_release leaves its blob in the directory */
};

struct spool {
	struct spool_member *members;
	size_t count, room;
};

/* Reads a whole tar (borrowed) into blobs in dir, at most max bytes together. A member blobs/sha256/<hex> must have that digest.
 * Links are followed inside the archive only; other types than files, directories and links: ERR_HOSTILE. */
must_check int spool_read(struct spool *s, struct source *archive, const char *dir, uint64_t max, struct err *e);
/* Removes the blobs that came new into the directory and are not needed. */
void spool_release(struct spool *s);
/* The file at path, links followed; NULL when there is none. Borrowed. */
struct spool_member *spool_find(const struct spool *s, const char *path);
/* The member's file as JSON, at most OCI_BASE_JSON_MAX bytes. NULL with *e. Caller json_decref()s. */
json_t *spool_json(const struct spool_member *m, struct err *e);

#define cleanup_spool __attribute__((cleanup(spool_release)))

#endif
