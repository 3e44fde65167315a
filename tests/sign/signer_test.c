#include "sign/signer.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "key_pair.h"

static void expect_refused(const struct signer_options *options, enum err_kind kind, const char *text, const char *label)
{
	cleanup_of(signer) struct signer *signer = NULL;
	struct err e = { 0 };

	cr_expect_eq(signer_open(options, &signer, &e), -1, "%s", label);
	cr_expect_eq(e.kind, kind, "%s: %s", label, e.message);
	cr_expect(strstr(e.message, text), "%s: %s", label, e.message);
}

Test(signer, wants_the_key_of_the_certificate)
{
	cleanup_temp_dir struct temp_dir d = { "" };
	struct key_pair one, other;

	temp_dir_make(&d);
	key_pair_make_plain(d.path, &one);
	key_pair_make(d.path, &(struct key_spec){ .name = "other", .type = "EC", .no_key_id = true }, &other);
	const struct {
		const char *label;
		struct signer_options options;
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ "pairs mixed up", { .key = one.key, .certificate = other.certificate }, ERR_USAGE, "is not that of key" },
		{ "and the other way", { .key = other.key, .certificate = one.certificate }, ERR_USAGE, "is not that of key" },
		{ "no key id in it",
		  { .key = other.key, .certificate = other.certificate, .by_key_id = true },
		  ERR_USAGE,
		  "subject key identifier" },
		{ "files mixed up", { .key = one.certificate, .certificate = one.certificate }, ERR_USAGE, "no private key" },
		{ "a key for a certificate", { .key = one.key, .certificate = one.key }, ERR_USAGE, "no X.509 certificate" },
		{ "a certificate for a key", { .key = one.der, .certificate = one.der }, ERR_USAGE, "no private key" },
		{ "no key", { .key = "/nowhere/key.pem", .certificate = one.certificate }, ERR_NOT_FOUND, "/nowhere/key.pem" },
		{ "no certificate", { .key = one.key, .certificate = "/nowhere/cert.pem" }, ERR_NOT_FOUND, "/nowhere/cert.pem" },
		{ "a PIN for all to see",
		  { .key = "pkcs11:object=x;pin-value=1234", .certificate = one.certificate },
		  ERR_USAGE,
		  "can be read by everybody" },
		{ "no PIN", { .key = "pkcs11:object=x", .certificate = one.certificate }, ERR_USAGE, "--passphrase-file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_refused(&rows[i].options, rows[i].kind, rows[i].text, rows[i].label);
}

Test(signer, passphrases)
{
	cleanup_temp_dir struct temp_dir d = { "" };
	cleanup_of(signer) struct signer *signer = NULL;
	struct key_pair pair;
	struct err e = { 0 };

	temp_dir_make(&d);
	key_pair_make(d.path, &(struct key_spec){ .name = "secret", .passphrase = "open sesame" }, &pair);
	struct signer_options options = { .key = pair.key, .certificate = pair.certificate };
	expect_refused(&options, ERR_USAGE, "is encrypted: --passphrase-file", "none");
	options.passphrase = "open";
	expect_refused(&options, ERR_USAGE, "right passphrase", "a wrong one");
	options.passphrase = "";
	expect_refused(&options, ERR_USAGE, "right passphrase", "an empty one");
	options.passphrase = "open sesame";
	cr_expect_eq(signer_open(&options, &signer, &e), 0, "%s", e.message);
}

Test(signer, keys_that_kernels_do_not_take)
{
	static const struct {
		struct key_spec spec;
		const char *text;
	} rows[] = {
		{ { .name = "odd", .bits = 1280 }, "RSA key of 1280 bits" },
		{ { .name = "curve", .type = "EC", .curve = "P-521" }, "curve 'secp521r1'" },
		{ { .name = "edwards", .type = "ED25519" }, "neither an RSA nor an ECDSA key" },
	};
	cleanup_temp_dir struct temp_dir d = { "" };

	temp_dir_make(&d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key_pair pair;
		key_pair_make(d.path, &rows[i].spec, &pair);
		const struct signer_options options = { .key = pair.key, .certificate = pair.certificate };
		expect_refused(&options, ERR_USAGE, rows[i].text, rows[i].spec.name);
	}
}

Test(signer, certificates_in_both_forms_and_their_dates)
{
	static const struct {
		struct key_spec spec;
		const char *doubt;
	} rows[] = {
		{ { .name = "good" }, NULL },
		{ { .name = "old", .from_days = -20, .to_days = -10 }, "it expired on 20" },
		{ { .name = "early", .from_days = 10, .to_days = 20 }, "it is not valid before 20" },
	};
	cleanup_temp_dir struct temp_dir d = { "" };

	temp_dir_make(&d);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(signer) struct signer *signer = NULL;
		struct key_pair pair;
		struct err e = { 0 };
		key_pair_make(d.path, &rows[i].spec, &pair);
		const struct signer_options options = { .key = pair.key, .certificate = pair.der };
		cr_assert_eq(signer_open(&options, &signer, &e), 0, "%s", e.message);
		const char *doubt = certificate_doubt(signer_certificate(signer));
		cr_expect(rows[i].doubt ? doubt && str_starts(doubt, rows[i].doubt) : !doubt, "%s: %s", rows[i].spec.name,
			  doubt ? doubt : "none");
	}
}
