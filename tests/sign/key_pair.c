#include "key_pair.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static EVP_PKEY *make_key(const struct key_spec *spec)
{
	const char *type = spec->type ? spec->type : "RSA";

	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, type, spec->curve ? spec->curve : "P-256");
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)(spec->bits ? spec->bits : 2048));
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static FILE *create(const char *path)
{
	FILE *f = fopen(path, "we");

	cr_assert(f, "%s", path);
	return f;
}

static void write_key(const struct key_spec *spec, const char *path, EVP_PKEY *key)
{
	FILE *f = create(path);
	int len = spec->passphrase ? (int)strlen(spec->passphrase) : 0;

	cr_assert_eq(PEM_write_PrivateKey(f, key, spec->passphrase ? EVP_aes_256_cbc() : NULL,
					  (const unsigned char *)spec->passphrase, len, NULL, NULL),
		     1);
	fclose(f);
}

static void add_key_id(X509 *x509)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, NID_subject_key_identifier, "hash");
	cr_assert(extension && X509_add_ext(x509, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static X509 *make_certificate(const struct key_spec *spec, EVP_PKEY *key)
{
	bool is_edwards = spec->type && strcmp(spec->type, "ED25519") == 0;
	X509 *x509 = X509_new();

	cr_assert(x509);
	X509_set_version(x509, X509_VERSION_3);
	unsigned long serial = 0xabc;
	for (const char *p = spec->name; *p; p++)
		serial = serial * 31 + (unsigned char)*p;
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial);
	X509_gmtime_adj(X509_getm_notBefore(x509), (spec->from_days ? spec->from_days : -1) * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(x509), (spec->to_days ? spec->to_days : 1) * 86400L);
	X509_NAME *name = X509_get_subject_name(x509);
	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"tests", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)spec->name, -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_set_pubkey(x509, key);
	if (!spec->no_key_id)
		add_key_id(x509);
	cr_assert_gt(X509_sign(x509, key, is_edwards ? NULL : EVP_sha256()), 0);
	return x509;
}

static void write_certificate(const struct key_pair *pair, X509 *x509)
{
	FILE *f = create(pair->certificate);

	cr_assert_eq(PEM_write_X509(f, x509), 1);
	fclose(f);
	f = create(pair->der);
	cr_assert_eq(i2d_X509_fp(f, x509), 1);
	fclose(f);
}

void key_pair_make(const char *dir, const struct key_spec *spec, struct key_pair *ret)
{
	snprintf(ret->key, sizeof(ret->key), "%s/%s-key.pem", dir, spec->name);
	snprintf(ret->certificate, sizeof(ret->certificate), "%s/%s-cert.pem", dir, spec->name);
	snprintf(ret->der, sizeof(ret->der), "%s/%s-cert.der", dir, spec->name);
	EVP_PKEY *key = make_key(spec);
	cr_assert(key, "no key of type %s", spec->type);
	X509 *x509 = make_certificate(spec, key);
	write_key(spec, ret->key, key);
	write_certificate(ret, x509);
	X509_free(x509);
	EVP_PKEY_free(key);
}

void key_pair_make_plain(const char *dir, struct key_pair *ret)
{
	key_pair_make(dir, &(struct key_spec){ .name = "test" }, ret);
}
