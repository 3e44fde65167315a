/* What repomd.xml and primary.xml say alike: where a file is, and what it must be. */
#ifndef ORCHESTRATE_INDEX_LOCATION_H
#define ORCHESTRATE_INDEX_LOCATION_H

#include "base/buf.h"
#include "base/err.h"
#include "index/document.h"
#include "index/xml.h"

/* <location href= xml:base=>, as it stands there. */
struct location {
	struct buf base, href;
};

must_check int location_read(struct location *l, const struct xml_element *element, struct err *e);
void location_clear(struct location *l);
void location_release(struct location *l);
/* Replaces *ret by the URL reference: relative to the repository, or absolute with a base. `..` may be in it: there are
 * repositories that share their packages with others beside them. No href: ERR_CORRUPT. A base that is neither http nor https, an
 * href that is itself a URL or an absolute path: ERR_HOSTILE. */
must_check int location_reference(const struct location *l, struct buf *ret, struct err *e);

/* <checksum type="sha256">; another type leaves the digest unknown. */
must_check int checksum_read(const char *type, const char *text, struct index_item *item, struct err *e);
/* Bytes in decimal. */
must_check int size_read(const char *text, struct index_item *item, struct err *e);

#endif
