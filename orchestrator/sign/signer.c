#include "sign/signer.h"

#include <openssl/cms.h>
#include <stdlib.h>

#include "sign/crypto.h"
#include "sign/key.h"
#include "sign/trailer.h"

struct signer {
	struct key key;
	struct certificate *certificate;
	bool by_key_id;
};

void signer_free(struct signer *s)
{
	if (!s)
		return;
	key_release(&s->key);
	certificate_free(s->certificate);
	free(s);
}

const struct certificate *signer_certificate(const struct signer *s)
{
	return s->certificate;
}

static int check_pair(const struct signer *s, const struct signer_options *options, struct err *e)
{
	X509 *x509 = certificate_x509(s->certificate);

	int match = X509_check_private_key(x509, s->key.pkey);
	ERR_clear_error();
	if (match != 1)
		return err_set(e, ERR_USAGE, "certificate '%s' is not that of key '%s'", options->certificate, options->key);
	if (options->by_key_id && !X509_get0_subject_key_id(x509))
		return err_set(e, ERR_USAGE, "certificate '%s' has no subject key identifier, by which its key could be named",
			       options->certificate);
	return 0;
}

int signer_open(const struct signer_options *options, struct signer **ret, struct err *e)
{
	cleanup_of(signer) struct signer *s = calloc(1, sizeof(*s));

	if (!s)
		return err_no_memory(e);
	s->by_key_id = options->by_key_id;
	/* The certificate first: where it is wrong, no token is asked for anything. */
	if (certificate_load(options->certificate, &s->certificate, e) < 0 ||
	    key_load(options->key, options->passphrase, &s->key, e) < 0)
		return -1;
	if (key_check(s->key.pkey, e) < 0)
		return err_wrap(e, "key '%s'", options->key);
	if (check_pair(s, options, e) < 0)
		return -1;
	*ret = steal_ptr(&s);
	return 0;
}

/* NULL: libcrypto says why. */
static CMS_ContentInfo *make_message(const struct signer *s, const EVP_MD *hash, BIO *module)
{
	const unsigned common = CMS_BINARY | CMS_NOCERTS;
	const unsigned signing = common | CMS_NOATTR | CMS_NOSMIMECAP | (s->by_key_id ? CMS_USE_KEYID : 0);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, common | CMS_DETACHED | CMS_PARTIAL | CMS_STREAM);

	if (cms && CMS_add1_signer(cms, certificate_x509(s->certificate), s->key.pkey, hash, signing) &&
	    CMS_final(cms, module, NULL, common) == 1)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

/* The DER of a signature; *ret_len bytes, to be freed with OPENSSL_free. NULL: libcrypto says why. */
static unsigned char *make_signature(const struct signer *s, const char *hash, const struct buf *module, int *ret_len)
{
	EVP_MD *md = EVP_MD_fetch(NULL, hash, NULL);
	BIO *bio = BIO_new_mem_buf(module->data, (int)module->len);
	CMS_ContentInfo *cms = md && bio ? make_message(s, md, bio) : NULL;
	unsigned char *der = NULL;

	*ret_len = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	EVP_MD_free(md);
	return *ret_len > 0 ? der : NULL;
}

int signer_append(const struct signer *s, const char *hash, struct buf *module, struct err *e)
{
	struct signature check;
	int len;

	if (module->len > INT32_MAX)
		return err_set(e, ERR_LIMIT, "a module of %zu bytes", module->len);
	unsigned char *der = make_signature(s, hash, module, &len);
	if (!der)
		return crypto_err(e, ERR_FAILED, "signing failed");
	int rc = trailer_append(module, der, (size_t)len, e);
	OPENSSL_free(der);
	if (rc < 0 || signature_check(s->certificate, module->data, module->len, &check, e) < 0)
		return -1;
	if (check.state != SIGNATURE_GOOD)
		return err_set(e, ERR_CHECK, "the signature that was made does not hold: %s", check.reason);
	return 0;
}
