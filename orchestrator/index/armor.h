/* OpenPGP's text forms: the cleartext signature framework and armored keys. Format: RFC 4880, sections 6.2 and 7. */
#ifndef ORCHESTRATE_INDEX_ARMOR_H
#define ORCHESTRATE_INDEX_ARMOR_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Takes a signed text apart: *ret_text gets what was signed (escapes undone, blanks at line ends and the last newline are no part
 * of it), *ret_signature the armored signature. One message is expected, and nothing before or behind it, so that no unsigned byte
 * is ever taken for signed. Not signed, cut short or with something around it: ERR_CORRUPT. */
must_check int armor_split_signed(const char *text, size_t len, struct buf *ret_text, struct buf *ret_signature, struct err *e);
/* Appends the bytes of all armored public keys in text. None, or damaged: ERR_INPUT. */
must_check int armor_decode_keys(const char *text, size_t len, struct buf *ret, struct err *e);

#endif
