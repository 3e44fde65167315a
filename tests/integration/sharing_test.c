/* Packages that kernels share, on the real engine: unpacked how often, by whom, and what becomes of a bad one. --verbose says
 * when such a tree is made and when it goes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "mirror.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(sharing, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

enum { START_SECONDS = 120 };

static unsigned count(const struct program *p, const char *text)
{
	unsigned n = 0;

	for (const char *at = buf_text(&p->err); (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void expect_times(const struct program *p, unsigned unpacked, unsigned removed)
{
	cr_expect_eq(count(p, "' is unpacked for '"), unpacked, "%s", buf_text(&p->err));
	cr_expect_eq(count(p, "' is removed"), removed, "%s", buf_text(&p->err));
}

Test(sharing, two_flavours_unpack_what_they_share_once)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_12), *cloud = site_cloud(kernel);
	cleanup_free char *alone = text_of("%s/alone", s->temp.path), *alone_modules = text_of("%s/kernel-modules", alone);
	const char *jobs[] = { "1", "2" };

	/* No build may write there, nor put anything in its place. */
	probe_put_both(s->probe, s->name, "3.10",
		       "test -d \"$SHARED_TREE/usr\"\n"
		       "for f in \"$SHARED_TREE/x\" \"$SHARED_TREE/usr/x\"; do if touch \"$f\"; then exit 1; fi; done\n"
		       "if mv \"$SHARED_TREE\" \"$TMPDIR/\"; then exit 1; fi\n"
		       "if rm -rf \"$SHARED_TREE\"; then exit 1; fi\n"
		       "test -z \"$(find \"$SHARED_TREE\" -user \"$(id -u)\")\"\n");
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		struct program *p = site_run(0, "build", "--kernel", kernel, "--kernel", cloud, "--jobs", jobs[i], "--rebuild",
					     "--no-image", "--verbose", NULL);
		cr_expect(strstr(buf_text(&p->err), "2 kernels: 4 built;"), "%s", buf_text(&p->err));
		/* It goes with the builder. */
		expect_times(p, 1, 0);
		site_expect_no_container(p);
	}
	/* Whether others are built at the same time makes no difference. */
	struct program *p =
		site_run(0, "build", "--kernel", kernel, "--output", alone, "--rebuild", "--no-image", "--verbose", NULL);
	expect_times(p, 1, 0);
	site_run(0, "build", "--kernel", cloud, "--output", alone, "--rebuild", "--no-image", NULL);
	tree_expect_equal(s->modules, alone_modules);
}

Test(sharing, a_tree_goes_when_the_last_that_needs_it_is_built)
{
	struct site *s = site();
	cleanup_free char *first = site_kernel(SERIES_5_10), *cloud = site_cloud(first), *last = site_kernel(SERIES_6_1);

	probe_put_bpf(s->probe, s->name, "");
	struct program *p = site_run(0, "build", "--kernel", first, "--kernel", cloud, "--kernel", last, "--jobs", "1",
				     "--no-image", "--verbose", NULL);
	cr_expect(strstr(buf_text(&p->err), "3 kernels: 3 built;"), "%s", buf_text(&p->err));
	expect_times(p, 2, 1);
}

Test(sharing, a_new_builder_gets_its_trees_anew)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cloud = site_cloud(kernel);
	cleanup_free char *before = text_of("case \"$KERNEL_RELEASE\" in\n%s) ;;\n*) sleep 4.875 ;;\nesac\n", kernel);
	cleanup_buf struct buf container = { 0 };

	probe_put_bpf(s->probe, s->name, before);
	struct program *p = site_start("build", "--kernel", kernel, "--kernel", cloud, "--jobs", "1", "--rebuild", "--no-image",
				       "--verbose", NULL);
	cr_assert(docker_wait_for_build(p->pid, "sleep 4.875", START_SECONDS, &container), "%s", buf_text(&p->err));
	docker(NULL, "kill", buf_text(&container), NULL);
	cr_expect_eq(program_finish(p), 0, "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 2 built;"), "%s", buf_text(&p->err));
	expect_times(p, 2, 0);
	site_expect_no_container(p);
}

/* Two flavours of a kernel that does not exist; the compiler that it names and its host programs are a real kernel's. */
static void add_made_up(struct mirror_site *m, const char *common, const char *const common_files[])
{
	static const char *const flavours[] = { "6.1.0-99-amd64", "6.1.0-99-cloud-amd64" };

	for (size_t i = 0; i < ARRAY_LEN(flavours); i++) {
		cleanup_free char *name = text_of("linux-headers-%s_6.1.1-1_amd64.deb", flavours[i]);
		cleanup_free char *config = text_of("./usr/src/linux-headers-%s/.config", flavours[i]);
		const char *files[] = { config, "CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian) 12.2.0\"\n", "./usr/src/own", "", NULL };
		mirror_put_deb(m, name, files);
		mirror_list(m, name);
	}
	mirror_put_deb(m, common, common_files);
	mirror_list(m, common);
}

/* A real kernel is built, and both that are made up fail for the same reason, which says why. */
static void expect_both_fail(const char *common, const char *const common_files[], const char *why)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *object = text_of("%s-ebpf-%s.o.gz", s->name, kernel);
	cleanup_free char *cache = text_of("%s/private-cache", s->temp.path);
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	cleanup_mirror struct mirror_site m = { 0 };
	struct err e;

	probe_put_bpf(s->probe, s->name, "");
	cr_assert(path_make_dirs(cache, &e) == 0, "%s", e.message);
	mirror_make(&m);
	mirror_add_kernel(&m, kernel);
	add_made_up(&m, common, common_files);
	mirror_write_list(&m, NULL);
	struct program *p = site_run(1, "build", "--root", m.root, "--cache", cache, "--jobs", "3", "--no-image", NULL);
	cr_expect(strstr(buf_text(&p->err), "3 kernels: 1 built, 2 failed;"), "%s", buf_text(&p->err));
	cr_expect_geq(count(p, why), 2, "both are told:\n%s", buf_text(&p->err));
	tree_expect(s->modules, files);
	site_expect_no_container(p);
}

static const char made_up_common[] = "linux-headers-6.1.0-99-common_6.1.1-1_all.deb";

Test(sharing, a_bad_shared_package_costs_those_who_need_it)
{
	static const char *const files[] = { "./usr/src/x", "", "./../../evil", "boo\n", NULL };

	expect_both_fail(made_up_common, files, made_up_common);
}

Test(sharing, what_is_in_both_trees_is_named)
{
	static const char *const files[] = { "./usr/src/own", "", NULL };

	expect_both_fail(made_up_common, files, "'usr/src/own' is in the kernel's own packages and in those that it shares");
}
