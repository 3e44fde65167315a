/* A disk that is full: a small tmpfs under the output tree, or under the cache. In a mount namespace of the test's own, so that
 * nothing stays mounted whatever happens. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

/* What is mounted goes before the directories that it is mounted on. */
static char *mounted;

static void unmount(void)
{
	if (umount2(mounted, MNT_DETACH) < 0)
		cr_log_warn("umount '%s': %s", mounted, strerror(errno));
	free(mounted);
}

TestSuite(full_disk, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

static void mount_small(const char *path, const char *size)
{
	cleanup_free char *options = text_of("size=%s", size);
	struct err e;

	cr_assert(path_make_dirs(path, &e) == 0, "%s", e.message);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("small", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		site_skip("a tmpfs can't be mounted: %s", strerror(errno));
	site_before_close(unmount);
	mounted = text_of("%s", path);
}

/* One kernel's object is small, the other's has 200 KiB that don't compress. */
static void put_uneven_probe(const char *large)
{
	cleanup_free char *before = text_of(
		"FLAGS=\nif [ \"$KERNEL_RELEASE\" = %s ]; then head -c 204800 /dev/urandom >noise; FLAGS=-DNOISE; fi\n", large);

	probe_put_bpf(site()->probe, site()->name, before);
}

/* What must hold wherever the space ran out: the small one is good, the large one failed and is nowhere. */
static void expect_only_the_small_one(const struct program *p, const char *small, const char *large)
{
	struct site *s = site();
	cleanup_free char *object = text_of("%s-ebpf-%s.o.gz", s->name, small), *path = text_of("%s/%s", s->modules, object);
	cleanup_free char *failed = text_of("failed      bpf %s (", large);
	cleanup_free char *copy = text_of("%s/copy", s->temp.path), *inside = text_of("%s/kernel-modules", copy);
	cleanup_free char *image = text_of("%s-base:1.0", s->name);
	cleanup_buf struct buf bytes = { 0 };
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	struct err e;

	tree_expect(s->modules, files);
	file_gunzip(path, &bytes);
	const char *line = strstr(buf_text(&p->err), failed);
	cr_assert_not_null(line, "%s", buf_text(&p->err));
	cr_expect(memmem(line, strcspn(line, "\n"), "No space left on device", 23), "%s", line);
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 1 built, 1 failed;"), "%s", buf_text(&p->err));
	cr_assert(path_make_dirs(copy, &e) == 0, "%s", e.message);
	docker_copy_modules(image, copy);
	tree_expect_equal(s->modules, inside);
	site_expect_no_container(p);
}

Test(full_disk, output_tree)
{
	struct site *s = site();
	cleanup_free char *large = site_kernel(SERIES_6_1), *small = site_cloud(large);

	put_uneven_probe(large);
	mount_small(s->output, "64k");
	struct program *p = site_run(1, "build", "--kernel", large, "--kernel", small, NULL);
	expect_only_the_small_one(p, small, large);
	cleanup_free char *named = text_of("%s-ebpf-%s.o.gz", s->name, large);
	cr_expect(strstr(buf_text(&p->err), named), "the file is not named: %s", buf_text(&p->err));
	tree_expect_nothing_partial(s->output);
}

Test(full_disk, artifact_store)
{
	struct site *s = site();
	cleanup_free char *large = site_kernel(SERIES_6_1), *small = site_cloud(large);
	cleanup_free char *artifacts = text_of("%s/artifacts", s->cache);
	cleanup_strv struct strv kept = { 0 };

	put_uneven_probe(large);
	mount_small(artifacts, "64k");
	struct program *p = site_run(1, "build", "--kernel", large, "--kernel", small, NULL);
	expect_only_the_small_one(p, small, large);
	tree_list(artifacts, &kept);
	cr_expect_eq(kept.len, 2, "%zu files are left in the store, not the one object and its record", kept.len);
}

Test(full_disk, package_cache)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cache = text_of("%s/small-cache", s->temp.path);
	cleanup_free char *contents = text_of("%s/packages/sha256", cache);
	cleanup_strv struct strv whole = { 0 };

	probe_put_bpf(s->probe, s->name, "");
	mount_small(cache, "2m");
	struct program *p = site_run(1, "build", "--kernel", kernel, "--cache", cache, NULL);
	cr_expect(strstr(buf_text(&p->err), "No space left on device"), "%s", buf_text(&p->err));
	cr_expect(strstr(buf_text(&p->err), cache), "the file is not named: %s", buf_text(&p->err));
	/* What is there under its digest is whole; with room it goes on from there. */
	cleanup_free char *object = text_of("%s/%s-ebpf-%s.o.gz", s->modules, s->name, kernel);
	cr_expect(!file_is_there(object));
	tree_expect_nothing_partial(s->output);
	site_expect_no_container(p);
	cr_assert(mount(NULL, cache, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, "size=200m") == 0, "%s", strerror(errno));
	site_run(0, "build", "--kernel", kernel, "--cache", cache, NULL);
	cr_expect(file_is_there(object));
	tree_list(contents, &whole);
	cr_expect_eq(whole.len, 3);
}
