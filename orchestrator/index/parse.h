/* Parsing one document, in the filter process. */
#ifndef ORCHESTRATE_INDEX_PARSE_H
#define ORCHESTRATE_INDEX_PARSE_H

#include "base/cancel.h"
#include "index/document.h"
#include "index/rules.h"
#include "stream/source.h"

enum {
	INDEX_ITEMS_MAX_BYTES = 64 << 20, /* of the item lines of one document */
	INDEX_DECODED_MAX_MB = 2048,	  /* of a document, decompressed: more is ERR_LIMIT */
	INDEX_PARSERS_VERSION = 2, /* part of index_rules_digest: to be raised when a parser gives something else than before */
};

/* Parses what is in fd (a regular file, from its start; decompression is found by its first bytes: gz, xz, zst, bz2, none) and
 * appends the item lines to *ret. Moves fd's position. program: as filter_start. name stands in messages. Errors: ERR_CORRUPT
 * (truncated, not such a document, an HTML page where none belongs), ERR_HOSTILE, ERR_LIMIT, ERR_CANCELLED, ERR_SYSTEM. *ret is
 * untouched on failure. */
must_check int index_parse(const char *program, int fd, const char *name, const struct index_rules *rules, enum document_kind kind,
			   unsigned level, struct buf *ret, const struct cancel *cancel, struct err *e);

/* --- inside the filter process --- */

/* `filter index KIND LEVEL RULES`: the document on descriptor 3, item lines to stdout. For cmd/filter. */
int index_filter_run(int argc, char **argv, struct err *e);

/* Where a parser puts what it finds. */
struct item_out {
	int (*put)(struct item_out *out, const struct index_item *item, struct err *e);
};

/* What the parsers of all kinds look like: everything of `in` (decompressed already, at most INDEX_DECODED_MAX_MB) is read; items
 * go out as they are found, nothing is held whole but JSON. Truncated or foreign input: ERR_CORRUPT. */
typedef int index_parser(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
			 struct document_facts *ret, struct err *e);

/* parsers.c: the one for a kind. */
index_parser *index_parser_of(enum document_kind kind);

index_parser index_parse_release;  /* release.c: deb822; the Packages of each component and architecture, best compression first */
index_parser index_parse_packages; /* packages.c */
index_parser index_parse_mirror_list; /* mirror_list.c: from the first line on, one DOCUMENT_REPOMD per line; lines that are no URL
					 are an error */
index_parser index_parse_repomd;      /* repomd.c: the DOCUMENT_PRIMARY, with its sha256 and size */
index_parser index_parse_primary;     /* primary.c: file name, location, checksum, package size */
index_parser index_parse_listing;     /* listing.c: hrefs below the page only */
index_parser index_parse_bucket;      /* bucket.c: S3 ListBucketResult version 1, paging by NextMarker or the last key */
index_parser index_parse_json;	      /* json.c */

#endif
