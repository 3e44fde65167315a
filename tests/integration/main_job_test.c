/* The main job as its users know it: published kernels in, a base image out, looked into with `docker cp`. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "objects.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(main_job, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

static void expect_tree(char *const kernels[], size_t count)
{
	struct site *s = site();
	cleanup_strv struct strv names = { 0 };
	struct err e;

	cr_assert(strv_add(&names, "MODULE_VERSION.txt", &e) == 0);
	for (size_t i = 0; i < count; i++) {
		cr_assert(strv_take(&names, text_of("%s-%s.ko.gz", s->name, kernels[i]), &e) == 0);
		cr_assert(strv_take(&names, text_of("%s-ebpf-%s.o.gz", s->name, kernels[i]), &e) == 0);
		expect_good_objects(kernels[i], kernels[i], "collector");
	}
	tree_expect(s->modules, (const char *const *)names.items);
}

static void expect_image(const char *version, const char *id)
{
	struct site *s = site();
	cleanup_free char *tagged = text_of("%s-base:%s", s->name, version), *latest = text_of("%s-base:latest", s->name);
	cleanup_free char *copy = text_of("%s/copy", s->temp.path), *inside = text_of("%s/kernel-modules", copy);
	cleanup_buf struct buf found = { 0 };
	struct err e;

	docker_image_id(tagged, &found);
	cr_expect_str_eq(buf_text(&found), id);
	docker_image_id(latest, &found);
	cr_expect_str_eq(buf_text(&found), id);
	cr_assert(path_remove(copy, &e) == 0 && path_make_dirs(copy, &e) == 0, "%s", e.message);
	docker_copy_modules(tagged, copy);
	tree_expect_equal(s->modules, inside);
}

static struct program *build_all(char *const kernels[SERIES_COUNT])
{
	return site_run(0, "build", "--kernel", kernels[SERIES_5_10], "--kernel", kernels[SERIES_6_1], "--kernel",
			kernels[SERIES_6_12], "--kernel", kernels[SERIES_7], NULL);
}

Test(main_job, a_kernel_of_each_series_is_built_and_nothing_twice)
{
	struct site *s = site();
	cleanup_free char *version = probe_put_ours();
	char *kernels[SERIES_COUNT];

	for (int i = 0; i < SERIES_COUNT; i++)
		kernels[i] = site_kernel((enum series)i);
	struct program *first = build_all(kernels);
	cleanup_free char *id = site_image_id(first);
	cr_expect(strstr(buf_text(&first->err), "4 kernels: 8 built;"), "%s", buf_text(&first->err));
	expect_tree(kernels, SERIES_COUNT);
	expect_image(version, id);
	site_expect_no_container(first);

	struct program *second = build_all(kernels);
	cleanup_free char *second_id = site_image_id(second);
	cr_expect(strstr(buf_text(&second->err), "4 kernels, 0 with something to build"), "%s", buf_text(&second->err));
	cr_expect(strstr(buf_text(&second->err), "4 kernels: 8 reused;"), "%s", buf_text(&second->err));
	cr_expect_str_eq(second_id, id);
	expect_tree(kernels, SERIES_COUNT);

	struct program *image = site_run_exactly(0, "image", "--root", s->root, "--cache", s->cache, "--output", s->output,
						 "--probe", s->probe, NULL);
	cleanup_free char *third_id = site_image_id(image);
	cr_expect_str_eq(third_id, id);
	for (int i = 0; i < SERIES_COUNT; i++)
		free(kernels[i]);
}

Test(main_job, built_again_from_nothing_gives_the_same_bytes)
{
	struct site *s = site();
	cleanup_free char *version = probe_put_ours();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_free char *cache = text_of("%s/other-cache", s->temp.path), *output = text_of("%s/other-output", s->temp.path);
	cleanup_free char *modules = text_of("%s/kernel-modules", output);
	cleanup_free char *probe = text_of("%s/other/probe", s->temp.path);
	cleanup_free char *packages = text_of("%s/packages", s->cache), *other_packages = text_of("%s/packages", cache);
	struct err e;

	struct program *one = site_run(0, "build", "--kernel", kernel, NULL);
	/* Another place for everything, and the sources with other times. */
	cr_assert(path_make_dirs(cache, &e) == 0 && symlink(packages, other_packages) == 0, "%s", e.message);
	tree_copy(s->probe, probe);
	cleanup_free char *above = text_of("%s/other", s->temp.path);
	file_put(above, "MODULE_VERSION", version);
	struct program *other =
		site_run(0, "build", "--kernel", kernel, "--cache", cache, "--output", output, "--probe", probe, NULL);
	cr_expect(strstr(buf_text(&other->err), ": 2 built;"), "%s", buf_text(&other->err));
	tree_expect_equal(s->modules, modules);
	cleanup_free char *id = site_image_id(one), *other_id = site_image_id(other);
	cr_expect_str_eq(id, other_id);
}
