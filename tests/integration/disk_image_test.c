/* Disk images for developers, with the descriptors of this checkout: from the compressed image to checked objects, and images that
 * are none. */
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

TestSuite(disk_image, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

static const char *const built[] = { "6.1.90-flatcar", "6.1.91-flatcar" };

static void expect_objects(const char *module)
{
	struct site *s = site();
	cleanup_strv struct strv names = { 0 };
	struct err e;

	cr_assert_eq(strv_add(&names, "MODULE_VERSION.txt", &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(built); i++) {
		cr_assert_eq(strv_take(&names, text_of("%s-%s.ko.gz", s->name, built[i]), &e), 0);
		cr_assert_eq(strv_take(&names, text_of("%s-ebpf-%s.o.gz", s->name, built[i]), &e), 0);
		expect_good_objects(built[i], built[i], module);
	}
	tree_expect(s->modules, (const char *const *)names.items);
}

/* Two releases of the system have one kernel; another's image is compressed otherwise than it is called. */
Test(disk_image, kernels_on_them_are_built)
{
	struct site *s = site();
	cleanup_free char *pool = pool_made_by("make-images", "images"), *root = pool_checkout(pool), *version = probe_put_ours();
	struct err e;

	struct program *p = site_run(0, "build", "--root", root, "--no-image", "--distro", "flatcar", NULL);
	cr_expect(strstr(buf_text(&p->err), "3 kernels: 4 built, 2 reused;"), "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), "is the same kernel, and its objects stand for both"), "%s", buf_text(&p->err));
	expect_objects("collector");
	site_expect_no_container(p);
	/* What was taken out of the images is kept: they are not read again, not even for another probe. */
	cleanup_free char *repacked = text_of("%s/repacked", s->cache);
	cleanup_strv struct strv before = { 0 }, after = { 0 };
	tree_list(repacked, &before);
	cr_expect_eq(before.len, 4, "two archives and their digests, nothing else: %zu", before.len);
	p = site_run(0, "build", "--root", root, "--no-image", "--distro", "flatcar", NULL);
	cr_expect(strstr(buf_text(&p->err), "3 kernels: 6 reused;"), "%s", buf_text(&p->err));
	probe_put_both(s->probe, s->name, "3.10", "");
	/* One of them is damaged meanwhile. */
	cleanup_free char *damaged = text_of("%s/%s", repacked, before.items[0]);
	cr_assert_eq(file_replace(damaged, "damaged", 7, 0644, &e), 0, "%s", e.message);
	p = site_run(0, "build", "--root", root, "--no-image", "--distro", "flatcar", NULL);
	cr_expect(strstr(buf_text(&p->err), "3 kernels: 4 built, 2 reused;"), "%s", buf_text(&p->err));
	expect_objects("hello");
	tree_list(repacked, &after);
	cr_expect_eq(after.len, 4);
}

/* Each costs its own kernel, and says why in a line. */
Test(disk_image, what_is_none_is_said_and_the_rest_goes_on)
{
	static const struct {
		const char *file, *message;
	} rows[] = {
		{ "cut", "truncated bzip2 input" },
		{ "no-disk", "is not a disk image" },
		{ "page", "is not a disk image" },
		{ "short", "is not a disk image, or not a whole one" },
		{ "no-tree", "the disk image has no 'lib/modules'" },
		{ "no-partition", "the disk image has no partition 'ROOT' among its 2" },
		{ "no-file-system", "there is no file system in 'ROOT' of the disk image" },
		{ "empty-tree", "no kernel's .config is below 'lib/modules/*/build'" },
	};
	struct site *s = site();
	cleanup_free char *pool = pool_made_by("make-images", "images"), *root = pool_checkout(pool);
	cleanup_buf struct buf list = { 0 };
	struct err e;

	probe_put_both(s->probe, s->name, "3.10", "");
	cr_assert_eq(buf_printf(&list, &e, "file://%s/flatcar/3815.2.2/flatcar_developer_container.bin.bz2\n", pool), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *name = text_of("%s/9000.0.%zu/flatcar_developer_container.bin.bz2", s->temp.path, i);
		cleanup_free char *from = text_of("%s/bad/%s", pool, rows[i].file);
		cleanup_buf struct buf bytes = { 0 };
		file_bytes(from, &bytes);
		cleanup_free char *dir = text_of("%s/9000.0.%zu", s->temp.path, i);
		cr_assert_eq(path_make_dirs(dir, &e), 0, "%s", e.message);
		cr_assert_eq(file_replace(name, buf_text(&bytes), bytes.len, 0644, &e), 0, "%s", e.message);
		cr_assert_eq(buf_printf(&list, &e, "file://%s\n", name), 0);
	}
	file_put(root, "supported-kernels/flatcar.txt", buf_text(&list));
	struct program *p = site_run(1, "build", "--root", root, "--no-image", "--distro", "flatcar", NULL);
	cr_expect(strstr(buf_text(&p->err), "9 kernels: 2 built, 16 failed;"), "%s", buf_text(&p->err));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free char *start = text_of("failed      mod flatcar-9000.0.%zu (", i);
		const char *line = strstr(buf_text(&p->err), start);
		cr_assert_not_null(line, "%s: %s", rows[i].file, buf_text(&p->err));
		cleanup_free char *whole = text_of("%.*s", (int)strcspn(line, "\n"), line);
		cr_expect(strstr(whole, rows[i].message), "%s: %s", rows[i].file, whole);
	}
	expect_good_objects("6.1.90-flatcar", "6.1.90-flatcar", "hello");
}
