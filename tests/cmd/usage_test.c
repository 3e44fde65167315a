#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "program.h"

enum { WORDS = 8 };

Test(usage, help_on_every_level)
{
	static const struct {
		const char *words[WORDS];
		const char *says;
	} rows[] = {
		{ { "--help" }, "Exit codes:" },
		{ { "build", "--help" }, "--dry-run" },
		{ { "build", "--help" }, "--block-list" },
		{ { "plan", "--help" }, "--kernels-from" },
		{ { "lint", "--help" }, "file:line" },
		{ { "image", "--help" }, "--archive" },
		{ { "cache", "--help" }, "delete" },
		{ { "cache", "fetch", "--help" }, "--mirror" },
		{ { "crawl", "--help" }, "--accept-shrink" },
		{ { "cache", "--help" }, "verify" },
		{ { "cache", "verify", "--help" }, "--jobs" },
		{ { "cache", "add", "--help" }, "--url" },
		{ { "cache", "pull", "--help" }, "--all" },
		{ { "cache", "push", "--help" }, "--bucket" },
		{ { "cache", "prune", "--help" }, "--keep-ref" },
		{ { "cache", "delete", "--help" }, "--yes" },
		{ { "cache", "list", "--help" }, "sha256" },
		{ { "toolchain", "--help" }, "--rebuild" },
		{ { "sign", "--help" }, "--passphrase-env" },
		{ { "toolchain", "list", "--help" }, "--rebuild" },
		{ { "--dry-run", "--help" }, "--json" },
		{ { "build", "--help", "--no-such-option" }, "--json" },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_program(&s, rows[i].words, &o);
		cr_expect_eq(o.code, 0, "row %zu: %d", i, o.code);
		cr_expect(str_starts(buf_text(&o.out), "Usage: orchestrate"), "row %zu: %s", i, buf_text(&o.out));
		cr_expect_not_null(strstr(buf_text(&o.out), rows[i].says), "row %zu: %s", i, buf_text(&o.out));
		cr_expect_str_eq(buf_text(&o.err), "", "row %zu", i);
	}
}

Test(usage, version)
{
	static const char *const words[] = { "--version", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	run_program(&s, words, &o);
	cr_expect_eq(o.code, 0);
	cr_expect(str_starts(buf_text(&o.out), "orchestrate ") && count_lines(&o.out) == 1, "%s", buf_text(&o.out));
	cr_expect(strspn(buf_text(&o.out) + 12, "0123456789") > 0, "%s", buf_text(&o.out));
	cr_expect_str_eq(buf_text(&o.err), "");
}

/* One line on stderr, nothing on stdout, code 2. */
static void expect_refused(const struct outcome *o, const char *says, const char *what)
{
	cr_expect_eq(o->code, 2, "%s: %d: %s", what, o->code, buf_text(&o->err));
	cr_expect_str_eq(buf_text(&o->out), "", "%s", what);
	cr_expect_eq(count_lines(&o->err), 1, "%s: %s", what, buf_text(&o->err));
	cr_expect_not_null(strstr(buf_text(&o->err), says), "%s: %s", what, buf_text(&o->err));
}

Test(usage, mistakes_in_the_command_line)
{
	static const struct {
		const char *words[WORDS];
		const char *says;
	} rows[] = {
		{ { "biuld" }, "unknown command 'biuld', did you mean 'build'?" },
		{ { "chache", "list" }, "did you mean 'cache'?" },
		{ { "toolchains" }, "did you mean 'toolchain'?" },
		{ { "something-else" }, "unknown command 'something-else'; `orchestrate --help`" },
		{ { "" }, "unknown command ''" },
		{ { "--dryrun" }, "unknown option '--dryrun', did you mean '--dry-run'?" },
		{ { "--kernels", "x" }, "did you mean '--kernel'?" },
		{ { "build", "--no-imgae" }, "did you mean '--no-image'?" },
		{ { "image", "--out", "x" }, "unknown option '--out'" },
		{ { "--completely-unknown" }, "--help lists them" },
		{ { "-h" }, "unknown option '-h'" },
		{ { "build", "extra" }, "unexpected argument 'extra'" },
		{ { "build", "--", "--dry-run" }, "unexpected argument '--dry-run'" },
		{ { "--jobs" }, "--jobs wants N" },
		{ { "--jobs", "0" }, "--jobs: expected at least 1" },
		{ { "--jobs=" }, "--jobs: expected a whole number" },
		{ { "--jobs", "-1" }, "--jobs: expected a whole number, found '-1'" },
		{ { "--jobs", "99999" }, "--jobs: '99999' is more than" },
		{ { "--timeout", "soon" }, "--timeout: expected a whole number, found 'soon'" },
		{ { "--kind", "ko" }, "--kind: " },
		{ { "--progress", "loud" }, "--progress: expected auto, tty, plain, json or quiet, found 'loud'" },
		{ { "--dry-run=yes" }, "--dry-run takes no argument" },
		{ { "--json" }, "--json goes with --dry-run" },
		{ { "image", "--no-load" }, "--no-load without --archive" },
		{ { "crawl", "debian" }, "unexpected argument 'debian'" },
		{ { "crawl", "--jobs", "0" }, "--jobs: expected 1 to 256, found '0'" },
		{ { "crawl", "--summary=" }, "--summary: the name of a file is expected" },
		{ { "cache" }, "cache wants to be told what to do" },
		{ { "cache", "--distro", "x" }, "cache does not know '--distro'" },
		{ { "cache", "purge" }, "did you mean 'prune'?" },
		{ { "cache", "list", "delete" }, "unexpected argument 'delete'" },
		{ { "cache", "verify", "--jobs", "0" }, "--jobs: expected a number from 1 to 256, found '0'" },
		{ { "cache", "prune", "--grace", "-1" }, "--grace: expected seconds" },
		{ { "cache", "pull", "--all", "--distro", "x" }, "exclude each other" },
		{ { "cache", "pull" }, "no bucket is named" },
		{ { "cache", "push" }, "no bucket is named" },
		{ { "cache", "push", "--bucket", "--all" }, "--bucket: '--all' is no bucket" },
		{ { "cache", "push", "--bucket", "gs://" }, "names no bucket" },
		{ { "cache", "push", "--bucket", "ftp://x/y" }, "is no kind of bucket known here" },
		{ { "cache", "add" }, "which files?" },
		{ { "cache", "add", "a", "b", "--url", "c" }, "--url goes with one file" },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		char what[64];
		snprintf(what, sizeof(what), "row %zu, %s", i, rows[i].words[0]);
		run_program(&s, rows[i].words, &o);
		expect_refused(&o, rows[i].says, what);
	}
}

Test(usage, mistakes_that_need_the_checkout)
{
	static const struct {
		const char *words[WORDS];
		const char *says;
	} rows[] = {
		{ { "--dry-run", "--distro", "exmaple" }, "did you mean 'example'?" },
		{ { "--dry-run", "--distro", "nobody-knows-it" }, "nobody-knows-it" },
		{ { "--dry-run", "--probe", "/no/such/probe" }, "/no/such/probe" },
		{ { "cache", "delete" }, "--yes" },
		{ { "cache", "fetch", "--mirror", "no-equals-sign" }, "--mirror" },
		{ { "cache", "fetch", "--bucket-url", "s3://x/y" }, "--bucket-url: expected the http or https URL" },
		{ { "cache", "fetch", "--bucket-url", "https://x/y?token=1" }, "--bucket-url: expected" },
		{ { "cache", "prune", "--keep-ref", "no-such-ref" }, "no-such-ref" },
		{ { "cache", "prune", "--keep-ref", "--help" }, "'--help' is no commit" },
		{ { "cache", "fetch", "--mirror", "nobody=http://x.example.org" }, "nobody" },
		{ { "cache", "fetch", "--distro", "secnd" }, "did you mean 'second'?" },
		{ { "toolchain" }, "`list`, `build` or `pin`" },
		{ { "toolchain", "make" }, "found 'make'" },
		{ { "toolchain", "build", "gcc12" }, "gcc-12" },
		{ { "toolchain", "list", "gcc-12" }, "takes no names" },
		{ { "toolchain", "pin" }, "the names of those to pin" },
		{ { "toolchain", "pin", "gcc12" }, "gcc-12" },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		char what[64];
		snprintf(what, sizeof(what), "row %zu, %s", i, rows[i].words[1] ? rows[i].words[1] : rows[i].words[0]);
		run_on_site(&s, rows[i].words, &o);
		expect_refused(&o, rows[i].says, what);
	}
}

/* Of a commit from before the lists were where they are, nothing would be kept: that must not look like success. */
Test(usage, a_kept_commit_has_lists)
{
	static const char *const words[] = { "cache", "prune", "--keep-ref", "HEAD", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	struct err e;

	site_make(&s);
	const char *const init[] = { "git", "init", "-q", s.root, NULL };
	const char *const commit[] = { "git",	 "-C", s.root,		"-c", "user.name=x", "-c", "user.email=x@example.org",
				       "commit", "-q", "--allow-empty", "-m", "nothing",     NULL };
	cr_assert_eq(process_run(init, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(process_run(commit, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
	run_on_site(&s, words, &o);
	expect_refused(&o, "commit 'HEAD' has no lists where they are now", "prune");
}

Test(usage, a_checkout_is_wanted)
{
	static const char *const words[] = { "--dry-run", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	snprintf(s.root, sizeof(s.root), "%s", s.dir.path);
	run_on_site(&s, words, &o);
	expect_refused(&o, s.root, "no checkout");
}
