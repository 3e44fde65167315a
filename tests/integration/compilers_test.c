/* Kernels that name other compilers than the series does that their headers are of: each is built with what it names. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "mirror.h"
#include "objects.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(compilers, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

#define EDITOR "tests/integration/edit-deb"

/* What the kernel's configuration is in, as text and as its own makefiles and headers have it. */
#define CONFIGS                                                                                                                    \
	"usr/src/linux-headers-*/.config", "usr/src/linux-headers-*/include/config/auto.conf",                                     \
		"usr/src/linux-headers-*/include/generated/autoconf.h"

#define SAYS_GCC(major)                                                                                                            \
	"s/^(CONFIG_CC_VERSION_TEXT=)(\"?)[^\"]*/\\1\\2gcc-" #major " (Somebody) " #major ".2.0/;"                                 \
	"s/^CONFIG_GCC_VERSION=.*/CONFIG_GCC_VERSION=" #major "0200/"

/* With what of the configuration follows from the compiler's abilities. */
#define SAYS_CLANG(major)                                                                                                          \
	"s/^(CONFIG_CC_VERSION_TEXT=)(\"?)[^\"]*/\\1\\2Somebody's clang version " #major ".0.6/;"                                  \
	"s/^CONFIG_GCC_VERSION=.*/CONFIG_GCC_VERSION=0/; s/^CONFIG_CLANG_VERSION=.*/CONFIG_CLANG_VERSION=" #major "0006/;"         \
	"s/^CONFIG_LD_VERSION=.*/CONFIG_LD_VERSION=0/; s/^CONFIG_LLD_VERSION=.*/CONFIG_LLD_VERSION=" #major "0006/;"               \
	"s/^(#define CONFIG_CLANG_VERSION) .*/\\1 " #major "0006/; s/^(#define CONFIG_GCC_VERSION) .*/\\1 0/;"                     \
	"s/CONFIG_CC_IS_GCC([= ])/CONFIG_CC_IS_CLANG\\1/; s/CONFIG_LD_IS_BFD([= ])/CONFIG_LD_IS_LLD\\1/;"                          \
	"s/CONFIG_FTRACE_MCOUNT_USE_CC([= ])/CONFIG_FTRACE_MCOUNT_USE_OBJTOOL\\1/;"                                                \
	"s/-Wimplicit-fallthrough=5/-Wimplicit-fallthrough/"

static void edit(const char *deb, const char *script, const char *a, const char *b, const char *c)
{
	const char *const argv[] = { EDITOR, deb, script, a, b, c, NULL };
	struct err e;

	cr_assert(process_run(argv, NULL, 4096, NULL, NULL, &e) == 0, "%s", e.message);
}

/* The kernel's own package says what script makes of its configuration. */
static void add_kernel(struct mirror_site *m, const char *kernel, const char *script)
{
	cleanup_free char *prefix = text_of("linux-headers-%s_", kernel);

	mirror_add_kernel(m, kernel);
	cleanup_free char *deb = mirror_path(m, prefix);
	edit(deb, script, CONFIGS);
}

/* The module's own word on what compiled it (the section .comment). */
static void expect_compiler(const char *id, const char *words)
{
	struct site *s = site();
	cleanup_free char *path = text_of("%s/%s-%s.ko.gz", s->modules, s->name, id);
	cleanup_buf struct buf object = { 0 };

	file_gunzip(path, &object);
	cr_expect(memmem(object.data, object.len, words, strlen(words)), "'%s' was not compiled by %s", path, words);
}

/* What is edited under its old name must not get into the cache that the tests share. Gives its path; caller frees. */
static char *private_cache(const char *name)
{
	struct err e;
	char *path = text_of("%s/%s", site()->temp.path, name);

	cr_assert(path_make_dirs(path, &e) == 0, "%s", e.message);
	return path;
}

/* What its headers were configured for is a compiler that can do less, or nothing more that matters. */
static const struct {
	enum series series;
	bool cloud;
	const char *script, *why, *compiler;
} rows[] = {
	{ SERIES_5_10, true, SAYS_GCC(9), "gcc 9 as the kernel (its .config)", "GCC: (Debian 9." },
	{ SERIES_5_10, false, SAYS_GCC(11), "gcc 11 as the kernel (its .config)", "GCC: (Debian 11." },
	{ SERIES_6_1, false, SAYS_GCC(13), "gcc 13 as the kernel (its .config)", "GCC: (Debian 13." },
	{ SERIES_6_12, false, SAYS_GCC(15), "gcc 15 as the kernel (its .config)", "GCC: (Debian 15." },
};

/* Its packages are there after this. */
static void build_cloud(const char *kernel)
{
	cleanup_free char *probe = text_of("%s/cloud/probe", site()->temp.path), *output = text_of("%s/cloud", site()->temp.path);

	probe_put_bpf(probe, site()->name, "");
	site_run(0, "build", "--kernel", kernel, "--probe", probe, "--output", output, "--no-image", NULL);
}

static struct program *plan_of(const struct mirror_site *m, const char *cache)
{
	return site_run_exactly(0, "plan", "--root", m->root, "--cache", cache, "--probe", site()->probe, NULL);
}

Test(compilers, each_kernel_gets_the_one_that_it_names)
{
	cleanup_mirror struct mirror_site m = { 0 };
	char *kernels[ARRAY_LEN(rows)];

	mirror_make(&m);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *kernel = site_kernel(rows[i].series);
		kernels[i] = rows[i].cloud ? site_cloud(kernel) : steal_ptr(&kernel);
		if (rows[i].cloud)
			build_cloud(kernels[i]);
		add_kernel(&m, kernels[i], rows[i].script);
	}
	mirror_write_list(&m, NULL);
	cleanup_free char *version = probe_put_ours(), *cache = private_cache("private");
	struct program *p = site_run(0, "build", "--root", m.root, "--cache", cache, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "4 kernels: 8 built;"), "%s", buf_text(&p->err));
	struct program *plan = plan_of(&m, cache);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expect_good_objects(kernels[i], kernels[i], "collector");
		expect_compiler(kernels[i], rows[i].compiler);
		cr_expect(strstr(buf_text(&plan->out), rows[i].why), "%s", buf_text(&plan->out));
		free(kernels[i]);
	}
	site_expect_no_container(p);
}

Test(compilers, one_that_clang_built_is_built_by_clang)
{
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_mirror struct mirror_site m = { 0 };

	mirror_make(&m);
	add_kernel(&m, kernel, SAYS_CLANG(16));
	mirror_write_list(&m, NULL);
	cleanup_free char *version = probe_put_ours(), *cache = private_cache("private");
	struct program *p = site_run(0, "build", "--root", m.root, "--cache", cache, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "1 kernel: 2 built;"), "%s", buf_text(&p->err));
	expect_good_objects(kernel, kernel, "collector");
	expect_compiler(kernel, "clang version 16.");
	struct program *plan = plan_of(&m, cache);
	cr_expect(strstr(buf_text(&plan->out), "clang 16 as the kernel (its .config)"), "%s", buf_text(&plan->out));
}

static const struct {
	const char *what, *package, *script, *files[3], *says;
} bad[] = {
	{ "no compiler is named",
	  "linux-headers-",
	  "/CONFIG_CC_VERSION_TEXT|CONFIG_GCC_VERSION|CONFIG_CLANG_VERSION/d",
	  { CONFIGS },
	  "do not say which compiler built it (no CONFIG_CC_VERSION_TEXT in .config)" },
	{ "its host tools need a C library that nobody has",
	  "linux-kbuild-",
	  "s/GLIBC_2\\.[0-9][0-9]/GLIBC_2.99/g",
	  { "usr/lib/linux-kbuild-*/scripts/basic/fixdep" },
	  "no toolchain has the glibc 2.99 that the kernel's host tools need; the newest is 2.43" },
};

Test(compilers, what_no_compiler_can_do_is_said)
{
	cleanup_free char *kernel = site_kernel(SERIES_6_1);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cleanup_mirror struct mirror_site m = { 0 };
		struct err e;
		mirror_make(&m);
		mirror_add_kernel(&m, kernel);
		cleanup_free char *prefix = text_of("%s%s", bad[i].package, str_ends(bad[i].package, "headers-") ? kernel : "");
		cleanup_free char *deb = mirror_path(&m, prefix), *cache = private_cache(bad[i].what);
		edit(deb, bad[i].script, bad[i].files[0], bad[i].files[1], bad[i].files[2]);
		mirror_write_list(&m, NULL);
		probe_put_both(site()->probe, site()->name, "3.10", "");
		struct program *p = site_run(1, "build", "--root", m.root, "--cache", cache, "--no-image", NULL);
		cr_expect(strstr(buf_text(&p->err), "1 kernel: 2 failed;"), "%s: %s", bad[i].what, buf_text(&p->err));
		cr_expect(strstr(buf_text(&p->err), bad[i].says), "%s: %s", bad[i].what, buf_text(&p->err));
		site_expect_no_container(p);
		cr_assert(path_remove(m.root, &e) == 0 && path_remove(m.pool, &e) == 0, "%s", e.message);
	}
}
