/* The certificate that a signature points to, and whether a signature is one of it. */
#ifndef ORCHESTRATE_SIGN_CERTIFICATE_H
#define ORCHESTRATE_SIGN_CERTIFICATE_H

#include <openssl/x509.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct certificate;

/* Reads an X.509 certificate, PEM or DER. Not there: ERR_NOT_FOUND; none: ERR_USAGE. */
must_check int certificate_load(const char *path, struct certificate **ret, struct err *e);
/* NULL is fine. */
void certificate_free(struct certificate *c);
DEFINE_CLEANUP(certificate, struct certificate, certificate_free)

/* Borrowed. */
X509 *certificate_x509(const struct certificate *c);
/* Why its dates are doubtful today: "expired on ...", "not valid before ...". NULL: they are well. Static storage as long as the
 * certificate. Kernels don't look at the dates. */
const char *certificate_doubt(const struct certificate *c);

enum signature_state {
	SIGNATURE_NONE,	     /* there is none */
	SIGNATURE_GOOD,	     /* of just these bytes, by the certificate's key */
	SIGNATURE_OTHER_KEY, /* it names another certificate; whether it is good was not looked at */
	SIGNATURE_BAD,	     /* damaged, not of these bytes, or such as a kernel refuses */
};

/* As modinfo(8) says it. Texts are printable ASCII. */
struct signature {
	enum signature_state state;
	const char *hash; /* static; NULL: not known */
	char signer[128]; /* the common name of the certificate's issuer; "" where the key is named by its identifier */
	char key[160];	  /* serial number, or identifier, as hex with colons */
	char reason[200]; /* of SIGNATURE_BAD */
};

/* Checks the last signature of a module. Every oddity of the bytes is a state, never an error; -1 only when we could not check at
 * all. What is checked is what the kernel checks (kernel/module/signing.c, crypto/asymmetric_keys/pkcs7_verify.c): the struct
 * behind it, a detached CMS message of one signer without signed attributes, the signature itself. Not: whether any kernel
 * trusts the certificate. */
must_check int signature_check(const struct certificate *c, const void *bytes, size_t len, struct signature *ret, struct err *e);

#endif
