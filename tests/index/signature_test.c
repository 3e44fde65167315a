/* Signatures, with keys made for the test. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "index/armor.h"
#include "index/signature.h"

/* A dash and blanks at line ends are what the framework treats in its own way. */
static const char text[] = "Origin: Example\n- dash: x\n--- \nblanks: y \t\nSHA256:\n 00 1 main/binary-amd64/Packages\n";
static const char text_signed[] = "Origin: Example\n- dash: x\n---\nblanks: y\nSHA256:\n 00 1 main/binary-amd64/Packages\n";

static struct temp_dir dir;

/* Runs `sh -c script` in the test's directory, with a GNUPGHOME of its own. */
static void shell(const char *script)
{
	cleanup_free char *whole = NULL;
	struct err e = { 0 };

	whole = str_printf(&e, "cd %s && export GNUPGHOME=%s/gnupg && %s", dir.path, dir.path, script);
	const char *const argv[] = { "sh", "-e", "-c", whole, NULL };
	cr_assert_eq(process_run(argv, NULL, 1 << 20, NULL, NULL, &e), 0, "%s", e.message);
}

static void write_file(const char *name, const char *bytes, size_t len)
{
	cleanup_free char *path = NULL;
	struct err e = { 0 };

	path = path_join(dir.path, name, &e);
	cr_assert_eq(file_replace(path, bytes, len, 0644, &e), 0, "%s", e.message);
}

static void read_file(const char *name, struct buf *ret)
{
	cleanup_free char *path = NULL;
	struct err e = { 0 };

	path = path_join(dir.path, name, &e);
	cr_assert_eq(file_read(path, 1 << 20, ret, &e), 0, "%s", e.message);
}

/* Keys a and b; `old`, that expired long ago; their keyrings; text, signed in several ways. */
static void set_up(void)
{
	temp_dir_make(&dir);
	write_file("text", text, strlen(text));
	shell("mkdir -m 700 gnupg\n"
	      "key() { gpg -q --batch --passphrase '' --pinentry-mode loopback \"$@\" 2>&1; }\n"
	      "key --quick-gen-key 'A <a@example.com>' ed25519 sign never\n"
	      "key --quick-gen-key 'B <b@example.com>' ed25519 sign never\n"
	      "key --faked-system-time 20200101T000000 --quick-gen-key 'Old <old@example.com>' ed25519 sign 30d\n"
	      "gpg -q --batch --export a@example.com >a.gpg\n"
	      "gpg -q --batch --export --armor a@example.com >a.asc\n"
	      "gpg -q --batch --export b@example.com >b.gpg\n"
	      "{ echo 'Key of B, for people to read'; gpg -q --batch --export --armor b@example.com; cat a.asc; } >both.asc\n"
	      "gpg -q --batch --export old@example.com >old.gpg\n"
	      "sign() { out=$1; shift; key --yes --output $out \"$@\" text; }\n"
	      "sign by-a -u a@example.com --clear-sign\n"
	      "sign by-b -u b@example.com --clear-sign\n"
	      "sign by-both -u b@example.com -u a@example.com --clear-sign\n"
	      "sign by-old --faked-system-time 20200102T000000 -u old@example.com --clear-sign\n"
	      "sign weak -u a@example.com --digest-algo SHA1 --clear-sign\n"
	      "sign a.sig -u a@example.com --detach-sign\n"
	      "sign a.sig.asc -u a@example.com --armor --detach-sign\n"
	      "sign message -u a@example.com --armor --sign\n"
	      "gpgconf --kill all\n"
	      "sed 's/main/evil/' by-a >altered\n"
	      "sed 's/- - dash/- dash/' by-a >unescaped\n"
	      "{ echo 'Origin: Evil'; cat by-a; } >before\n"
	      "{ cat by-a; echo 'Origin: Evil'; } >behind\n"
	      "cat by-a by-a >twice\n"
	      "{ sed 's/main/evil/' by-b; cat by-a; } >smuggled\n"
	      "sed 's/^Hash: .*/&\\nComment: x/' by-a >header\n"
	      "sed '/BEGIN PGP SIGNATURE/,$d' by-a >cut-before-signature\n"
	      "sed '/END PGP SIGNATURE/d' by-a >cut-in-signature\n"
	      "head -c 100 by-a >cut-in-text\n"
	      "sed '/BEGIN PGP SIGNATURE/,/END/{/^[A-Za-z0-9+/=]*$/d}' by-a >no-packets\n"
	      "sed 's/$/\\r/' by-a >crlf\n"
	      "{ cat by-a; echo; echo ' '; } >blanks-behind\n"
	      "sed 's/^.\\{20\\}$/!/;5s/./!/' a.asc >damaged.asc\n"
	      "echo 'no keys' >none.asc\n"
	      "cp text unsigned; : >empty\n");
}

static void tear_down(void)
{
	temp_dir_remove(&dir);
}

TestSuite(signature, .init = set_up, .fini = tear_down);

static int open_in_dir(const char *name)
{
	cleanup_free char *path = NULL;
	struct err e = { 0 };

	path = path_join(dir.path, name, &e);
	int fd = file_open(path, &e);
	cr_assert_geq(fd, 0, "%s", e.message);
	return fd;
}

/* 0: *ret is what was signed. */
static int check(const char *file, const char *keyring, struct buf *ret, struct err *e)
{
	cleanup_free char *path = path_join(dir.path, keyring, e);
	cleanup_close int fd = open_in_dir(file);
	cleanup_close int signed_fd = -1;
	char chunk[4096];
	ssize_t n;

	/* Wherever its reader stood. */
	cr_assert_geq(lseek(fd, 3, SEEK_SET), 0);
	if (signature_check_inline(fd, "InRelease", path, &signed_fd, NULL, e) < 0) {
		cr_expect_eq(signed_fd, -1);
		return -1;
	}
	while ((n = read(signed_fd, chunk, sizeof(chunk))) > 0)
		cr_assert_eq(buf_append(ret, chunk, (size_t)n, e), 0);
	struct stat st;
	cr_expect(fstat(signed_fd, &st) == 0 && st.st_nlink == 0, "it has no name");
	return 0;
}

struct row {
	const char *file, *keyring;
	enum err_kind kind;  /* ERR_NONE: good */
	const char *message; /* part of it */
};

static const struct row rows[] = {
	{ "by-a", "a.gpg", ERR_NONE, NULL },
	{ "by-a", "a.asc", ERR_NONE, NULL },
	{ "by-a", "both.asc", ERR_NONE, NULL },
	{ "by-b", "both.asc", ERR_NONE, NULL },
	{ "by-both", "a.gpg", ERR_NONE, NULL },
	{ "by-both", "b.gpg", ERR_NONE, NULL },
	{ "blanks-behind", "a.gpg", ERR_NONE, NULL },
	{ "crlf", "a.gpg", ERR_NONE, NULL },
	{ "altered", "a.gpg", ERR_CORRUPT, "is bad: this is not what was signed" },
	{ "by-b", "a.gpg", ERR_CORRUPT, "is not in the keyring" },
	{ "altered", "b.gpg", ERR_CORRUPT, "is not in the keyring" },
	{ "by-old", "old.gpg", ERR_CORRUPT, "has expired" },
	{ "weak", "a.gpg", ERR_CORRUPT, "is over a hash that can be forged" },
	{ "by-a", "missing.gpg", ERR_INPUT, "No such file" },
	{ "by-a", "none.asc", ERR_INPUT, "holds no public keys" },
	{ "by-a", "damaged.asc", ERR_INPUT, "armored keys are damaged" },
	{ "by-a", "empty", ERR_INPUT, "holds no public keys" },
	{ "unsigned", "a.gpg", ERR_CORRUPT, "signature of 'InRelease': is not signed" },
	{ "empty", "a.gpg", ERR_CORRUPT, "is not signed" },
	{ "message", "a.gpg", ERR_CORRUPT, "is not signed" },
	{ "before", "a.gpg", ERR_CORRUPT, "is not signed" },
	{ "behind", "a.gpg", ERR_CORRUPT, "something stands behind the signature" },
	{ "twice", "a.gpg", ERR_CORRUPT, "something stands behind the signature" },
	{ "smuggled", "a.gpg", ERR_CORRUPT, "something stands behind the signature" },
	{ "header", "a.gpg", ERR_CORRUPT, "unknown header" },
	{ "unescaped", "a.gpg", ERR_CORRUPT, "" },
	{ "cut-before-signature", "a.gpg", ERR_CORRUPT, "signed text is cut short" },
	{ "cut-in-text", "a.gpg", ERR_CORRUPT, "signed text is cut short" },
	{ "cut-in-signature", "a.gpg", ERR_CORRUPT, "signature is cut short" },
	{ "no-packets", "a.gpg", ERR_CORRUPT, "signature" },
};

/* gpgv: its messages count too. sqv looks at a key as it was when it signed, so that one which has expired since is good. */
static void expect_rows(bool gpgv)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!gpgv && strcmp(rows[i].keyring, "old.gpg") == 0)
			continue;
		cleanup_buf struct buf got = { 0 };
		struct err e = { 0 };
		int rc = check(rows[i].file, rows[i].keyring, &got, &e);
		cr_expect_eq(rc, rows[i].kind == ERR_NONE ? 0 : -1, "%s with %s: %s", rows[i].file, rows[i].keyring, e.message);
		if (rc == 0)
			cr_expect_str_eq(buf_text(&got), text_signed, "%s: %s", rows[i].file, buf_text(&got));
		cr_expect_eq(e.kind, rows[i].kind, "%s with %s: %s", rows[i].file, rows[i].keyring, e.message);
		if (gpgv && rows[i].message)
			cr_expect(strstr(e.message, rows[i].message), "%s with %s: %s", rows[i].file, rows[i].keyring, e.message);
		cr_expect(!strchr(e.message, '\n'), "one line");
	}
}

Test(signature, inline_by_gpgv)
{
	expect_rows(true);
}

/* A PATH with nothing but that program, where this machine has it. */
static bool only(const char *program)
{
	cleanup_free char *script = NULL;
	struct err e = { 0 };

	script = str_printf(&e, "mkdir -p bin && p=$(command -v %s) && ln -s \"$p\" bin/ || :", program);
	shell(script);
	cleanup_free char *bin = path_join(dir.path, "bin", &e);
	cleanup_free char *path = path_join(bin, program, &e);
	bool there = path_exists(path, &e) == 1;
	setenv("PATH", bin, 1);
	return there;
}

Test(signature, inline_by_sqv)
{
	if (!only("sqv")) {
		tear_down(); /* which a test that is left out does not do */
		cr_skip_test("sqv is not installed");
	}
	expect_rows(false);
}

Test(signature, no_program_is_there)
{
	cleanup_buf struct buf got = { 0 };
	struct err e = { 0 };

	only("no-such-program");
	cr_expect_eq(check("by-a", "a.gpg", &got, &e), -1);
	cr_expect_eq(e.kind, ERR_SYSTEM);
	cr_expect(strstr(e.message, "neither gpgv nor sqv is installed"), "%s", e.message);
}

Test(signature, detached)
{
	static const struct {
		const char *file, *signature, *keyring;
		enum err_kind kind;
		const char *message;
	} detached[] = {
		{ "text", "a.sig", "a.gpg", ERR_NONE, NULL },
		{ "text", "a.sig.asc", "a.asc", ERR_NONE, NULL },
		{ "text", "a.sig.asc", "b.gpg", ERR_CORRUPT, "is not in the keyring" },
		{ "by-a", "a.sig", "a.gpg", ERR_CORRUPT, "is bad: this is not what was signed" },
		{ "text", "text", "a.gpg", ERR_CORRUPT, "signature of 'repomd.xml'" },
		{ "text", "empty", "a.gpg", ERR_CORRUPT, "is empty" },
		{ "text", "a.sig", "missing", ERR_INPUT, "No such file" },
		/* A signature that carries its own text says nothing of ours. */
		{ "empty", "by-a", "a.gpg", ERR_CORRUPT, "signature of 'repomd.xml'" },
		{ "altered", "by-a", "a.gpg", ERR_CORRUPT, "signature of 'repomd.xml'" },
		{ "altered", "message", "a.gpg", ERR_CORRUPT, "signature of 'repomd.xml'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(detached); i++) {
		struct err e = { 0 };
		cleanup_free char *keyring = path_join(dir.path, detached[i].keyring, &e);
		cleanup_close int fd = open_in_dir(detached[i].file);
		cleanup_close int signature_fd = open_in_dir(detached[i].signature);
		int rc = signature_check_detached(fd, signature_fd, "repomd.xml", keyring, NULL, &e);
		cr_expect_eq(rc, detached[i].kind == ERR_NONE ? 0 : -1, "row %zu: %s", i, e.message);
		cr_expect_eq(e.kind, detached[i].kind, "row %zu: %s", i, e.message);
		if (detached[i].message)
			cr_expect(strstr(e.message, detached[i].message), "row %zu: %s", i, e.message);
	}
}

Test(signature, cut_anywhere_is_never_good)
{
	cleanup_buf struct buf whole = { 0 };

	read_file("by-a", &whole);
	for (size_t len = 0; len + 1 < whole.len; len += 37) {
		cleanup_buf struct buf signed_text = { 0 };
		cleanup_buf struct buf signature = { 0 };
		struct err e = { 0 };
		cr_expect_eq(armor_split_signed(whole.data, len, &signed_text, &signature, &e), -1, "%zu bytes pass", len);
		cr_expect_eq(e.kind, ERR_CORRUPT);
	}
}

Test(signature, cancelled)
{
	cleanup_free char *keyring = NULL;
	struct err e = { 0 };
	struct cancel c;
	int signed_fd = -1;

	keyring = path_join(dir.path, "a.gpg", &e);
	cleanup_close int fd = open_in_dir("by-a");
	cr_assert_eq(cancel_init(&c, &e), 0);
	cancel_set(&c);
	cr_expect_eq(signature_check_inline(fd, "InRelease", keyring, &signed_fd, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED, "%s", e.message);
	cr_expect_eq(signed_fd, -1);
	cancel_release(&c);
}
