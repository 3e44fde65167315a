#include "sign/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "sign/crypto.h"
#include "sign/token.h"

enum { KEY_BYTES_MAX = 1 << 20 };

struct answer {
	const char *passphrase;
	bool asked;
};

/* A pem_password_cb. */
static int give_passphrase(char *bytes, int room, int writing, void *context)
{
	struct answer *a = context;
	size_t len = a->passphrase ? strlen(a->passphrase) : 0;

	(void)writing;
	a->asked = true;
	if (!a->passphrase || len > (size_t)room)
		return -1;
	memcpy(bytes, a->passphrase, len);
	return (int)len;
}

static int refuse(const char *path, const struct answer *answer, struct err *e)
{
	unsigned long why = ERR_peek_last_error();

	ERR_clear_error();
	if (answer->asked && !answer->passphrase)
		return err_set(e, ERR_USAGE,
			       "key '%s' is encrypted: --passphrase-file or --passphrase-env says where its passphrase is", path);
	if (answer->asked)
		return err_set(e, ERR_USAGE, "key '%s' can't be decrypted: is it the right passphrase?", path);
	if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
		return err_set(e, ERR_USAGE, "'%s' holds no private key in PEM", path);
	return err_set(e, ERR_USAGE, "'%s' holds no private key that can be read", path);
}

static int load_file(const char *path, const char *passphrase, struct key *ret, struct err *e)
{
	struct answer answer = { .passphrase = passphrase };
	struct buf bytes = { 0 };

	if (file_read(path, KEY_BYTES_MAX, &bytes, e) < 0) {
		buf_release(&bytes);
		return -1;
	}
	BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &answer) : NULL;
	BIO_free(bio);
	OPENSSL_cleanse(bytes.data, bytes.len);
	buf_release(&bytes);
	if (!key)
		return refuse(path, &answer, e);
	*ret = (struct key){ .pkey = key };
	return 0;
}

void key_release(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	token_close(k->token);
	*k = (struct key){ 0 };
}

int key_load(const char *name, const char *passphrase, struct key *ret, struct err *e)
{
	return str_starts(name, "pkcs11:") ? token_key_load(name, passphrase, ret, e) : load_file(name, passphrase, ret, e);
}

/* crypto/rsa.c: rsa_check_key_length. */
static int check_rsa(const EVP_PKEY *key, struct err *e)
{
	static const int sizes[] = { 1024, 1536, 2048, 3072, 4096 };
	int bits = EVP_PKEY_get_bits(key);

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (bits == sizes[i])
			return 0;
	return err_set(e, ERR_USAGE, "an RSA key of %d bits, which kernels don't take; expected 2048, 3072 or 4096", bits);
}

/* crypto/ecdsa.c. */
static int check_curve(const EVP_PKEY *key, struct err *e)
{
	char curve[64] = "unknown";

	EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), NULL);
	if (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0)
		return 0;
	return err_set(e, ERR_USAGE, "a key on curve '%s', which kernels don't take; expected P-256 or P-384", curve);
}

int key_check(const EVP_PKEY *key, struct err *e)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return check_rsa(key, e);
	case EVP_PKEY_EC:
		return check_curve(key, e);
	default:
		return err_set(e, ERR_USAGE, "neither an RSA nor an ECDSA key, and kernels check no others");
	}
}
