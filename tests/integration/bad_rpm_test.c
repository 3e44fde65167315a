/* Packages of other distributions that are not what they should be: one line each, and the other kernels are built. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "pool.h"
#include "probes.h"
#include "repository.h"
#include "site.h"
#include "tree.h"
#include "work.h"

TestSuite(bad_rpm, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

#define RELEASE(n)   "5.14.0-" n ".el9.x86_64"
#define BELOW(n)     "/usr/src/kernels/" RELEASE(n)
#define CONFIG(arch) "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/" arch " 5.14.0 Kernel Configuration\n#\n"
#define COMPILER     "CONFIG_CC_VERSION_TEXT=\"gcc (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3)\"\nCONFIG_GCC_VERSION=110401\n"
#define UTS(n)	     "#define UTS_RELEASE \"" RELEASE(n) "\"\n"

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

/* --- what is wrong with them; all are made in the pool of one distribution --- */

/* A package with these files alone: pairs of path and text. */
static void make_rpm(const char *pool, const char *release, const char *const *files)
{
	cleanup_free char *tree = text_of("%s/.tree", pool);
	struct err e;

	for (; *files; files += 2)
		file_put(tree, files[0] + 1, files[1]);
	package_make_rpm_of(pool, "kernel-devel", "5.14.0", release, tree);
	must(path_remove(tree, &e), &e);
}

/* The good one's bytes, under the name of another kernel. Caller replaces what is to be replaced and writes them. */
static void take_good(const char *pool, struct buf *ret)
{
	cleanup_free char *path = text_of("%s/kernel-devel-" RELEASE("444") ".rpm", pool);

	file_bytes(path, ret);
}

static void put_bytes(const char *pool, const char *release, const char *bytes, size_t len)
{
	cleanup_free char *path = text_of("%s/kernel-devel-5.14.0-%s.x86_64.rpm", pool, release);
	struct err e;

	must(file_replace(path, bytes, len, 0644, &e), &e);
}

/* rpm(8)'s headers begin with these three bytes: first that of signatures, then the package's own. */
static void make_broken_header(const char *pool)
{
	static const char magic[] = "\x8e\xad\xe8";
	cleanup_buf struct buf bytes = { 0 };

	take_good(pool, &bytes);
	char *first = memmem(bytes.data, bytes.len, magic, 3);
	char *second = first ? memmem(first + 3, bytes.len - (size_t)(first + 3 - bytes.data), magic, 3) : NULL;
	cr_assert_not_null(second);
	memset(second, 0, 3);
	put_bytes(pool, "901.el9", bytes.data, bytes.len);
}

static void make_cut(const char *pool)
{
	cleanup_buf struct buf bytes = { 0 };

	take_good(pool, &bytes);
	put_bytes(pool, "902.el9", bytes.data, bytes.len / 2);
}

static void make_other_architecture(const char *pool)
{
	static const char *const files[] = { BELOW("903") "/.config", CONFIG("arm64") COMPILER,
					     BELOW("903") "/include/generated/utsrelease.h", UTS("903"), NULL };

	make_rpm(pool, "903.el9", files);
}

static void make_without_compiler(const char *pool)
{
	static const char *const files[] = { BELOW("904") "/.config", CONFIG("x86_64") "CONFIG_X86_64=y\n",
					     BELOW("904") "/include/generated/utsrelease.h", UTS("904"), NULL };

	make_rpm(pool, "904.el9", files);
}

static void make_of_another_kernel(const char *pool)
{
	static const char *const files[] = { BELOW("905") "/.config", CONFIG("x86_64") COMPILER,
					     BELOW("905") "/include/generated/utsrelease.h", UTS("444"), NULL };

	make_rpm(pool, "905.el9", files);
}

/* Any program, with a C library asked for that there will not be. */
static void make_of_the_future(const char *pool)
{
	static const char *const files[] = { BELOW("906") "/.config", CONFIG("x86_64") COMPILER,
					     BELOW("906") "/include/generated/utsrelease.h", UTS("906"), NULL };
	static const char wanted[] = "GLIBC_2.";
	cleanup_free char *tree = text_of("%s/.tree", pool);
	cleanup_free char *tool = text_of("%s" BELOW("906") "/scripts/mod/modpost", tree);
	cleanup_buf struct buf bytes = { 0 };
	size_t changed = 0;
	struct err e;

	for (const char *const *file = files; *file; file += 2)
		file_put(tree, file[0] + 1, file[1]);
	file_bytes("/bin/true", &bytes);
	for (char *at = bytes.data, *end = bytes.data + bytes.len; (at = memmem(at, (size_t)(end - at), wanted, strlen(wanted)));) {
		at += strlen(wanted);
		if (isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]) && !at[2] && ++changed)
			memcpy(at, "99", 2);
	}
	cr_assert_gt(changed, 0, "/bin/true needs no GLIBC_2.xx");
	file_put(tree, BELOW("906") "/scripts/mod/modpost" + 1, "");
	must(file_replace(tool, bytes.data, bytes.len, 0755, &e), &e);
	package_make_rpm_of(pool, "kernel-devel", "5.14.0", "906.el9", tree);
	must(path_remove(tree, &e), &e);
}

/* The header says how its payload is compressed, which is what rpm(8) goes by. */
static void name_other_compression(const char *path)
{
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	file_bytes(path, &bytes);
	char *name = memmem(bytes.data, bytes.len, "cpio\0zstd\0", 10);
	cr_assert_not_null(name, "'%s' names no zstd", path);
	memcpy(name + strlen("cpio") + 1, "gzip", 4);
	must(path_remove(path, &e), &e);
	must(file_replace(path, bytes.data, bytes.len, 0644, &e), &e);
}

/* The member of an ar archive is renamed; the names are of one length with the blank behind. */
static void rename_member(const char *path, const char *from, const char *to)
{
	cleanup_buf struct buf bytes = { 0 };
	struct err e;

	file_bytes(path, &bytes);
	char *name = memmem(bytes.data, bytes.len, from, strlen(from));
	cr_assert(name && strlen(from) == strlen(to), "'%s' has no '%s'", path, from);
	memcpy(name, to, strlen(to));
	must(path_remove(path, &e), &e);
	must(file_replace(path, bytes.data, bytes.len, 0644, &e), &e);
}

/* --- the checkout --- */

static char *pool_of(const char *distro)
{
	return text_of("%s/pool/%s", site()->temp.path, distro);
}

/* What is in its pool. more: further lines. */
static void list_pool(const char *root, const char *distro, const char *more)
{
	cleanup_free char *list = text_of("supported-kernels/%s.txt", distro), *pool = pool_of(distro);
	cleanup_buf struct buf text = { 0 };
	cleanup_strv struct strv files = { 0 };
	struct err e;

	tree_list(pool, &files);
	for (size_t i = 0; i < files.len; i++)
		must(buf_printf(&text, &e, "file://%s/%s\n", pool, files.items[i]), &e);
	must(buf_puts(&text, more, &e), &e);
	file_put(root, list, buf_text(&text));
}

/* The packages that make-families made of a distribution, in a pool that may be written to. Caller frees the path. */
static char *copy_pool(const char *distro)
{
	cleanup_free char *pools = pool_made_by("make-families", "families"), *from = text_of("%s/%s", pools, distro);
	char *pool = pool_of(distro);

	tree_copy(from, pool);
	return pool;
}

/* All descriptors of this checkout, with empty lists. Caller frees the path. */
static char *make_root(void)
{
	struct site *s = site();
	char *root = text_of("%s/checkout", s->temp.path);
	cleanup_free char *real = text_of("%s/images", s->root), *images = text_of("%s/images", root);
	cleanup_free char *distros = text_of("%s/distros", root);
	cleanup_strv struct strv names = { 0 };

	tree_copy("distros", distros);
	cr_assert(symlink(real, images) == 0);
	tree_list(distros, &names);
	for (size_t i = 0; i < names.len; i++) {
		cleanup_free char *list = text_of("supported-kernels/%.*s.txt", (int)strcspn(names.items[i], "."), names.items[i]);
		file_put(root, list, "");
	}
	return root;
}

Test(bad_rpm, each_costs_its_own_kernel)
{
	static const struct {
		const char *kernel, *why[2];
	} rows[] = {
		{ RELEASE("901"), { "kernel-devel-5.14.0-901.el9.x86_64.rpm", "" } },
		{ RELEASE("902"), { "kernel-devel-5.14.0-902.el9.x86_64.rpm", "runcated" } },
		{ RELEASE("903"), { "for 'arm64', not for amd64", "" } },
		{ RELEASE("904"), { "which compiler", "CONFIG_CC_VERSION_TEXT" } },
		{ RELEASE("905"), { "of kernel '" RELEASE("444") "'", "" } },
		{ RELEASE("906"), { "glibc 2.99", "" } },
		{ "5.15.0-91-generic", { "linux-headers-5.15.0-91-generic_5.15.0-91.101_amd64.deb", "" } },
	};
	struct site *s = site();
	cleanup_free char *root = make_root(), *cache = text_of("%s/private-cache", s->temp.path);
	cleanup_free char *centos = copy_pool("centos"), *alma = copy_pool("alma"), *ubuntu = copy_pool("ubuntu");
	cleanup_free char *renamed = text_of("%s/linux-headers-5.15.0-91-generic_5.15.0-91.101_amd64.deb", ubuntu);
	cleanup_free char *good = text_of("%s-ebpf-" RELEASE("444") ".o.gz", s->name);
	cleanup_free char *named = text_of("%s-ebpf-6.12.0-55.9.1.el10_0.x86_64.o.gz", s->name);
	cleanup_free char *misnamed = text_of("%s/kernel-devel-6.12.0-55.9.1.el10_0.x86_64.rpm", alma);

	make_broken_header(centos);
	make_cut(centos);
	make_other_architecture(centos);
	make_without_compiler(centos);
	make_of_another_kernel(centos);
	make_of_the_future(centos);
	/* That one's bytes are sound, and they say what they are. */
	name_other_compression(misnamed);
	rename_member(renamed, "data.tar.zst", "data.tar.xz ");
	/* The same once more, from another place: two packages claim one kernel. */
	list_pool(root, "centos", "https://mirror.example.org/kernel-devel-" RELEASE("444") ".rpm\n");
	list_pool(root, "alma", "");
	list_pool(root, "ubuntu", "");
	probe_put_bpf(s->probe, s->name, "");
	struct program *p = site_run(1, "build", "--root", root, "--cache", cache, "--no-image", NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *begin = text_of("failed      bpf %s (", rows[i].kernel);
		const char *at = strstr(buf_text(&p->err), begin);
		cleanup_free char *line = text_of("%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
		cr_expect(at && strstr(line, rows[i].why[0]) && strstr(line, rows[i].why[1]), "'%s': '%s' in\n%s", rows[i].kernel,
			  line, buf_text(&p->err));
	}
	cr_expect(strstr(buf_text(&p->err), "\n9 kernels: 2 built, 7 failed; "), "%s", buf_text(&p->err));
	const char *const files[] = { good, named, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	site_expect_no_container(p);
}

/* Objects are named by kernel alone: nothing is built before somebody says which of the two it is. */
Test(bad_rpm, one_kernel_of_two_distributions_is_refused)
{
	cleanup_free char *root = make_root(), *pool = pool_of("rocky");

	package_make_rpm(pool, "kernel-devel", "4.18.0", "1.el8_9");
	list_pool(root, "rocky", "");
	list_pool(root, "oracle-uek", "");
	list_pool(root, "fedora-coreos", "https://mirror.example.org/kernel-devel-4.18.0-1.el8_9.x86_64.rpm\n");
	probe_put_bpf(site()->probe, site()->name, "");
	struct program *p = site_run(2, "build", "--root", root, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "both have a kernel '4.18.0-1.el8_9.x86_64'"), "%s", buf_text(&p->err));
	const char *const nothing[] = { NULL };
	tree_expect(site()->output, nothing);
}
