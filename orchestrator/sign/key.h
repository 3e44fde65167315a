/* The private key: a PEM file, or a key in a token that is named by a PKCS#11 URI (RFC 7512). Internal to sign. */
#ifndef ORCHESTRATE_SIGN_KEY_H
#define ORCHESTRATE_SIGN_KEY_H

#include <openssl/evp.h>

#include "base/err.h"

struct key {
	EVP_PKEY *pkey;
	ENGINE *token; /* which must stay as long as the key does; NULL: it is of a file */
};

/* passphrase: of the file, or the token's PIN; NULL: there is none. Nothing is ever asked for on a terminal. Not there:
 * ERR_NOT_FOUND; not usable, whatever the reason: ERR_USAGE. */
must_check int key_load(const char *name, const char *passphrase, struct key *ret, struct err *e);
/* {0} is fine. */
void key_release(struct key *k);
/* Whether kernels can check what this key signs. No: ERR_USAGE. */
must_check int key_check(const EVP_PKEY *key, struct err *e);

#endif
