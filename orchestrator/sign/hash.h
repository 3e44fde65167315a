/* The hashes that a kernel may want modules to be signed with. */
#ifndef ORCHESTRATE_SIGN_HASH_H
#define ORCHESTRATE_SIGN_HASH_H

#include "base/err.h"

/* Where nothing is known about the kernel: every kernel that checks signatures can do this one. */
extern const char hash_default[]; /* "sha256" */

/* Finds a hash by what CONFIG_MODULE_SIG_HASH and the command line call it. The name has static storage. Unknown, or so weak that
 * nobody should sign with it any more: ERR_USAGE that says which there are. */
must_check int hash_find(const char *name, const char **ret, struct err *e);
/* The same by libcrypto's number. NULL: none of ours. */
const char *hash_of_nid(int nid);

#endif
