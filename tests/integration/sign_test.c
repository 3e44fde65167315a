/* Signatures held against what others make of them: the kernel's own program, openssl(1), modinfo(8), a token. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../gate/fixture.h"
#include "../sign/key_pair.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "cache/package_cache.h"
#include "probes.h"
#include "sign/trailer.h"
#include "site.h"
#include "tree.h"
#include "work.h"

TestSuite(sign, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);
TestSuite(sign_token, .init = site_open_bare, .fini = site_close, .timeout = SITE_SECONDS);

static void write_bytes(const char *path, const void *bytes, size_t len)
{
	struct err e;

	cr_assert(file_replace(path, bytes, len, 0644, &e) == 0, "%s", e.message);
}

static void expect_equal_files(const char *a, const char *b)
{
	cleanup_buf struct buf left = { 0 }, right = { 0 };

	file_bytes(a, &left);
	file_bytes(b, &right);
	cr_expect(left.len == right.len && memcmp(left.data, right.data, left.len) == 0, "'%s' and '%s' differ", a, b);
}

struct kbuild {
	char *path; /* of the package that has the kernel's programs; NULL: not found */
};

static int take_kbuild(void *context, const struct cache_entry *entry, struct err *e)
{
	struct kbuild *found = context;
	char hex[DIGEST_HEX + 1];

	(void)e;
	if (found->path || !entry->present || !str_starts(entry->name, "linux-kbuild-6.1_"))
		return 0;
	digest_hex(&entry->digest, hex);
	found->path = text_of("%s/packages/sha256/%.2s/%s", site()->cache, hex, hex);
	return 0;
}

/* The kernel's own scripts/sign-file, out of a package that the build got. Caller frees. */
static char *unpack_sign_file(void)
{
	cleanup_free char *dir = text_of("%s/kbuild", site()->temp.path);
	cleanup_of(cache) struct cache *cache = NULL;
	struct kbuild found = { 0 };
	struct err e;

	cr_assert(cache_open(site()->cache, NULL, &cache, &e) == 0 && cache_list(cache, take_kbuild, &found, &e) == 0, "%s",
		  e.message);
	cr_assert_not_null(found.path, "no linux-kbuild package");
	work("dpkg-deb", "-x", found.path, dir, NULL);
	free(found.path);
	return text_of("%s/usr/lib/linux-kbuild-6.1/scripts/sign-file", dir);
}

static void expect_modinfo(const char *path, const char *field, const char *expected)
{
	const char *const argv[] = { "/sbin/modinfo", "-F", field, path, NULL };
	cleanup_buf struct buf out = { 0 };
	struct err e;

	cr_assert(process_run(argv, NULL, 1 << 20, &out, NULL, &e) == 0, "%s", e.message);
	cr_expect(str_starts(buf_text(&out), expected), "%s: %s", field, buf_text(&out));
}

/* By openssl's hands alone: the module without what stands behind it, and the message. */
static void expect_openssl_agrees(const char *path, const char *certificate)
{
	cleanup_free char *module = text_of("%s.module", path), *message = text_of("%s.der", path);
	cleanup_buf struct buf bytes = { 0 };
	struct trailer t;
	struct err e;

	file_bytes(path, &bytes);
	cr_assert_eq(trailer_find(bytes.data, bytes.len, &t, &e), 1, "%s", e.message);
	write_bytes(module, bytes.data, t.module_len);
	write_bytes(message, bytes.data + t.module_len, t.signature_len);
	work("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", message, "-content", module, "-certfile", certificate,
	     "-nointern", "-noverify", "-out", "/dev/null", NULL);
}

Test(sign, a_built_module_is_signed_as_the_kernel_itself_would)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *sign_file = NULL;
	cleanup_free char *object = text_of("%s/%s-%s.ko.gz", s->modules, s->name, kernel);
	cleanup_free char *plain = text_of("%s/hello.ko", s->temp.path), *signed_dir = text_of("%s/signed", s->temp.path);
	cleanup_free char *ours = text_of("%s/hello.ko", signed_dir), *theirs = text_of("%s/theirs.ko", s->temp.path);
	cleanup_buf struct buf bytes = { 0 };
	struct key_pair pair;

	probe_put_both(s->probe, s->name, "3.10", "");
	site_run(0, "build", "--kernel", kernel, "--no-image", NULL);
	file_gunzip(object, &bytes);
	write_bytes(plain, bytes.data, bytes.len);
	key_pair_make_plain(s->temp.path, &pair);

	sign_file = unpack_sign_file();
	work(sign_file, "sha256", pair.key, pair.certificate, plain, theirs, NULL);
	site_run_exactly(0, "sign", "--key", pair.key, "--cert", pair.certificate, "--output", signed_dir, plain, "--root", s->root,
			 "--cache", s->cache, NULL);
	expect_equal_files(ours, theirs);
	expect_openssl_agrees(ours, pair.certificate);
	expect_modinfo(ours, "sig_id", "PKCS#7");
	expect_modinfo(ours, "signer", "test\n");
	expect_modinfo(ours, "sig_hashalgo", "sha256\n");

	/* And what is published: in place, beside an eBPF object, with the hash that its config asks for. */
	struct program *p = site_run_exactly(0, "sign", "--key", pair.key, "--cert", pair.certificate, "--in-place", s->modules,
					     "--root", s->root, "--cache", s->cache, NULL);
	cr_expect(strstr(buf_text(&p->out), ".ko.gz: signed, sha256 (as its kernel's config asks)\n"), "%s", buf_text(&p->out));
	cr_expect(strstr(buf_text(&p->out), "1 module: 1 signed; 1 eBPF object passed over\n"), "%s", buf_text(&p->out));
	file_gunzip(object, &bytes);
	write_bytes(plain, bytes.data, bytes.len);
	expect_equal_files(plain, theirs);
	/* A build puts its own there again. */
	site_run(0, "build", "--kernel", kernel, "--no-image", NULL);
	p = site_run_exactly(5, "sign", "--verify", "--cert", pair.certificate, s->modules, NULL);
	cr_expect(strstr(buf_text(&p->err), "it is not signed"), "%s", buf_text(&p->err));
}

/* What libcrypto's engine for tokens holds on to after a failure counts as lost once the engine has been unloaded; it is not ours.
 */
static void leave_leaks_of_the_engine(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	cleanup_free char *all = text_of("%s:detect_leaks=0", options ? options : "");

	setenv("ASAN_OPTIONS", all, 1);
}

Test(sign_token, a_key_that_never_leaves_its_token)
{
	struct site *s = site();
	cleanup_free char *tokens = text_of("%s/tokens", s->temp.path), *config = text_of("%s/softhsm2.conf", s->temp.path);
	cleanup_free char *text = text_of("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens);
	cleanup_free char *module = text_of("%s/probe-6.1.0-x.ko", s->temp.path), *pkcs8 = text_of("%s/pkcs8.pem", s->temp.path);
	cleanup_free char *by_file = text_of("%s/by-file", s->temp.path), *by_token = text_of("%s/by-token", s->temp.path);
	cleanup_free char *one = text_of("%s/probe-6.1.0-x.ko", by_file), *two = text_of("%s/probe-6.1.0-x.ko", by_token);
	static const char uri[] = "pkcs11:token=release;object=modules";
	cleanup_buf struct buf object = { 0 };
	struct key_pair pair;
	struct err e;

	make_module(&object);
	write_bytes(module, object.data, object.len);
	key_pair_make_plain(s->temp.path, &pair);
	cr_assert(path_make_dirs(tokens, &e) == 0, "%s", e.message);
	file_put(s->temp.path, "softhsm2.conf", text);
	setenv("SOFTHSM2_CONF", config, 1);
	setenv("PKCS11_MODULE_PATH", "/usr/lib/softhsm/libsofthsm2.so", 1);
	setenv("GOOD_PIN", "1234", 1);
	setenv("BAD_PIN", "4321", 1);
	work("softhsm2-util", "--init-token", "--free", "--label", "release", "--so-pin", "5678", "--pin", "1234", NULL);
	work("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", pair.key, "-out", pkcs8, NULL);
	work("softhsm2-util", "--import", pkcs8, "--token", "release", "--label", "modules", "--id", "A1", "--pin", "1234", NULL);

	site_run_exactly(0, "sign", "--key", pair.key, "--cert", pair.certificate, "--output", by_file, module, NULL);
	site_run_exactly(0, "sign", "--key", uri, "--passphrase-env", "GOOD_PIN", "--cert", pair.certificate, "--output", by_token,
			 module, NULL);
	expect_equal_files(one, two);
	leave_leaks_of_the_engine();
	struct program *p = site_run_exactly(2, "sign", "--key", uri, "--passphrase-env", "BAD_PIN", "--cert", pair.certificate,
					     "--in-place", module, NULL);
	cr_expect(strstr(buf_text(&p->err), "PIN incorrect"), "%s", buf_text(&p->err));
	p = site_run_exactly(2, "sign", "--key", "pkcs11:token=release;object=other", "--passphrase-env", "GOOD_PIN", "--cert",
			     pair.certificate, "--in-place", module, NULL);
	cr_expect(strstr(buf_text(&p->err), "the token gives no such private key"), "%s", buf_text(&p->err));
	setenv("OPENSSL_ENGINES", s->temp.path, 1);
	p = site_run_exactly(2, "sign", "--key", uri, "--passphrase-env", "GOOD_PIN", "--cert", pair.certificate, "--in-place",
			     module, NULL);
	cr_expect(strstr(buf_text(&p->err), "it is in the package libengine-pkcs11-openssl"), "%s", buf_text(&p->err));
}
