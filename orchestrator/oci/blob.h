/* Blobs: files in one directory, each named by the sha256 of its bytes (64 hex digits, no prefix). Made under a temporary
 * name, so a blob that is there is whole. The directory belongs to the caller, who also removes it. */
#ifndef ORCHESTRATE_OCI_BLOB_H
#define ORCHESTRATE_OCI_BLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "stream/digest.h"
#include "stream/source.h"

struct blob {
	struct digest digest;
	uint64_t size; /* bytes */
	char *path;    /* owned */
	bool fresh;    /* it was not in the directory before */
};

void blob_release(struct blob *b);
/* Copies everything from s (borrowed) into the blob directory dir. More than max bytes: ERR_LIMIT, nothing is left. *ret is the
 * caller's. */
must_check int blob_spool(struct source *s, const char *dir, uint64_t max, struct blob *ret, struct err *e);
/* Opens a temporary file in dir for a blob whose digest is not known yet. */
must_check int blob_begin(const char *dir, struct newfile *ret, struct err *e);
/* Commits f, opened by blob_begin, under its digest's name; *ret_fresh (may be NULL) as in struct blob. f is released either way.
 */
must_check int blob_commit(struct newfile *f, const char *dir, const struct digest *digest, char **ret_path, bool *ret_fresh,
			   struct err *e);

#endif
