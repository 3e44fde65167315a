/* Kernels that are published as sources, with the descriptors of this checkout: prepared by the kernel's own makefiles in a
 * builder, then built against. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "objects.h"
#include "pool.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(prepare, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* What make-sources makes, without the version that all have in common. */
static const struct {
	const char *id, *release;
	bool mod;
} rows[] = {
	{ "-18244.85.49-cos", "+", true }, /* its configuration is in the sources */
	{ "-18244.85.54-cos", "+", true }, { "-minikube-v1.99.0", "", true },
	{ "-own", "-own", true },	   { "-refused", "-refused", false },
};

Test(prepare, sources_are_built_against)
{
	struct site *s = site();
	cleanup_free char *pool = pool_of_sources("make-sources", "sources"), *root = pool_checkout(pool);
	cleanup_free char *probe_version = probe_put_ours(), *version_path = text_of("%s/version", pool);
	cleanup_strv struct strv names = { 0 };
	cleanup_buf struct buf version = { 0 };
	struct err e;

	file_bytes(version_path, &version);
	version.data[strcspn(version.data, "\n")] = '\0';
	struct program *p =
		site_run_exactly(0, "plan", "--root", root, "--cache", s->cache, "--probe", s->probe, "--distro", "cos", NULL);
	cr_expect(strstr(buf_text(&p->out), "; its release is told by its packages\n"), "%s", buf_text(&p->out));
	p = site_run(1, "build", "--root", root, "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "6 kernels: 9 built, 1 unavailable, 2 failed;"), "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "-misnamed mod: its sources could not be prepared for modules"), "%s",
		  buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "-other', not '"), "what went wrong is in the log's end: %s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "CONFIG_MODVERSIONS"), "%s", buf_text(&p->err));
	cr_assert_eq(strv_add(&names, "MODULE_VERSION.txt", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *id = text_of("%s%s", version.data, rows[i].id);
		cleanup_free char *release = text_of("%s%s", version.data, rows[i].release);
		cr_assert_eq(strv_take(&names, text_of("%s-ebpf-%s.o.gz", s->name, id), &e), 0);
		cr_assert_eq(strv_take(&names, text_of(rows[i].mod ? "%s-%s.ko.gz" : ".%s-%s.unavail", s->name, id), &e), 0);
		if (rows[i].mod)
			expect_good_objects(id, release, "collector");
	}
	tree_expect(s->modules, (const char *const *)names.items);
	site_expect_no_container(p);
	/* Known by now: what they are called, and that there is nothing to do. */
	p = site_run_exactly(0, "plan", "--root", root, "--cache", s->cache, "--probe", s->probe, "--distro", "cos", NULL);
	cr_expect(strstr(buf_text(&p->out), "-18244.85.54-cos"), "%s", buf_text(&p->out));
	cr_expect(strstr(buf_text(&p->out), "2 kernels: 4 reused"), "%s", buf_text(&p->out));
}
