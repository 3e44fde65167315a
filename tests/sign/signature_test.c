#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "key_pair.h"
#include "sign/hash.h"
#include "sign/signer.h"
#include "sign/trailer.h"

static const char text[] = "as good as a module, as far as signatures go";

struct bench {
	struct temp_dir dir;
	struct key_pair pair;
	struct signer *signer;
	const struct certificate *certificate;
};

static void bench_make(struct bench *b, const struct key_spec *spec, bool by_key_id)
{
	struct err e = { 0 };

	*b = (struct bench){ .dir = { "" } };
	temp_dir_make(&b->dir);
	key_pair_make(b->dir.path, spec, &b->pair);
	const struct signer_options options = { .key = b->pair.key, .certificate = b->pair.certificate, .by_key_id = by_key_id };
	cr_assert_eq(signer_open(&options, &b->signer, &e), 0, "%s", e.message);
	b->certificate = signer_certificate(b->signer);
}

static void bench_remove(struct bench *b)
{
	signer_free(b->signer);
	temp_dir_remove(&b->dir);
}

#define cleanup_bench __attribute__((cleanup(bench_remove)))

static void put_module(struct buf *b)
{
	struct err e;

	cr_assert_eq(buf_puts(b, text, &e), 0);
}

static void check(const struct certificate *c, const struct buf *module, struct signature *ret)
{
	struct err e = { 0 };

	cr_assert_eq(signature_check(c, module->data, module->len, ret, &e), 0, "%s", e.message);
}

Test(signature, every_hash_and_kind_of_key)
{
	static const struct {
		struct key_spec spec;
		bool by_key_id;
		const char *hashes[7], *signer;
	} rows[] = {
		{ { .name = "rsa" }, false, { "sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512" }, "rsa" },
		{ { .name = "rsa" }, true, { "sha256", "sha512" }, "" },
		{ { .name = "ec", .type = "EC" }, false, { "sha256", "sha512" }, "ec" },
		{ { .name = "ec384", .type = "EC", .curve = "P-384" }, true, { "sha384" }, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_bench struct bench b;
		bench_make(&b, &rows[i].spec, rows[i].by_key_id);
		for (const char *const *hash = rows[i].hashes; *hash; hash++) {
			cleanup_buf struct buf module = { 0 };
			struct signature s;
			struct err e = { 0 };
			put_module(&module);
			cr_assert_eq(signer_append(b.signer, *hash, &module, &e), 0, "%s", e.message);
			cr_expect(str_starts(module.data, text) && memcmp(module.data + module.len - 10, "appended~\n", 10) == 0);
			check(b.certificate, &module, &s);
			cr_expect_eq(s.state, SIGNATURE_GOOD, "%s: %s", *hash, s.reason);
			cr_expect_str_eq(s.hash, *hash);
			cr_expect_str_eq(s.signer, rows[i].signer);
			cr_expect_eq(strlen(s.key) > 20, rows[i].by_key_id, "%s", s.key);
		}
	}
}

Test(signature, hashes_have_the_kernels_names)
{
	static const char *const bad[] = { "", "sha1", "SHA256", "md5", "sha224", "sha256 " };
	const char *found = NULL;
	struct err e;

	cr_assert_eq(hash_find("sha512", &found, &e), 0);
	cr_expect_str_eq(found, "sha512");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_eq(hash_find(bad[i], &found, &e), -1, "'%s'", bad[i]);
		cr_expect_eq(e.kind, ERR_USAGE);
	}
	cr_expect_str_eq(found, "sha512");
}

Test(signature, changed_bytes_are_never_good)
{
	cleanup_bench struct bench b;
	cleanup_buf struct buf module = { 0 };
	struct signature s;
	struct err e = { 0 };

	bench_make(&b, &(struct key_spec){ .name = "ec", .type = "EC" }, false);
	put_module(&module);
	cr_assert_eq(signer_append(b.signer, "sha256", &module, &e), 0, "%s", e.message);
	for (size_t at = 0; at < module.len; at++)
		for (int bit = 1; bit < 256; bit <<= 3) {
			module.data[at] ^= (char)bit;
			check(b.certificate, &module, &s);
			/* Not every byte of the message matters; of all others each does. */
			cr_expect(s.state != SIGNATURE_GOOD || (at >= strlen(text) && at < module.len - 40),
				  "byte %zu of %zu, bit %d", at, module.len, bit);
			for (const char *p = s.signer; *p; p++)
				cr_assert(*p >= 0x20 && *p < 0x7f, "byte %zu", at);
			module.data[at] ^= (char)bit;
		}
	for (size_t len = 0; len < module.len; len++) {
		const struct buf cut = { module.data, len, 0 };
		check(b.certificate, &cut, &s);
		cr_expect_eq(s.state, SIGNATURE_NONE, "%zu of %zu bytes", len, module.len);
	}
	check(b.certificate, &module, &s);
	cr_expect_eq(s.state, SIGNATURE_GOOD);
}

Test(signature, of_another_key)
{
	cleanup_bench struct bench b, other, impostor;
	cleanup_buf struct buf module = { 0 };
	struct signature s;
	struct err e = { 0 };

	bench_make(&b, &(struct key_spec){ .name = "ec", .type = "EC" }, false);
	bench_make(&other, &(struct key_spec){ .name = "other", .type = "EC" }, false);
	/* Issuer and serial number are what anybody can put into a certificate. */
	bench_make(&impostor, &(struct key_spec){ .name = "ec", .type = "EC" }, false);
	put_module(&module);
	cr_assert_eq(signer_append(b.signer, "sha256", &module, &e), 0, "%s", e.message);
	check(other.certificate, &module, &s);
	cr_expect_eq(s.state, SIGNATURE_OTHER_KEY);
	cr_expect_str_eq(s.signer, "ec");
	check(impostor.certificate, &module, &s);
	cr_expect_eq(s.state, SIGNATURE_BAD);
}

/* A CMS message as openssl(1) might make it. */
static void append_message(const struct bench *b, unsigned flags, const EVP_MD *hash, int signers, struct buf *module)
{
	FILE *f = fopen(b->pair.key, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	BIO *bio = BIO_new_mem_buf(module->data, (int)module->len);
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	unsigned char *der = NULL;
	struct err e = { 0 };

	cr_assert(key && bio && cms);
	fclose(f);
	for (int i = 0; i < signers; i++) {
		CMS_SignerInfo *s = CMS_add1_signer(cms, certificate_x509(b->certificate), key, hash, flags);
		cr_assert(s);
		if (flags & CMS_KEY_PARAM)
			EVP_PKEY_CTX_set_rsa_padding(CMS_SignerInfo_get0_pkey_ctx(s), RSA_PKCS1_PSS_PADDING);
	}
	/* With nobody to sign for there is nothing to be finished. */
	cr_assert(!signers || CMS_final(cms, bio, NULL, flags) == 1, "flags %x, %d signers: %s", flags, signers,
		  ERR_error_string(ERR_peek_error(), NULL));
	int len = i2d_CMS_ContentInfo(cms, &der);
	cr_assert_gt(len, 0);
	cr_assert_eq(trailer_append(module, der, (size_t)len, &e), 0, "%s", e.message);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	EVP_PKEY_free(key);
}

Test(signature, messages_that_kernels_refuse)
{
	enum { USUAL = CMS_BINARY | CMS_NOCERTS | CMS_NOATTR | CMS_DETACHED };
	static const struct {
		unsigned flags;
		const EVP_MD *(*hash)(void);
		int signers;
		enum signature_state state;
		const char *reason;
	} rows[] = {
		{ USUAL, EVP_sha256, 1, SIGNATURE_GOOD, "" },
		{ USUAL & ~(unsigned)CMS_NOCERTS, EVP_sha256, 1, SIGNATURE_GOOD, "" },
		{ USUAL & ~(unsigned)CMS_NOATTR, EVP_sha256, 1, SIGNATURE_BAD, "signed attributes" },
		{ USUAL & ~(unsigned)CMS_DETACHED, EVP_sha256, 1, SIGNATURE_BAD, "content inside" },
		{ USUAL | CMS_KEY_PARAM, EVP_sha256, 1, SIGNATURE_BAD, "neither RSA (PKCS #1 v1.5) nor" },
		{ USUAL, EVP_sha256, 2, SIGNATURE_BAD, "several signers" },
		{ USUAL, EVP_sha256, 0, SIGNATURE_BAD, "no signer" },
		{ USUAL, EVP_sha1, 1, SIGNATURE_BAD, "too weak" },
	};
	cleanup_bench struct bench b;

	bench_make(&b, &(struct key_spec){ .name = "rsa" }, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf module = { 0 };
		struct signature s;
		put_module(&module);
		append_message(&b, rows[i].flags, rows[i].hash(), rows[i].signers, &module);
		check(b.certificate, &module, &s);
		cr_expect_eq(s.state, rows[i].state, "row %zu: state %d: %s", i, s.state, s.reason);
		cr_expect(strstr(s.reason, rows[i].reason), "row %zu: %s", i, s.reason);
	}
}

Test(signature, bytes_that_are_no_message)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = { { "hello", 5 }, { "\x30\x80", 2 }, { "\x30\x84\xff\xff\xff\xff", 6 }, { "\x30\x03\x02\x01\x01", 5 } };
	cleanup_bench struct bench b;

	bench_make(&b, &(struct key_spec){ .name = "ec", .type = "EC" }, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf module = { 0 };
		struct signature s;
		struct err e = { 0 };
		put_module(&module);
		cr_assert_eq(trailer_append(&module, rows[i].bytes, rows[i].len, &e), 0, "%s", e.message);
		check(b.certificate, &module, &s);
		cr_expect_eq(s.state, SIGNATURE_BAD);
		cr_expect(strstr(s.reason, "no CMS message"), "%s", s.reason);
	}
	const struct buf nothing = { NULL, 0, 0 };
	struct signature s;
	check(b.certificate, &nothing, &s);
	cr_expect_eq(s.state, SIGNATURE_NONE);
}
