/* What repomd.xml and primary.xml say alike: where a file is, and what it must be. */
#ifndef ORCHESTRATE_INDEX_LOCATION_H
#define ORCHESTRATE_INDEX_LOCATION_H

#include "base/buf.h"
#include "base/err.h"
#include "index/document.h"
#include "index/xml.h"

/* <location href= xml:base=>: replaces *ret by the URL reference, relative to the repository, or absolute with a base. `..` may
 * be in it: some repositories share their packages with others beside them. A base that is neither http nor https, and an href that
 * is itself a URL, an absolute path or empty: ERR_HOSTILE, ERR_CORRUPT. scratch is the caller's to lend. */
must_check int location_read(const struct xml_element *element, struct buf *ret, struct buf *scratch, struct err *e);
/* <checksum type="sha256">; another type leaves the digest unknown. */
must_check int checksum_read(const char *type, const char *text, struct index_item *item, struct err *e);
/* Bytes in decimal. */
must_check int size_read(const char *text, struct index_item *item, struct err *e);

#endif
