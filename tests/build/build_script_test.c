/* The part of images/build.sh that joins the tree of a kernel's own packages with the one of its shared packages, run by the
 * host's shell. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/process.h"

/* Makes own/ and shared/ below $1 by `make`, joins them, and prints the tree of own/: a line for each entry that is no directory,
 * links with where they lead. */
static const char frame[] = "set -eu; cd \"$1\"; mkdir own shared; (%s)\n"
			    "SHARED_TREE=$1/shared\n"
			    "eval \"$(sed -n '/^link_missing() {/,/^}/p; /^join_trees() {/,/^}/p' \"$2/images/build.sh\")\"\n"
			    "join_trees \"$1/own\" \"$SHARED_TREE\"\n"
			    "cd own; find . ! -type d -printf '%%P %%l\\n' | sed \"s:$1/::\" | LC_ALL=C sort\n";

static int join(const char *make, struct buf *ret)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_buf struct buf here = { 0 };
	char script[4096];
	struct err e;
	const char *const pwd[] = { "pwd", NULL };

	temp_dir_make(&dir);
	cr_assert_eq(process_run(pwd, NULL, 4096, &here, NULL, &e), 0, "%s", e.message);
	here.data[strcspn(here.data, "\n")] = '\0';
	snprintf(script, sizeof(script), frame, make);
	const char *const argv[] = { "sh", "-c", script, "join", dir.path, here.data, NULL };
	return process_run(argv, NULL, 65536, ret, NULL, &e);
}

Test(build_script, links_what_the_own_tree_lacks)
{
	static const struct {
		const char *what, *make, *tree;
	} rows[] = {
		{ "a directory becomes one link",
		  "mkdir -p own/usr/src/a shared/usr/src/common/x shared/usr/lib; touch own/usr/src/a/f",
		  "usr/lib shared/usr/lib\nusr/src/a/f \nusr/src/common shared/usr/src/common\n" },
		{ "files, links, and links that lead nowhere", "touch shared/f; ln -s f shared/l; ln -s none shared/broken",
		  "broken shared/broken\nf shared/f\nl shared/l\n" },
		{ "directories in both are joined all the way down",
		  "mkdir -p own/a/b/c shared/a/b/c; touch own/a/b/c/1 shared/a/b/c/2 shared/a/3",
		  "a/3 shared/a/3\na/b/c/1 \na/b/c/2 shared/a/b/c/2\n" },
		{ "blanks, dots, dashes and stars in names",
		  "mkdir -p 'own/a b' 'shared/a b'; touch 'shared/a b/c  d' 'shared/-x' 'shared/.h' 'shared/..i' 'shared/*' 'shared/a b/$x'",
		  "* shared/*\n-x shared/-x\n..i shared/..i\n.h shared/.h\na b/$x shared/a b/$x\na b/c  d shared/a b/c  d\n" },
		{ "an empty shared tree", "touch own/a", "a \n" },
		{ "an empty directory in both", "mkdir own/a shared/a", "" },
		{ "an own directory that is shared by nobody is not looked into", "mkdir own/a; touch own/a/f shared/f",
		  "a/f \nf shared/f\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf out = { 0 };
		cr_expect_eq(join(rows[i].make, &out), 0, "%s: %s", rows[i].what, buf_text(&out));
		cr_expect_str_eq(buf_text(&out), rows[i].tree, "%s:\n%s", rows[i].what, buf_text(&out));
	}
}

Test(build_script, names_what_is_in_both)
{
	static const struct {
		const char *make, *name;
	} rows[] = {
		{ "mkdir -p own/a shared/a; touch own/a/f shared/a/f", "'a/f'" },
		{ "mkdir own/a; touch shared/a", "'a'" },
		{ "touch own/a; mkdir shared/a", "'a'" },
		{ "mkdir own/b; ln -s b own/a; mkdir shared/a", "'a'" },
		{ "mkdir own/a; mkdir shared/b; ln -s b shared/a", "'a'" },
		{ "ln -s none own/a; touch shared/a", "'a'" },
		{ "mkdir -p 'own/x y' 'shared/x y'; touch 'own/x y/f g' 'shared/x y/f g'", "'x y/f g'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf out = { 0 };
		cr_expect_neq(join(rows[i].make, &out), 0, "%s", rows[i].make);
		cr_expect(strstr(buf_text(&out), rows[i].name), "%s: %s", rows[i].make, buf_text(&out));
		cr_expect(strstr(buf_text(&out), "is in the kernel's own packages and in those that it shares"));
	}
}

/* Prepares the tree that `make` makes below $1, with a stand-in for make that notes its targets and says the release 6.1-own; what
 * is then in src/ that a build looks at. */
static const char prepare_frame[] =
	"set -eu; cd \"$1\"; mkdir bin tree; (cd tree; %s)\n"
	"printf '%%s\\n' '#!/bin/sh' 'cd \"$2\" && mkdir -p include/config && echo 6.1-own >include/config/kernel.release && echo \"$*\" >>made' >bin/make\n"
	"chmod +x bin/make; PATH=$1/bin:$PATH work=$1 KERNEL_BUILD=$1/tree/src JOBS=2 CC=cc KERNEL_RELEASE=6.1-own no_modules=\n"
	"PREPARE_CONFIG='h-*/.config src/default'; export PATH\n"
	"eval \"$(sed -n '/^prepare_tree() {/,/^}/p' \"$2/images/build.sh\")\"\n"
	"prepare_tree && echo \"good $(cat \"$1/tree/src/.config\") ${KBUILD_MODPOST_WARN:-} $no_modules\" && "
	"sed 's/.*LOCALVERSION=/LOCALVERSION=/' \"$1/tree/src/made\"\n";

static int prepare(const char *make, struct buf *ret)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_buf struct buf here = { 0 };
	char script[4096];
	struct err e;
	const char *const pwd[] = { "pwd", NULL };

	temp_dir_make(&dir);
	cr_assert_eq(process_run(pwd, NULL, 4096, &here, NULL, &e), 0, "%s", e.message);
	here.data[strcspn(here.data, "\n")] = '\0';
	snprintf(script, sizeof(script), prepare_frame, make);
	const char *const argv[] = { "sh", "-c", script, "prepare", dir.path, here.data, NULL };
	return process_run(argv, NULL, 65536, ret, NULL, &e);
}

#define PREPARED "LOCALVERSION= olddefconfig include/config/kernel.release\nLOCALVERSION= modules_prepare\n"

Test(build_script, prepares_sources)
{
	static const struct {
		const char *what, *make, *printed; /* printed: behind what it says of the configuration; NULL: it fails */
	} rows[] = {
		{ "a configuration beside", "mkdir src h-1; echo A=1 >h-1/.config; echo B=1 >src/default",
		  "good A=1 1 \n" PREPARED },
		{ "the next best", "mkdir src; echo B=1 >src/default", "good B=1 1 \n" PREPARED },
		{ "what the kernel exports", "mkdir src h-1; echo A=1 >h-1/.config; touch h-1/Module.symvers",
		  "good A=1  \n" PREPARED },
		{ "versions that nobody has", "mkdir src; echo CONFIG_MODVERSIONS=y >src/default",
		  "good CONFIG_MODVERSIONS=y 1 symbol versions (CONFIG_MODVERSIONS)\n" PREPARED },
		{ "versions that are there", "mkdir src h-1; echo CONFIG_MODVERSIONS=y >h-1/.config; touch h-1/Module.symvers",
		  "good CONFIG_MODVERSIONS=y  \n" PREPARED },
		{ "no configuration", "mkdir src h-1", NULL },
		{ "no sources", "mkdir h-1; echo A=1 >h-1/.config", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf out = { 0 };
		int rc = prepare(rows[i].make, &out);
		cr_expect_eq(rc, rows[i].printed ? 0 : -1, "%s: %s", rows[i].what, buf_text(&out));
		const char *good = strstr(buf_text(&out), "good ");
		if (rows[i].printed)
			cr_expect(good && strcmp(good, rows[i].printed) == 0, "%s: %s", rows[i].what, buf_text(&out));
	}
}
