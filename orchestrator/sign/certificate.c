#include "sign/certificate.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "sign/crypto.h"

enum { CERTIFICATE_BYTES_MAX = 1 << 20 };

struct certificate {
	X509 *x509;
	char doubt[128];
};

void certificate_free(struct certificate *c)
{
	if (!c)
		return;
	X509_free(c->x509);
	free(c);
}

X509 *certificate_x509(const struct certificate *c)
{
	return c->x509;
}

const char *certificate_doubt(const struct certificate *c)
{
	return c->doubt[0] ? c->doubt : NULL;
}

static X509 *read_pem(const struct buf *bytes)
{
	BIO *bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
	X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, crypto_no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return x509;
}

static X509 *read_der(const struct buf *bytes)
{
	const unsigned char *at = (const unsigned char *)bytes->data;

	return d2i_X509(NULL, &at, (long)bytes->len);
}

static void print_time(const ASN1_TIME *time, char *ret, size_t room)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(ret, room, "%Y-%m-%d", &tm) == 0)
		snprintf(ret, room, "a date that makes no sense");
}

static void look_at_dates(struct certificate *c)
{
	char date[64];

	if (X509_cmp_current_time(X509_get0_notAfter(c->x509)) <= 0) {
		print_time(X509_get0_notAfter(c->x509), date, sizeof(date));
		snprintf(c->doubt, sizeof(c->doubt), "it expired on %s", date);
	} else if (X509_cmp_current_time(X509_get0_notBefore(c->x509)) >= 0) {
		print_time(X509_get0_notBefore(c->x509), date, sizeof(date));
		snprintf(c->doubt, sizeof(c->doubt), "it is not valid before %s", date);
	}
}

int certificate_load(const char *path, struct certificate **ret, struct err *e)
{
	cleanup_of(certificate) struct certificate *c = calloc(1, sizeof(*c));
	cleanup_buf struct buf bytes = { 0 };

	if (!c)
		return err_no_memory(e);
	if (file_read(path, CERTIFICATE_BYTES_MAX, &bytes, e) < 0)
		return -1;
	/* The kernel's own build makes certificates in DER, everybody else in PEM. */
	c->x509 = read_pem(&bytes);
	if (!c->x509)
		c->x509 = read_der(&bytes);
	ERR_clear_error();
	if (!c->x509)
		return err_set(e, ERR_USAGE, "'%s' is no X.509 certificate, neither PEM nor DER", path);
	look_at_dates(c);
	*ret = steal_ptr(&c);
	return 0;
}
