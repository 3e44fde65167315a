/* A distribution of the test's own: a checkout with tests/data/integration/example.yaml, the real images/, and a list of
 * file: URLs below <temp>/pool, where real packages and made-up ones lie side by side. */
#ifndef TESTS_INTEGRATION_MIRROR_H
#define TESTS_INTEGRATION_MIRROR_H

#include <stddef.h>

#include "base/buf.h"

struct mirror_site {
	char *root; /* for --root */
	char *pool;
	struct strv files; /* names in the pool that are listed */
};

void mirror_make(struct mirror_site *m);
void mirror_release(struct mirror_site *m);
#define cleanup_mirror __attribute__((cleanup(mirror_release)))

/* Puts the packages of a real kernel, which must have been fetched, into the pool (as links) and the list. */
void mirror_add_kernel(struct mirror_site *m, const char *kernel);
/* The path in the pool of the listed file whose name begins so. Caller frees. */
char *mirror_path(const struct mirror_site *m, const char *prefix);
/* Lists a name; what is in the pool under it, if anything, is the caller's affair. */
void mirror_list(struct mirror_site *m, const char *name);
/* Writes a .deb that holds regular files: pairs of path and text, NULL-terminated. Format: deb(5). Not listed by this. */
void mirror_put_deb(struct mirror_site *m, const char *name, const char *const *files);
/* Writes the list. digests (NULL: none): text of the companion file. */
void mirror_write_list(struct mirror_site *m, const char *digests);
/* "file://..." of a name in the pool. Caller frees. */
char *mirror_url(const struct mirror_site *m, const char *name);

#endif
