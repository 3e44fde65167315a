/* Signatures of indexes, by gpgv(1), or sqv(1) where there is no gpgv. A signature counts when it verifies with a key of the
 * keyring that is neither expired nor revoked, over SHA-2; one such is enough, whatever other keys have signed besides, but a bad
 * signature by a known key is always refused.
 *
 * keyring: a file with public keys, binary (also GnuPG's keybox, for gpgv) or armored, several behind each other. */
#ifndef ORCHESTRATE_INDEX_SIGNATURE_H
#define ORCHESTRATE_INDEX_SIGNATURE_H

#include "base/cancel.h"
#include "base/err.h"

/* Checks an inline-signed file (apt's InRelease, RFC 4880 section 7) against the keys in keyring and gives what was signed, and
 * only that, as a new unlinked file (*ret_fd, position 0, the caller's). A bad, missing or unknown signature: ERR_CORRUPT with the
 * reason in one line; no such keyring, or none: ERR_INPUT; no gpgv and no sqv: ERR_SYSTEM that says what to install. fd: a regular
 * file, read from its start whatever its position. */
must_check int signature_check_inline(int fd, const char *name, const char *keyring, int *ret_fd, const struct cancel *cancel,
				      struct err *e);
/* The same for a detached signature over fd, which need not be text. Both are opened anew by the program, through /proc: regular
 * files that this user may read. */
must_check int signature_check_detached(int fd, int signature_fd, const char *name, const char *keyring,
					const struct cancel *cancel, struct err *e);

#endif
