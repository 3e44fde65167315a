#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "program.h"

/* An output tree of two kernels below the checkout. */
static void fill_tree(struct site *s)
{
	struct err e;
	cleanup_free char *dir = path_join(s->root, "container/kernel-modules", &e);

	cr_assert_eq(path_make_dirs(dir, &e), 0);
	site_write(s, "container/kernel-modules/MODULE_VERSION.txt", "1.2.0-rc1\n");
	site_write(s, "container/kernel-modules/example-6.1.0-1-amd64.ko.gz", "module");
	site_write(s, "container/kernel-modules/.example-ebpf-4.9.0-1-amd64.unavail", "");
}

Test(image, nothing_to_put_in)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	char archive[160];

	site_make(&s);
	snprintf(archive, sizeof(archive), "%s/image.tar", s.dir.path);
	const char *const words[] = { "image", "--no-load", "--archive", archive, NULL };
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 2, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "orchestrate build"), "%s", buf_text(&o.err));
	cr_expect_str_eq(buf_text(&o.out), "");
}

Test(image, archive_without_an_engine)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome first = { 0 }, second = { 0 }, listing = { 0 };
	char archive[160];
	struct err e;

	site_make(&s);
	fill_tree(&s);
	snprintf(archive, sizeof(archive), "%s/image.tar", s.dir.path);
	const char *const words[] = { "image", "--no-load", "--archive", archive, NULL };
	run_on_site(&s, words, &first);
	cr_assert_eq(first.code, 0, "%s", buf_text(&first.err));
	cr_expect(str_starts(buf_text(&first.out), "example-base:1.2.0-rc1 sha256:"), "%s", buf_text(&first.out));
	cr_expect_eq(first.out.len, strlen("example-base:1.2.0-rc1 sha256:") + 64 + 1);
	const char *const tar[] = { "tar", "-tf", archive, NULL };
	cr_assert_eq(process_run(tar, NULL, 1 << 20, &listing.out, NULL, &e), 0, "%s", e.message);
	cr_expect_not_null(strstr(buf_text(&listing.out), "manifest.json\n"));
	cr_expect_not_null(strstr(buf_text(&listing.out), "index.json\n"));
	run_on_site(&s, words, &second);
	cr_expect_str_eq(buf_text(&first.out), buf_text(&second.out), "the same tree, the same image");
}

Test(image, foreign_files_are_refused)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	char archive[160];
	struct err e;

	site_make(&s);
	fill_tree(&s);
	site_write(&s, "container/kernel-modules/README", "mine");
	snprintf(archive, sizeof(archive), "%s/image.tar", s.dir.path);
	const char *const words[] = { "image", "--no-load", "--archive", archive, NULL };
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 2, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "'README'"), "%s", buf_text(&o.err));
	cr_expect_eq(path_exists(archive, &e), 0);
}

Test(image, descriptors_say_the_architecture)
{
	static const char *const files[] = { "distros/example.yaml", "distros/second.yaml" };
	static const char was[] = "architecture: amd64";
	cleanup_site struct site s;
	cleanup_outcome struct outcome other = { 0 }, none = { 0 };
	char archive[160];
	struct err e;

	site_make(&s);
	fill_tree(&s);
	snprintf(archive, sizeof(archive), "%s/image.tar", s.dir.path);
	const char *const words[] = { "image", "--no-load", "--archive", archive, NULL };
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cleanup_free char *path = path_join(s.root, files[i], &e);
		cleanup_buf struct buf text = { 0 };
		cr_assert_eq(file_read(path, 1 << 16, &text, &e), 0, "%s", e.message);
		const char *at = strstr(buf_text(&text), was);
		cr_assert_not_null(at);
		cleanup_free char *changed =
			str_printf(&e, "%.*sarchitecture: arm64%s", (int)(at - buf_text(&text)), buf_text(&text), at + strlen(was));
		site_write(&s, files[i], changed);
	}
	run_on_site(&s, words, &other);
	cr_assert_eq(other.code, 0, "%s", buf_text(&other.err));
	const char *const right[] = { "grep", "-aq", "\"architecture\":\"arm64\"", archive, NULL };
	cr_expect_eq(process_run(right, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
	const char *const wrong[] = { "grep", "-aq", "amd64\"", archive, NULL };
	cr_expect_eq(process_run(wrong, NULL, 4096, NULL, NULL, &e), -1);

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		cleanup_free char *path = path_join(s.root, files[i], &e);
		cr_assert_eq(path_remove(path, &e), 0);
	}
	cr_assert_eq(path_remove(archive, &e), 0);
	run_on_site(&s, words, &none);
	cr_expect_eq(none.code, 2, "%d: %s", none.code, buf_text(&none.err));
	cr_expect_not_null(strstr(buf_text(&none.err), "no descriptor"), "%s", buf_text(&none.err));
	cr_expect_eq(path_exists(archive, &e), 0);
}
