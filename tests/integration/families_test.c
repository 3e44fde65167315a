/* Packages as other distributions make them, with the descriptors of this checkout: from a list to checked objects. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "objects.h"
#include "pool.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(families, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* What the packages are that make-families makes. */
static const struct {
	const char *distro, *id, *release;
} rows[] = {
	{ "alma", "6.12.0-55.9.1.el10_0.x86_64", "6.12.0-55.9.1.el10_0.x86_64" },
	{ "amazon", "5.10.210-201.852.amzn2.x86_64", "5.10.210-201.852.amzn2.x86_64" },
	{ "centos", "5.14.0-444.el9.x86_64", "5.14.0-444.el9.x86_64" },
	{ "fedora-coreos", "6.8.5-201.fc39.x86_64", "6.8.5-201.fc39.x86_64" },
	{ "gardenlinux", "6.6.13-cloud-amd64-gl-6.6.13-0gardenlinux1", "6.6.13-cloud-amd64" },
	{ "oracle-uek", "5.15.0-200.131.27.el9uek.x86_64", "5.15.0-200.131.27.el9uek.x86_64" },
	{ "rhel", "5.14.0-427.13.1.el9_4.x86_64", "5.14.0-427.13.1.el9_4.x86_64" },
	{ "rhel", "5.14.0-427.13.1.el9_4.x86_64+rt", "5.14.0-427.13.1.el9_4.x86_64+rt" },
	{ "rocky", "4.18.0-513.5.1.el8_9.x86_64", "4.18.0-513.5.1.el8_9.x86_64" },
	{ "suse", "5.14.21-150500.55.39-default", "5.14.21-150500.55.39-default" },
	{ "ubuntu", "5.15.0-91-generic", "5.15.0-91-generic" },
};

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

/* Just the objects of these distros' kernels (NULL: of all) are there, and they are good. */
static void expect_objects(const char *const distros[], const char *module)
{
	struct site *s = site();
	cleanup_strv struct strv names = { 0 };
	struct err e;

	must(strv_add(&names, "MODULE_VERSION.txt", &e), &e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const *d = distros;
		while (d && *d && strcmp(*d, rows[i].distro) != 0)
			d++;
		if (d && !*d)
			continue;
		must(strv_take(&names, text_of("%s-%s.ko.gz", s->name, rows[i].id), &e), &e);
		must(strv_take(&names, text_of("%s-ebpf-%s.o.gz", s->name, rows[i].id), &e), &e);
		expect_good_objects(rows[i].id, rows[i].release, module);
	}
	tree_expect(s->modules, (const char *const *)names.items);
}

Test(families, a_kernel_of_each_is_built)
{
	cleanup_free char *pool = pool_made_by("make-families", "families"), *root = pool_checkout(pool);
	cleanup_free char *version = probe_put_ours();

	struct program *p = site_run(0, "build", "--root", root, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "11 kernels: 22 built;"), "%s", buf_text(&p->err));
	expect_objects(NULL, "collector");
	site_expect_no_container(p);
}

/* A probe whose build command minds what must not be in a tree: links that lead nowhere, and a directory in itself. */
Test(families, one_that_is_asked_for_is_built_alone_from_a_mended_tree)
{
	struct site *s = site();
	static const char *const rhel[] = { "rhel", NULL }, *const both[] = { "rhel", "oracle-uek", NULL };
	cleanup_free char *pool = pool_made_by("make-families", "families"), *root = pool_checkout(pool);

	probe_put_both(s->probe, s->name, "3.10",
		       "test -f \"$KERNEL_BUILD/include/linux/module.h\"\n"
		       "test -z \"$(find \"$KERNEL_BUILD\" -xtype l)\"\n"
		       "test ! -e \"$KERNEL_BUILD/include/asm/asm\"\n");
	struct program *p = site_run(0, "build", "--root", root, "--no-image", "--distro", "rhel", NULL);
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 4 built;"), "%s", buf_text(&p->err));
	expect_objects(rhel, "hello");
	p = site_run(0, "build", "--root", root, "--no-image", "--distro", "oracle-uek", NULL);
	cr_expect(strstr(buf_text(&p->err), ": 2 built;"), "%s", buf_text(&p->err));
	expect_objects(both, "hello");
}
