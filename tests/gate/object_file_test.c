/* Objects in files, and captures as they come out of the filter that reads the packages. */
#include "gate/object_file.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"
#include "stream/sink.h"

static const char *const program = "/proc/self/exe"; /* see main.c */

static int memory_fd(const void *bytes, size_t len)
{
	struct err e = { 0 };
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fd_write_all(fd, bytes, len, &e), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void compress(const struct buf *bytes, struct buf *ret)
{
	struct err e = { 0 };
	struct sink *to = sink_to_buf(ret, 64 << 20, &e);
	struct sink *gzip = sink_gzip(to, 1, &e);

	cr_assert(sink_write(gzip, bytes->data, bytes->len, &e) == 0 && sink_finish(gzip, &e) == 0, "%s", e.message);
	sink_free(gzip);
	sink_free(to);
}

static void check(const void *bytes, size_t len, bool gzip, struct object_report *ret)
{
	static const struct result_expect expect = { .release = "6.1.0-x", .elf_machine = EM_X86_64 };
	const struct object_file file = { .fd = memory_fd(bytes, len), .gzip = gzip, .kind = KIND_MOD };
	struct err e = { 0 };

	cr_assert_eq(object_file_check(program, &file, &expect, ret, NULL, &e), 0, "%s", e.message);
	close(file.fd);
}

static void expect_finding(const void *bytes, size_t len, bool gzip, const char *what, const char *found)
{
	struct object_report r;

	check(bytes, len, gzip, &r);
	cr_assert_eq(r.finding_count, 1u, "%s: %zu findings", what, r.finding_count);
	cr_expect_str_eq(r.findings[0].what, what);
	cr_expect(strstr(r.findings[0].found, found), "%s: found %s", what, r.findings[0].found);
}

Test(object_file, compressed_and_not)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf gz = { 0 };
	struct object_report r;

	make_module(&mod);
	compress(&mod, &gz);
	check(gz.data, gz.len, true, &r);
	cr_expect_eq(r.finding_count, 0u, "%s", r.findings[0].what);
	cr_expect_str_eq(r.module_name, "probe");
	check(mod.data, mod.len, false, &r);
	cr_expect_eq(r.finding_count, 0u, "%s", r.findings[0].what);
	expect_finding(gz.data, gz.len, false, "format", "");
}

Test(object_file, a_damaged_gzip_is_a_finding)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf gz = { 0 };

	make_module(&mod);
	compress(&mod, &gz);
	for (size_t len = 2; len < gz.len; len += gz.len / 7)
		expect_finding(gz.data, len, true, "gzip", "");
	expect_finding(gz.data, gz.len - 1, true, "gzip", "");
	expect_finding(gz.data, 1, true, "gzip", "something else");
	expect_finding("", 0, true, "gzip", "0 bytes");
	expect_finding("", 0, false, "size", "0 bytes");
	expect_finding(mod.data, mod.len, true, "gzip", "something else");
	gz.data[gz.len - 8] ^= 1; /* of the checksum */
	expect_finding(gz.data, gz.len, true, "gzip", "");
}

Test(object_file, what_unpacks_to_too_much_is_a_finding)
{
	cleanup_buf struct buf zeros = { 0 };
	cleanup_buf struct buf gz = { 0 };
	struct err e = { 0 };

	cr_assert_eq(buf_reserve(&zeros, OBJECT_BYTES_MAX + 1, &e), 0);
	memset(zeros.data, 0, OBJECT_BYTES_MAX + 1);
	zeros.len = OBJECT_BYTES_MAX + 1;
	compress(&zeros, &gz);
	expect_finding(gz.data, gz.len, true, "gzip", "");
}

/* --- captures --- */

static int make_captures(const char *symvers, const char *settings)
{
	struct capture_writer *w = NULL;
	struct err e = { 0 };
	int fd = captures_memory(&e);
	struct sink *out = sink_to_fd(fd, &e);

	cr_assert(fd >= 0 && out && capture_writer_new(out, &w, &e) == 0, "%s", e.message);
	cr_assert_eq(capture_writer_add(w, CAPTURE_SYMVERS, symvers, strlen(symvers), &e), 0, "%s", e.message);
	cr_assert_eq(capture_writer_add(w, CAPTURE_CONFIG, settings, strlen(settings), &e), 0, "%s", e.message);
	cr_assert_eq(capture_writer_finish(w, &e), 0, "%s", e.message);
	capture_writer_free(w);
	sink_free(out);
	return fd;
}

static int check_with(const int *captures, size_t count, struct object_report *ret, struct err *e)
{
	static const struct part parts[] = { PROGRAM(".text"), MODINFO("license=GPL\0name=probe\0vermagic=6.1.0-x SMP preempt "),
					     THIS_MODULE, NO_MORE };
	static const struct name symbols[] = { { "init", STB_GLOBAL, 1 }, { "gone", STB_GLOBAL, SHN_UNDEF }, { NULL, 0, 0 } };
	const struct result_expect expect = {
		.release = "6.1.0-x", .elf_machine = EM_X86_64, .capture_fds = captures, .capture_count = count
	};
	cleanup_buf struct buf mod = { 0 };

	make_object_of(EM_X86_64, parts, symbols, &mod);
	const struct object_file file = { .fd = memory_fd(mod.data, mod.len), .kind = KIND_MOD };
	int rc = object_file_check(program, &file, &expect, ret, NULL, e);
	close(file.fd);
	return rc;
}

Test(captures, are_what_objects_are_checked_against)
{
	const int fds[] = { make_captures("0x1\tgone\tvmlinux\tEXPORT_SYMBOL\t\n", ""),
			    make_captures("0x1\tother\tvmlinux\tEXPORT_SYMBOL\t\n", "") };
	struct object_report r;
	struct err e = { 0 };

	for (int round = 0; round < 2; round++) { /* their offsets are nobody's */
		cr_assert_eq(check_with(&fds[0], 1, &r, &e), 0, "%s", e.message);
		cr_expect_eq(r.finding_count, 0u, "%s: %s", r.findings[0].what, r.findings[0].found);
		cr_assert_eq(check_with(&fds[1], 1, &r, &e), 0, "%s", e.message);
		cr_assert_eq(r.finding_count, 1u);
		cr_expect_str_eq(r.findings[0].what, "symbol");
		/* Of the same file in both the first counts. */
		cr_assert_eq(check_with(fds, 2, &r, &e), 0, "%s", e.message);
		cr_expect_eq(r.finding_count, 0u);
	}
	close(fds[0]);
	close(fds[1]);
}

/* What was not written to its end must not let an object pass for want of something to check it against. */
Test(captures, that_are_not_whole_are_refused)
{
	int whole = make_captures("0x1\tgone\tvmlinux\tEXPORT_SYMBOL\t\n", "CONFIG_SMP=y\n");
	struct object_report r;
	struct stat st;

	cr_assert_eq(fstat(whole, &st), 0);
	for (off_t len = 0; len <= st.st_size - 1024; len += 512) {
		struct err e = { 0 };
		char bytes[8192];
		cr_assert_eq(pread(whole, bytes, (size_t)len, 0), len);
		int cut = memory_fd(bytes, (size_t)len);
		cr_expect_eq(check_with(&cut, 1, &r, &e), -1, "%lld bytes went through", (long long)len);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%lld bytes: %s", (long long)len, e.message);
		close(cut);
	}
	close(whole);
}

Test(captures, hold_nothing_else)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct object_report r;
	struct err e = { 0 };

	cr_assert_eq(buf_puts(&text, "x", &e), 0);
	const struct member_spec members[] = { { "passwd", S_IFREG | 0644, &text, NULL }, { NULL, 0, NULL, NULL } };
	make_result(members, &tar);
	int fd = memory_fd(tar.data, tar.len);
	cr_expect_eq(check_with(&fd, 1, &r, &e), -1);
	cr_expect_eq(e.kind, ERR_HOSTILE, "%s", e.message);
	close(fd);
}
