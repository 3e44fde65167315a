/* What documents an index is made of, and what each gives. */
#ifndef ORCHESTRATE_INDEX_DOCUMENT_H
#define ORCHESTRATE_INDEX_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "stream/digest.h"

enum document_kind {
	DOCUMENT_RELEASE,     /* apt: InRelease, its signature already checked and taken off */
	DOCUMENT_PACKAGES,    /* apt: Packages, compressed or not */
	DOCUMENT_MIRROR_LIST, /* yum: a text of repository URLs */
	DOCUMENT_REPOMD,      /* yum: repodata/repomd.xml */
	DOCUMENT_PRIMARY,     /* yum: primary.xml, compressed or not */
	DOCUMENT_LISTING,     /* html: one directory; level counts from 0 */
	DOCUMENT_BUCKET,      /* bucket: one page of a listing */
	DOCUMENT_JSON,	      /* json: level is the step, from 0 */
	DOCUMENT_KIND_COUNT,
};

/* For messages, item lines and the filter's argument: "InRelease", "Packages", ... */
const char *document_kind_name(enum document_kind kind);
/* No such name: ERR_PROTOCOL. */
must_check int document_kind_parse(const char *name, enum document_kind *ret, struct err *e);

struct index_item {
	bool is_package; /* else a document */
	bool chosen;	 /* package: `packages` took it; false: only if a chosen one depends on it */
	enum document_kind document;
	unsigned level;
	char *reference;     /* URL reference (RFC 3986, percent-encoded) */
	bool from_root;	     /* relative to the URL that the index began with, else to the document */
	char *by_hash;	     /* document: another reference for the same bytes, tried first (Acquire-By-Hash); NULL: none */
	char *package;	     /* name without version; NULL: not told */
	char *version;	     /* NULL: not told */
	struct strv depends; /* names that Depends gives, alternatives as names of their own */
	bool digest_known, size_known;
	struct digest sha256;
	uint64_t size;
};

void index_item_release(struct index_item *item);

/* What a document says of itself. */
struct document_facts {
	int64_t valid_until; /* seconds since 1970; 0: not told */
	uint64_t entries;    /* packages that the document names, taken or not; documents, where it names no packages. 0: an empty
				index */
};

/* Items travel, and are kept by the ledger, as JSON lines: one object per item, and one {"facts": ...} as the last line, whose
 * absence means that the text was cut short. */
must_check int index_item_encode(const struct index_item *item, struct buf *text, struct err *e);
must_check int document_facts_encode(const struct document_facts *facts, struct buf *text, struct err *e);
/* Calls each for every item (borrowed). Cut short or not such a text: ERR_CORRUPT. *ret (may be NULL): the facts. */
must_check int index_items_decode(const char *text, size_t len,
				  int (*each)(void *context, const struct index_item *item, struct err *e), void *context,
				  struct document_facts *ret, struct err *e);

#define cleanup_index_item __attribute__((cleanup(index_item_release)))

#endif
