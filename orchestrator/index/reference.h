/* URL references (RFC 3986) out of the names that an index gives. One name has one form, however a server writes it, since lists
 * are compared byte by byte. */
#ifndef ORCHESTRATE_INDEX_REFERENCE_H
#define ORCHESTRATE_INDEX_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum reference_part {
	REFERENCE_PATH,	   /* a plain path: what `pchar` has, and the slash, stay; `%` does not */
	REFERENCE_ESCAPED, /* a path that may be encoded already: `%` before two hex digits stays too */
	REFERENCE_QUERY,   /* a value behind `=`: letters, digits and `-._~/` stay */
};

/* Appends text percent-encoded. */
must_check int reference_encode(struct buf *b, enum reference_part part, const char *text, struct err *e);
/* Encodes what would make a scheme of a relative reference's first segment (`a:b`). start: offset at which the reference begins
 * in b. */
must_check int reference_guard(struct buf *b, size_t start, struct err *e);
/* Replaces *ret by text percent-decoded. 1 done; 0: a bad escape, a control byte, or an escape that would be taken for structure
 * (an encoded slash), *ret is then of no use; -1 error. */
must_check int reference_decode(const char *text, size_t len, struct buf *ret, struct err *e);

#endif
