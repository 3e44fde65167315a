#include <openssl/cms.h>
#include <stdio.h>
#include <string.h>

#include "sign/certificate.h"
#include "sign/crypto.h"
#include "sign/hash.h"
#include "sign/trailer.h"

static void say_bad(struct signature *s, const char *reason)
{
	s->state = SIGNATURE_BAD;
	snprintf(s->reason, sizeof(s->reason), "%.*s", (int)sizeof(s->reason) - 1, reason);
}

static void describe_issuer(X509_NAME *issuer, ASN1_INTEGER *serial, struct signature *s)
{
	int at = X509_NAME_get_index_by_NID(issuer, NID_commonName, -1);
	const ASN1_STRING *name = at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(issuer, at));

	if (name)
		crypto_print(s->signer, sizeof(s->signer), ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));
	crypto_print_hex(s->key, sizeof(s->key), ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
}

/* crypto/asymmetric_keys/pkcs7_parser.c: pkcs7_sig_note_pkey_algo. */
static bool is_known_algorithm(CMS_SignerInfo *signer)
{
	const ASN1_OBJECT *object = NULL;
	X509_ALGOR *algorithm = NULL;
	int key = NID_undef;

	CMS_SignerInfo_get0_algs(signer, NULL, NULL, NULL, &algorithm);
	if (algorithm)
		X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	int nid = object ? OBJ_obj2nid(object) : NID_undef;
	return nid == NID_rsaEncryption || (OBJ_find_sigid_algs(nid, NULL, &key) && key == NID_X9_62_id_ecPublicKey);
}

/* Who signed, and with which hash. */
static void describe(CMS_SignerInfo *signer, struct signature *s)
{
	ASN1_OCTET_STRING *key_id = NULL;
	X509_NAME *issuer = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_ALGOR *digest = NULL;
	const ASN1_OBJECT *algorithm = NULL;

	if (CMS_SignerInfo_get0_signer_id(signer, &key_id, &issuer, &serial) == 1) {
		if (key_id)
			crypto_print_hex(s->key, sizeof(s->key), ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id));
		else if (issuer && serial)
			describe_issuer(issuer, serial, s);
	}
	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest, NULL);
	if (digest)
		X509_ALGOR_get0(&algorithm, NULL, NULL, digest);
	if (algorithm)
		s->hash = hash_of_nid(OBJ_obj2nid(algorithm));
}

/* The one signer; NULL: *s says why not. */
static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms, struct signature *s)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	int count = signers ? sk_CMS_SignerInfo_num(signers) : 0;

	if (count == 1)
		return sk_CMS_SignerInfo_value(signers, 0);
	say_bad(s, count > 1 ? "it has several signers" : "it has no signer");
	return NULL;
}

/* What a kernel refuses whatever the signature is worth. True: *s says it. */
static bool is_unusable(CMS_ContentInfo *cms, CMS_SignerInfo *signer, struct signature *s)
{
	ASN1_OCTET_STRING **content = CMS_get0_content(cms);

	if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		say_bad(s, "it signs something else than plain data");
	else if (!content || *content)
		say_bad(s, "it has its content inside");
	else if (CMS_signed_get_attr_count(signer) >= 0)
		say_bad(s, "it has signed attributes");
	else if (!s->hash)
		say_bad(s, "it is made with a hash that is unknown or too weak");
	else if (!is_known_algorithm(signer))
		say_bad(s, "it is neither RSA (PKCS #1 v1.5) nor ECDSA");
	else
		return false;
	return true;
}

static int verify(const struct certificate *c, CMS_ContentInfo *cms, const void *module, size_t len, struct signature *s,
		  struct err *e)
{
	STACK_OF(X509) *certificates = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(module, (int)len);
	int rc = -1;

	if (!certificates || !bio || sk_X509_push(certificates, certificate_x509(c)) == 0)
		err_no_memory(e);
	else
		rc = CMS_verify(cms, certificates, NULL, bio, NULL, CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY);
	BIO_free(bio);
	sk_X509_free(certificates);
	ERR_clear_error();
	if (rc < 0)
		return -1;
	if (rc == 1)
		s->state = SIGNATURE_GOOD;
	else
		say_bad(s, "it is not of these bytes, or not made with the certificate's key");
	return 0;
}

static int check_message(const struct certificate *c, CMS_ContentInfo *cms, const void *module, size_t len, struct signature *s,
			 struct err *e)
{
	CMS_SignerInfo *signer = only_signer(cms, s);

	if (!signer)
		return 0;
	describe(signer, s);
	if (is_unusable(cms, signer, s))
		return 0;
	if (CMS_SignerInfo_cert_cmp(signer, certificate_x509(c)) != 0) {
		s->state = SIGNATURE_OTHER_KEY;
		return 0;
	}
	return verify(c, cms, module, len, s, e);
}

int signature_check(const struct certificate *c, const void *bytes, size_t len, struct signature *ret, struct err *e)
{
	struct signature s = { .state = SIGNATURE_NONE };
	struct trailer t = { 0 };
	struct err why;
	int rc = 0;

	int found = len > INT32_MAX ? err_set(&why, ERR_LIMIT, "it is too large") : trailer_find(bytes, len, &t, &why);
	if (found < 0)
		say_bad(&s, why.message);
	if (found == 1) {
		const unsigned char *start = (const unsigned char *)bytes + t.module_len, *at = start;
		CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)t.signature_len);
		ERR_clear_error();
		if (!cms || at != start + t.signature_len || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
			say_bad(&s, "it is no CMS message of signed data");
		else
			rc = check_message(c, cms, bytes, t.module_len, &s, e);
		CMS_ContentInfo_free(cms);
	}
	ERR_clear_error();
	if (rc == 0)
		*ret = s;
	return rc;
}
