/* Hard links as cpio has them (newc, as rpm writes it): every name is a member of its own, all but the last are empty, and the
 * bytes come with the last. A tar wants it the other way round, so the empty ones are held back until the bytes have come. */
#ifndef ORCHESTRATE_PACKAGE_CPIO_LINKS_H
#define ORCHESTRATE_PACKAGE_CPIO_LINKS_H

#include "base/err.h"
#include "package/member.h"

struct cpio_links;

/* NULL with *e when out of memory. */
struct cpio_links *cpio_links_new(struct err *e);
void cpio_links_free(struct cpio_links *l);
/* One of several names of a file. first: the name that came first (m's own, for that one). 1: m goes on as it is now, a file or a
 * hard link to one; 0: it is held back. */
must_check int cpio_links_take(struct cpio_links *l, const char *first, struct member *m, struct err *e);
/* 1 *ret is a member that was held back and may go on now; 0 there is none; -1 out of memory. */
must_check int cpio_links_next(struct cpio_links *l, struct member *ret, struct err *e);
/* At the end of the archive: what is still held back was of empty files; cpio_links_next gives all of it. */
void cpio_links_end(struct cpio_links *l);

#endif
