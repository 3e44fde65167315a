/* Makes signatures: a private key and its certificate. */
#ifndef ORCHESTRATE_SIGN_SIGNER_H
#define ORCHESTRATE_SIGN_SIGNER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "sign/certificate.h"

struct signer;

struct signer_options {
	const char *key;	/* a PEM file, or a PKCS#11 URI */
	const char *passphrase; /* of the key, or the token's PIN; NULL: none */
	const char *certificate;
	bool by_key_id; /* name the certificate by its subject key identifier instead of issuer and serial number */
};

/* Key and certificate must belong together and be such as kernels can check: else ERR_USAGE. */
must_check int signer_open(const struct signer_options *options, struct signer **ret, struct err *e);
/* NULL is fine. */
void signer_free(struct signer *s);
DEFINE_CLEANUP(signer, struct signer, signer_free)
/* Borrowed. */
const struct certificate *signer_certificate(const struct signer *s);

/* Appends the signature of the module's bytes to them, as Documentation/admin-guide/module-signing.rst says: DER of a detached CMS
 * message (RFC 5652) without certificates and attributes. hash: of hash_find. What was appended has been checked. */
must_check int signer_append(const struct signer *s, const char *hash, struct buf *module, struct err *e);

#endif
