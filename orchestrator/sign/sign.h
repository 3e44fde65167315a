/* sign: signatures of kernel modules, as kernels expect them: made, replaced, checked. A step of its own behind the build: no key
 * is ever where something is built or parsed, but for a signature that is there already, which libcrypto reads beside it. It does
 * not know which kernel a file is for, walks no directories, and trusts no certificate: whether a kernel does is up to that
 * kernel's keyrings.
 *
 * Here: one file. */
#ifndef ORCHESTRATE_SIGN_SIGN_H
#define ORCHESTRATE_SIGN_SIGN_H

#include <stdbool.h>

#include "base/cancel.h"
#include "sign/certificate.h"
#include "sign/module.h"
#include "sign/signer.h"

struct sign_request {
	const char *path;   /* a regular file called *.ko or *.ko.gz */
	const char *target; /* where the signed one goes, by rename; may be path itself. Its permissions are the original's */
	/* Without a release in it, the file's name must agree with the module: where it begins with the module's name and a dash
	 * ('-' and '_' being the same), what follows is the release. */
	struct module_expect expect;
	const char *hash;    /* of hash_find */
	bool replace;	     /* a signature that is there goes first */
	const char *program; /* as for filter_start */
	const struct cancel *cancel;
};

enum sign_outcome {
	SIGN_SIGNED,
	SIGN_REPLACED, /* the signature that was there is gone */
	SIGN_LEFT,     /* it is signed by this certificate already; copied where target is not path */
};

/* Reads, checks (gate/object.h), signs, writes. ERR_CHECK: the module did not pass, with the findings. ERR_CONFLICT: it is signed
 * by somebody else, or the signature is not good, and `replace` was not asked for. ERR_CORRUPT: the file is damaged. Whatever
 * fails, target is untouched. *ret_signature says what is in it now (SIGNATURE_GOOD). */
must_check int sign_file(const struct signer *signer, const struct sign_request *request, enum sign_outcome *ret,
			 struct signature *ret_signature, struct err *e);

/* Checks the signature of a file against the certificate. -1 only when the file can't be read or unpacked. */
must_check int sign_verify_file(const struct certificate *c, const char *path, const char *program, struct signature *ret,
				const struct cancel *cancel, struct err *e);

#endif
