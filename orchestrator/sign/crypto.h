/* libcrypto's ways of saying what went wrong, and of asking for secrets. Internal to sign. */
#ifndef ORCHESTRATE_SIGN_CRYPTO_H
#define ORCHESTRATE_SIGN_CRYPTO_H

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/err.h"

/* Fills *e with what libcrypto says last, as `text: what it says`, and empties its queue. Gives -1. */
int crypto_err(struct err *e, enum err_kind kind, const char *text);

/* A pem_password_cb that has none: without one libcrypto would ask on the terminal. */
int crypto_no_passphrase(char *bytes, int room, int writing, void *context);

/* Printable ASCII, '?' for the rest, cut to fit. */
void crypto_print(char *ret, size_t room, const unsigned char *bytes, size_t len);
/* "0A:1B:..."; what does not fit is left out. */
void crypto_print_hex(char *ret, size_t room, const unsigned char *bytes, size_t len);

#endif
