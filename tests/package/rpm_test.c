/* Packages that rpmbuild made. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "fixture.h"

static const char spec[] = "Name: kernel-devel\n"
			   "Version: 5.14.0\n"
			   "Release: 70.el9\n"
			   "Summary: a test's\n"
			   "License: none\n"
			   "%description\n"
			   "A test's.\n"
			   "%install\n"
			   "d=%{buildroot}/usr/src/kernels/5.14.0-70.el9.x86_64\n"
			   "mkdir -p $d/include && cd $d\n"
			   "echo all: > Makefile\n"
			   "echo same > include/a.h; ln include/a.h include/b.h; ln include/a.h include/c.h\n"
			   ": > include/empty1.h; ln include/empty1.h include/empty2.h\n"
			   "ln -s ../Makefile include/link\n"
			   "%files\n"
			   "/usr/src/kernels\n";

static void must(int rc, const struct err *e)
{
	cr_assert(rc >= 0, "%s", e->message);
}

/* The package's bytes, its payload compressed as rpm's macro says ("w6.xzdio", ...). */
static void build_rpm(const char *dir, const char *payload, struct buf *ret)
{
	struct err e = { 0 };
	cleanup_free char *spec_path = path_join(dir, "kernel-devel.spec", &e);
	cleanup_free char *top = str_printf(&e, "_topdir %s/top", dir);
	cleanup_free char *compress = str_printf(&e, "_binary_payload %s", payload);
	cleanup_free char *log = path_join(dir, "log", &e);
	cleanup_free char *rpm = str_printf(&e, "%s/top/RPMS/noarch/kernel-devel-5.14.0-70.el9.noarch.rpm", dir);
	const char *const argv[] = { "rpmbuild",
				     "-bb",
				     "--quiet",
				     "--target",
				     "noarch",
				     "--define",
				     top,
				     "--define",
				     compress,
				     "--define",
				     "debug_package %{nil}",
				     spec_path,
				     NULL };
	int status;
	cleanup_process struct process p = { .pid_fd = -1 };

	must(file_replace(spec_path, spec, sizeof(spec) - 1, 0600, &e), &e);
	cleanup_close int log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const struct process_fd fds[] = { { log_fd, 1 }, { log_fd, 2 } };
	must(process_start(&p, argv, NULL, fds, ARRAY_LEN(fds), &e), &e);
	must(process_wait(&p, NULL, &status, &e), &e);
	cleanup_buf struct buf said = { 0 };
	must(file_read(log, 1 << 20, &said, &e), &e);
	cr_assert_eq(status, 0, "%s: %s", payload, buf_text(&said));
	must(file_read(rpm, 1 << 20, ret, &e), &e);
}

/* As the deb tests list it: the bytes first, the other names as links to them. mtimes are rpmbuild's own. */
static void expect_tree(const struct buf *rpm, const char *label)
{
	static const char *const wanted[] = { "Makefile 5\n", "include/c.h 5\n",
					      "include/b.h -> usr/src/kernels/5.14.0-70.el9.x86_64/include/c.h\n",
					      "include/a.h -> usr/src/kernels/5.14.0-70.el9.x86_64/include/c.h\n",
					      "include/link -> ../Makefile\n" };
	static const struct tree_rules no_rules;
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf list = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	cr_assert_eq(write_tree_of("rpm", rpm, 1, &no_rules, &tar, &e), 0, "%s: %s", label, e.message);
	list_tar(&tar, &list);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		cr_expect(strstr(buf_text(&list), wanted[i]), "%s: no '%s' in\n%s", label, wanted[i], buf_text(&list));
	cr_expect(strstr(buf_text(&list), "include/empty1.h 0\n") || strstr(buf_text(&list), "include/empty2.h 0\n"), "%s:\n%s",
		  label, buf_text(&list));
	read_tar_file(&tar, "usr/src/kernels/5.14.0-70.el9.x86_64/include/c.h", &text);
	cr_expect_str_eq(buf_text(&text), "same\n", "%s", label);
}

Test(rpm, reads_every_compression_and_hard_links)
{
	static const char *const payloads[] = { "w6.gzdio", "w6.xzdio", "w3.zstdio", "w9.bzdio", "w6.lzdio" };
	cleanup_temp_dir struct temp_dir dir = { "" };

	temp_dir_make(&dir);
	for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
		cleanup_buf struct buf rpm = { 0 };
		build_rpm(dir.path, payloads[i], &rpm);
		expect_tree(&rpm, payloads[i]);
	}
}

Test(rpm, a_truncated_or_damaged_package_is_refused)
{
	static const struct tree_rules no_rules;
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_buf struct buf rpm = { 0 };

	temp_dir_make(&dir);
	build_rpm(dir.path, "w6.xzdio", &rpm);
	for (size_t cut = 1; cut < rpm.len; cut += rpm.len / 40 + 1) {
		struct buf part = { .data = rpm.data, .len = rpm.len - cut };
		cleanup_buf struct buf tar = { 0 };
		struct err e = { 0 };
		cr_expect_eq(write_tree_of("rpm", &part, 1, &no_rules, &tar, &e), -1, "%zu bytes less went through", cut);
		cr_expect(e.kind == ERR_CORRUPT && strstr(e.message, "package 'p0'"), "%zu bytes less: %s", cut, e.message);
	}
}

Test(rpm, something_else_is_no_rpm)
{
	static const char page[] = "<html><body>Service unavailable</body></html>\n";
	static const struct tree_rules no_rules;
	const struct buf bytes = { .data = (char *)page, .len = sizeof(page) - 1 };
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };

	cr_expect_eq(write_tree_of("rpm", &bytes, 1, &no_rules, &tar, &e), -1);
	cr_expect_str_eq(e.message, "package 'p0': is not a rpm package");
}
