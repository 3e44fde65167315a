#include "package/unpack.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"
#include "package/capture.h"

static const char *const names[] = { "one.deb", "two.deb" };
static const char *const program = "/proc/self/exe"; /* see main.c */

static int fd_of(const struct buf *bytes)
{
	struct err e = { 0 };
	int fd = memfd_create("package", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(fd_write_all(fd, bytes->data, bytes->len, &e), 0);
	return fd; /* at its end: the filter must not mind */
}

/* Runs `filter tree` over the packages, with the tar coming through a pipe. */
static int run_tree(const int *fds, size_t count, const char *format, int captures_fd, struct buf *ret, struct err *e)
{
	static const struct tree_rules rules = { .build_dir = (char *)"h" };
	struct filter *filter = NULL;
	int pipe_fds[2];

	cr_assert_eq(fd_pipe(pipe_fds, e), 0);
	int rc = tree_filter_start(program, fds, names, count, format, 2, &rules, pipe_fds[1], captures_fd, &filter, e);
	close(pipe_fds[1]);
	cr_assert_eq(rc, 0, "%s", e->message);
	cr_expect_eq(filter_read(pipe_fds[0], 64 << 20, ret, NULL, e), 0);
	rc = filter_wait(filter, NULL, e);
	filter_free(filter);
	close(pipe_fds[0]);
	return rc;
}

Test(unpack, tree_comes_out_of_the_filter)
{
	static const struct entry first[] = { TEXT("h/Makefile", "m"), NO_MORE };
	static const struct entry second[] = { TEXT("h/a", "aa"), NO_MORE };
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf two = { 0 };
	struct err e = { 0 };

	make_deb(first, &one);
	make_deb(second, &two);
	const int fds[] = { fd_of(&one), fd_of(&two) };
	for (int round = 0; round < 2; round++) { /* the same descriptors again: offsets are shared, and do not matter */
		cleanup_buf struct buf tar = { 0 };
		cleanup_buf struct buf list = { 0 };
		cr_assert_eq(run_tree(fds, 2, "deb", -1, &tar, &e), 0, "%s", e.message);
		list_tar(&tar, &list);
		cr_expect_str_eq(buf_text(&list), "d 0755 0 h\nf 0644 0 h/Makefile 1\nf 0644 0 h/a 2\n");
	}
	close(fds[0]);
	close(fds[1]);
}

/* What says what the kernel is, as it was in the packages, whether it belongs to the tree or not. */
Test(unpack, captures_come_out_beside_the_tree)
{
	static const struct entry own[] = { TEXT("h/Module.symvers", "0x1\ta\tvmlinux\tEXPORT_SYMBOL\n"),
					    TEXT("h/.config", "CONFIG_SMP=y\n"),
					    TEXT("h/sub/.config", "CONFIG_OTHER=y\n"),
					    TEXT("h/include/config/auto.conf", "CONFIG_SMP=y\n"),
					    TEXT("h/include/generated/utsrelease.h", "#define UTS_RELEASE \"1\"\n"),
					    TEXT("h/tools/include/uapi/linux/bpf.h", "tools"),
					    NO_MORE };
	static const struct entry common[] = { TEXT("c/include/uapi/linux/bpf.h", "enum"),
					       TEXT("c/include/linux/vermagic.h", "magic"),
					       TEXT("d/include/uapi/linux/bpf.h", "second"), NO_MORE };
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf two = { 0 };
	cleanup_buf struct buf plain = { 0 };
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf captures = { 0 };
	cleanup_buf struct buf list = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	make_deb(own, &one);
	make_deb(common, &two);
	const int fds[] = { fd_of(&one), fd_of(&two) };
	int memory = captures_memory(&e);
	cr_assert_geq(memory, 0, "%s", e.message);
	cr_assert_eq(run_tree(fds, 2, "deb", -1, &plain, &e), 0, "%s", e.message);
	cr_assert_eq(run_tree(fds, 2, "deb", memory, &tar, &e), 0, "%s", e.message);
	cr_expect(tar.len == plain.len && memcmp(tar.data, plain.data, tar.len) == 0, "the tree must stay the same");
	cr_assert_eq(buf_reserve(&captures, 64 * 1024, &e), 0);
	captures.len = (size_t)pread(memory, captures.data, 64 * 1024, 0);
	list_tar(&captures, &list);
	cr_expect_str_eq(buf_text(&list), "f 0644 0 Module.symvers 28\nf 0644 0 .config 13\nf 0644 0 auto.conf 13\n"
					  "f 0644 0 utsrelease.h 24\nf 0644 0 bpf.h 4\nf 0644 0 vermagic.h 5\n");
	read_tar_file(&captures, "bpf.h", &text);
	cr_expect_str_eq(buf_text(&text), "enum");
	close(memory);
	close(fds[0]);
	close(fds[1]);
}

/* Blocks of an xz file are decoded by threads, inside confinement. */
Test(unpack, large_packages_come_through_whole)
{
	enum { FILES = 40, BYTES = 512 * 1024 };
	struct entry entries[FILES + 1] = { NO_MORE };
	static char paths[FILES][32];
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf deb = { 0 };
	cleanup_buf struct buf xz = { 0 };
	cleanup_buf struct buf got = { 0 };
	cleanup_buf struct buf out = { 0 };
	struct err e = { 0 };
	char *body = malloc(BYTES);
	unsigned seed = 1;

	for (int i = 0; i < BYTES; i++)
		body[i] = (char)('a' + (seed = seed * 1103515245 + 12345) % 16 / 5);
	for (int i = 0; i < FILES; i++) {
		snprintf(paths[i], sizeof(paths[i]), "h/%03d", i);
		entries[i] = (struct entry){ paths[i], S_IFREG | 0644, body, NULL, 0, BYTES };
	}
	make_tar(entries, &tar);
	compress_as(&tar, "xz", &xz);
	make_deb_of("data.tar.xz", &xz, &deb);
	int fd = fd_of(&deb);
	cr_assert_eq(run_tree(&fd, 1, "deb", -1, &got, &e), 0, "%s", e.message);
	read_tar_file(&got, "h/039", &out);
	cr_expect(out.len == BYTES && memcmp(out.data, body, BYTES) == 0);
	free(body);
	close(fd);
}

Test(unpack, errors_keep_their_kind_and_name_the_package)
{
	static const struct entry good[] = { TEXT("h/a", "aa"), NO_MORE };
	static const struct entry bad[] = { TEXT("../a", "aa"), NO_MORE };
	cleanup_buf struct buf one = { 0 };
	cleanup_buf struct buf two = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct err e = { 0 };

	make_deb(good, &one);
	make_deb(bad, &two);
	const int fds[] = { fd_of(&one), fd_of(&two) };
	cr_expect_eq(run_tree(fds, 2, "deb", -1, &tar, &e), -1);
	cr_expect_eq(e.kind, ERR_HOSTILE);
	cr_expect(strstr(e.message, "two.deb") && !strstr(e.message, "one.deb"), "%s", e.message);

	cr_assert_eq(ftruncate(fds[0], (off_t)one.len - 9), 0);
	cr_expect_eq(run_tree(fds, 2, "deb", -1, &tar, &e), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT);
	cr_expect(strstr(e.message, "one.deb"), "%s", e.message);

	cr_expect_eq(run_tree(fds, 2, "rpn", -1, &tar, &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
	close(fds[0]);
	close(fds[1]);
}

Test(unpack, facts_come_back)
{
	static const struct entry entries[] = { TEXT("h/.config", "CONFIG_GCC_VERSION=140200\n"),
						TEXT("h/include/generated/utsrelease.h", "#define UTS_RELEASE \"6.12-x\"\n"),
						NO_MORE };
	cleanup_buf struct buf deb = { 0 };
	struct facts f;
	struct err e = { 0 };

	make_deb(entries, &deb);
	int fd = fd_of(&deb);
	cr_assert_eq(facts_read(program, &fd, names, 1, "deb", 2, "h", &f, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(f.gcc, 14);
	cr_expect_str_eq(f.release, "6.12-x");
	cr_expect_eq(facts_read(program, &fd, names, 0, "deb", 2, "h", &f, NULL, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	close(fd);
}

Test(unpack, a_cancelled_read_ends)
{
	cleanup_close int read_end = -1;
	struct cancel cancel;
	struct facts f;
	struct err e = { 0 };
	int pipe_fds[2];

	cr_assert_eq(cancel_init(&cancel, &e), 0);
	cr_assert_eq(fd_pipe(pipe_fds, &e), 0); /* a package that never comes */
	read_end = pipe_fds[0];
	cancel_set(&cancel);
	cr_expect_eq(facts_read(program, &read_end, names, 1, "deb", 2, "h", &f, &cancel, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	close(pipe_fds[1]);
	cancel_release(&cancel);
}

Test(unpack, one_file_comes_out)
{
	static const struct entry entries[] = { DIRECTORY("boot"), TEXT("boot/config", "c"), TEXT("boot/vmlinuz", "the kernel"),
						SYMLINK("boot/link", "vmlinuz"), NO_MORE };
	static const struct {
		const char *path, *text; /* NULL: there is no such file */
	} rows[] = {
		{ "boot/vmlinuz", "the kernel" },
		{ "boot/config", "c" },
		{ "boot", NULL },
		{ "boot/link", NULL },
		{ "vmlinuz", NULL },
	};
	cleanup_buf struct buf deb = { 0 };

	make_deb(entries, &deb);
	cleanup_close int package = fd_of(&deb);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_close int out = memfd_create("out", MFD_CLOEXEC);
		char found[64] = "";
		struct err e = { 0 };
		int rc = package_file_extract(program, package, names[0], "deb", 1, rows[i].path, out, NULL, &e);
		cr_assert_geq(pread(out, found, sizeof(found) - 1, 0), 0);
		cr_expect_eq(rc, rows[i].text ? 0 : -1, "%s: %s", rows[i].path, e.message);
		if (rows[i].text)
			cr_expect_str_eq(found, rows[i].text);
		else
			cr_expect(e.kind == ERR_NOT_FOUND && strstr(e.message, rows[i].path), "%s", e.message);
	}
}

/* Nobody waits for the rest of a package of hundreds of megabytes; its digest has been looked at before. */
Test(unpack, one_file_does_not_need_the_rest)
{
	static const struct entry entries[] = { TEXT("boot/vmlinuz", "the kernel"), NO_MORE };
	cleanup_buf struct buf deb = { 0 };
	char found[64] = "";
	struct err e = { 0 };

	make_deb(entries, &deb);
	cr_assert_eq(buf_puts(&deb, "no member of an ar archive", &e), 0);
	cleanup_close int package = fd_of(&deb);
	cleanup_close int out = memfd_create("out", MFD_CLOEXEC);
	cr_expect_eq(package_file_extract(program, package, names[0], "deb", 1, "boot/vmlinuz", out, NULL, &e), 0, "%s", e.message);
	cr_assert_geq(pread(out, found, sizeof(found) - 1, 0), 0);
	cr_expect_str_eq(found, "the kernel");
}
