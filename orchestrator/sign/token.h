/* Keys in tokens (PKCS#11). Internal to sign. */
#ifndef ORCHESTRATE_SIGN_TOKEN_H
#define ORCHESTRATE_SIGN_TOKEN_H

#include "base/err.h"
#include "sign/key.h"

/* uri: RFC 7512. pin may be NULL where the URI says by pin-source where it is; a pin-value in it is refused, for anybody could
 * read it off the list of processes. Through libcrypto's engine `pkcs11` (libp11), which asks p11-kit, or the module that
 * $PKCS11_MODULE_PATH names. Otherwise as key_load. */
must_check int token_key_load(const char *uri, const char *pin, struct key *ret, struct err *e);
/* NULL is fine. */
void token_close(ENGINE *token);

#endif
