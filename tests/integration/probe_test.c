/* Probes of other people: built, refused by a compiler, impossible for a kernel. */
#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "docker.h"
#include "gate/object.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(foreign_probe, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

/* The files of the image, in a directory. Caller frees the path. */
static char *image_modules(const char *image)
{
	cleanup_free char *copy = text_of("%s/copy", site()->temp.path);
	struct err e;

	cr_assert(path_make_dirs(copy, &e) == 0, "%s", e.message);
	docker_copy_modules(image, copy);
	return text_of("%s/kernel-modules", copy);
}

static void expect_module(const char *path, const char *kernel)
{
	const struct gate_expect expect = { .kind = KIND_MOD, .release = kernel, .elf_machine = EM_X86_64, .module_name = "hello" };
	cleanup_buf struct buf object = { 0 };
	struct object_report report;
	struct err e;

	file_gunzip(path, &object);
	cr_assert(object_check(object.data, object.len, &expect, &report, &e) == 0, "%s", e.message);
	cr_expect_eq(report.finding_count, 0, "%s: %s", path, report.findings[0].what);
}

Test(foreign_probe, a_compile_error_costs_its_own_kernel_only)
{
	struct site *s = site();
	cleanup_free char *good = site_kernel(SERIES_6_1), *bad = site_kernel(SERIES_5_10);
	cleanup_free char *object = text_of("%s-%s.ko.gz", s->name, good), *path = text_of("%s/%s", s->modules, object);
	cleanup_free char *log = text_of("%s/failures/%s/1.0/mod.log", s->output, bad);
	cleanup_free char *image = text_of("%s-base:1.0", s->name);
	cleanup_buf struct buf text = { 0 };

	probe_put_mod(s->probe, s->name,
		      "#include <linux/version.h>\n#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 0, 0)\n"
		      "#error this kernel is too old for hello\n#endif\n");
	struct program *p = site_run(1, "build", "--kernel", good, "--kernel", bad, NULL);
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	expect_module(path, good);
	cleanup_free char *inside = image_modules(image);
	tree_expect_equal(s->modules, inside);

	file_bytes(log, &text);
	cr_expect(strstr(buf_text(&text), "#error this kernel is too old for hello"), "%s", buf_text(&text));
	const char *summary = strstr(buf_text(&p->err), "\nfailed ");
	cr_assert_not_null(summary, "%s", buf_text(&p->err));
	cleanup_free char *where = text_of("log: %s", log), *what = text_of("failed %s mod: its build command failed", bad);
	cr_expect(strstr(summary, what), "%s", summary);
	cr_expect(strstr(summary, "Error "), "make's last lines are not shown: %s", summary);
	cr_expect(strstr(summary, where), "%s", summary);
	cr_expect(strstr(summary, "2 kernels: 1 built, 1 failed;"), "%s", summary);
	site_expect_no_container(p);

	/* Mended: the log goes, and the kernel that was good is not built again. */
	probe_put_mod(s->probe, s->name, "");
	p = site_run(0, "build", "--kernel", bad, NULL);
	cr_expect(!file_is_there(log));
	cleanup_free char *mended = text_of("%s-%s.ko.gz", s->name, bad);
	const char *both[] = { object, mended, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, both);
}

Test(foreign_probe, what_a_kernel_is_too_old_for_is_marked_and_no_failure)
{
	struct site *s = site();
	cleanup_free char *old = site_kernel(SERIES_5_10), *young = site_kernel(SERIES_6_1);
	cleanup_free char *old_object = text_of("%s-ebpf-%s.o.gz", s->name, old);
	cleanup_free char *young_object = text_of("%s-ebpf-%s.o.gz", s->name, young);
	cleanup_free char *module = text_of("%s-%s.ko.gz", s->name, young);
	cleanup_free char *marker = text_of(".%s-%s.unavail", s->name, old), *path = text_of("%s/%s", s->modules, marker);
	cleanup_free char *image = text_of("%s-base:1.0", s->name);
	struct stat st;

	probe_put_both(s->probe, s->name, "6.0", "");
	struct program *p = site_run(0, "build", "--kernel", old, "--kernel", young, NULL);
	const char *files[] = { old_object, young_object, module, marker, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	cr_expect(stat(path, &st) == 0 && st.st_size == 0, "a marker has no bytes");
	cr_expect(strstr(buf_text(&p->err), "2 kernels: 3 built, 1 unavailable;"), "%s", buf_text(&p->err));
	cleanup_free char *inside = image_modules(image);
	tree_expect_equal(s->modules, inside);
	site_expect_no_container(p);
}

Test(foreign_probe, one_kind_alone_can_be_asked_for)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_free char *object = text_of("%s-ebpf-%s.o.gz", s->name, kernel);

	/* The module's part would fail: it must not even be tried. */
	probe_put_both(s->probe, s->name, "3.10", "");
	file_put(s->probe, "hello.c", "#error nobody asked for this\n");
	struct program *p = site_run(0, "build", "--kernel", kernel, "--kind", "bpf", NULL);
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	cr_expect(strstr(buf_text(&p->err), ": 1 built;"), "%s", buf_text(&p->err));
}

Test(foreign_probe, half_a_kernel_keeps_its_good_half)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_free char *object = text_of("%s-ebpf-%s.o.gz", s->name, kernel);

	probe_put_both(s->probe, s->name, "3.10", "");
	file_put(s->probe, "hello.c", "#error the module's half\n");
	struct program *p = site_run(1, "build", "--kernel", kernel, NULL);
	const char *files[] = { object, "MODULE_VERSION.txt", NULL };
	tree_expect(s->modules, files);
	cr_expect(strstr(buf_text(&p->err), ": 1 built, 1 failed;"), "%s", buf_text(&p->err));
	cleanup_free char *failed = text_of("failed %s mod:", kernel);
	cr_expect(strstr(buf_text(&p->err), failed), "%s", buf_text(&p->err));
}

/* An image with nothing in it must not take the place of a good one. */
Test(foreign_probe, where_nothing_was_built_there_is_no_new_image)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);
	cleanup_free char *image = text_of("%s-base:latest", s->name);
	cleanup_buf struct buf before = { 0 }, after = { 0 };

	probe_put_bpf(s->probe, s->name, "");
	site_run(0, "build", "--kernel", kernel, NULL);
	docker_image_id(image, &before);
	probe_put_bpf(s->probe, s->name, "exit 1");
	struct program *p = site_run(1, "build", "--kernel", kernel, NULL);
	cr_expect(strstr(buf_text(&p->err), "no image: nothing could be built"), "%s", buf_text(&p->err));
	docker_image_id(image, &after);
	cr_expect_str_eq(buf_text(&after), buf_text(&before));
}
