/* What stands behind a signed module: the signature, a struct module_signature, the magic text. Format: the kernel's
 * Documentation/admin-guide/module-signing.rst and include/linux/module_signature.h. */
#ifndef ORCHESTRATE_SIGN_TRAILER_H
#define ORCHESTRATE_SIGN_TRAILER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Far beyond any CMS message with one signer and no certificates. */
enum { SIGNATURE_BYTES_MAX = 64 << 10 };

struct trailer {
	size_t module_len;    /* the signature begins there */
	size_t signature_len; /* DER of a CMS message */
};

/* 1 *ret says where the last signature is; 0 the bytes end in no magic text, so there is none; -1 with ERR_CORRUPT: there is the
 * magic text, and what is before it makes no sense (a kernel refuses it as well). */
must_check int trailer_find(const void *bytes, size_t len, struct trailer *ret, struct err *e);
/* Where the module ends when the last signature, and those before it, are taken away. -1 as above. */
must_check int trailer_strip(const void *bytes, size_t len, size_t *ret_len, struct err *e);
/* Appends signature, struct and magic to the module. */
must_check int trailer_append(struct buf *module, const void *signature, size_t len, struct err *e);

#endif
