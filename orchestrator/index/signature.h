/* Signatures of indexes, by gpgv(1), or sqv(1) where there is no gpgv. */
#ifndef ORCHESTRATE_INDEX_SIGNATURE_H
#define ORCHESTRATE_INDEX_SIGNATURE_H

#include "base/cancel.h"
#include "base/err.h"

/* Checks an inline-signed file (apt's InRelease, RFC 4880 section 7) against the keys in keyring and gives what was signed, and
 * only that, as a new unlinked file (*ret_fd, position 0, the caller's). A bad, missing or unknown signature: ERR_CORRUPT with the
 * program's reason in one line; no such keyring: ERR_INPUT; no gpgv and no sqv: ERR_SYSTEM that says what to install. */
must_check int signature_check_inline(int fd, const char *name, const char *keyring, int *ret_fd, const struct cancel *cancel,
				      struct err *e);
/* The same for a detached signature over fd. */
must_check int signature_check_detached(int fd, int signature_fd, const char *name, const char *keyring,
					const struct cancel *cancel, struct err *e);

#endif
