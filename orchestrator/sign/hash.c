#include "sign/hash.h"

#include <openssl/obj_mac.h>
#include <string.h>

#include "base/cleanup.h"

const char hash_default[] = "sha256";

static const struct {
	const char *name; /* libcrypto's too */
	int nid;
} hashes[] = {
	{ "sha256", NID_sha256 },     { "sha384", NID_sha384 },	    { "sha512", NID_sha512 },
	{ "sha3-256", NID_sha3_256 }, { "sha3-384", NID_sha3_384 }, { "sha3-512", NID_sha3_512 },
};

int hash_find(const char *name, const char **ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (strcmp(hashes[i].name, name) == 0) {
			*ret = hashes[i].name;
			return 0;
		}
	return err_set(e, ERR_USAGE, "expected sha256, sha384, sha512, sha3-256, sha3-384 or sha3-512, found '%.40s'", name);
}

const char *hash_of_nid(int nid)
{
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		if (hashes[i].nid == nid)
			return hashes[i].name;
	return NULL;
}
