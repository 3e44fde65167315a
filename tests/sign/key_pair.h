/* Throw-away keys with certificates of their own, made on the spot by libcrypto. */
#ifndef TESTS_SIGN_KEY_PAIR_H
#define TESTS_SIGN_KEY_PAIR_H

#include <openssl/evp.h>
#include <stdbool.h>

struct key_spec {
	const char *name;	/* common name, and how the files begin */
	const char *type;	/* "RSA" (default), "EC", "ED25519" */
	unsigned bits;		/* of an RSA key [2048] */
	const char *curve;	/* of an EC key ["P-256"] */
	const char *passphrase; /* NULL: the file is not encrypted */
	int from_days, to_days; /* of the certificate, from now [-1, 1] */
	bool no_key_id;		/* without a subject key identifier */
};

struct key_pair {
	char key[128], certificate[128], der[128]; /* files: PEM, PEM, DER */
};

/* Below dir. Fails the test when it can't. Serial numbers are the same for the same name. */
void key_pair_make(const char *dir, const struct key_spec *spec, struct key_pair *ret);
/* RSA 2048, called "test". */
void key_pair_make_plain(const char *dir, struct key_pair *ret);

#endif
