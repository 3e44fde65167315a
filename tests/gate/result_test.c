#include "gate/result.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"

static const char *const program = "/proc/self/exe"; /* see main.c */
static const struct result_expect expect = { "6.1.0-x", EM_X86_64, NULL, NULL, 0 };

static int memory_fd(const void *bytes, size_t len)
{
	struct err e = { 0 };
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert(len == 0 || fd_write_all(fd, bytes, len, &e) == 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int run(const struct buf *tar, const int out_fds[KIND_COUNT], struct result_report *ret, struct err *e)
{
	int fd = memory_fd(tar->data, tar->len);
	int rc = result_read(program, fd, &expect, out_fds, ret, NULL, e);

	close(fd);
	return rc;
}

static void make_good(struct buf *mod, struct buf *bpf, struct buf *tar)
{
	make_module(mod);
	make_bpf(bpf);
	const struct member_spec members[] = { { "mod", S_IFREG | 0644, mod, NULL },
					       { "bpf", S_IFREG | 0755, bpf, NULL },
					       { NULL, 0, NULL, NULL } };
	make_result(members, tar);
}

/* The .gz in the descriptor is what the report says, unpacks to the object, and carries no time. */
static void expect_gzip(int fd, const struct result_object *o, const struct buf *object)
{
	unsigned char gz[8192], raw[8192];
	struct err e = { 0 };
	struct digest digest;
	z_stream z = { 0 };

	ssize_t len = pread(fd, gz, sizeof(gz), 0);
	cr_assert_eq((uint64_t)len, o->gzip_bytes);
	cr_assert_eq(digest_of(gz, (size_t)len, &digest, &e), 0);
	cr_expect(digest_equal(&digest, &o->gzip));
	cr_expect_eq(memcmp(gz, "\x1f\x8b\x08\0\0\0\0\0", 8), 0);
	cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = gz;
	z.avail_in = (uInt)len;
	z.next_out = raw;
	z.avail_out = sizeof(raw);
	cr_expect_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_expect(z.total_out == object->len && memcmp(raw, object->data, object->len) == 0);
	inflateEnd(&z);
	cr_assert_eq(digest_of(object->data, object->len, &digest, &e), 0);
	cr_expect(digest_equal(&digest, &o->raw) && o->raw_bytes == object->len);
}

Test(result, good_objects_are_compressed_and_reported)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf bpf = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct result_report r;
	struct err e = { 0 };

	make_good(&mod, &bpf, &tar);
	const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), memory_fd(NULL, 0) };
	cr_assert_eq(run(&tar, out_fds, &r, &e), 0, "%s", e.message);
	cr_assert(r.objects[KIND_MOD].present && r.objects[KIND_BPF].present);
	cr_expect_str_eq(r.objects[KIND_MOD].report.vermagic, "6.1.0-x SMP preempt ");
	cr_expect_eq(r.objects[KIND_BPF].report.programs, 1u);
	cr_expect_eq(result_check(&r.objects[KIND_MOD], KIND_MOD, &e), 0);
	cr_expect_eq(result_check(&r.objects[KIND_BPF], KIND_BPF, &e), 0);
	expect_gzip(out_fds[KIND_MOD], &r.objects[KIND_MOD], &mod);
	expect_gzip(out_fds[KIND_BPF], &r.objects[KIND_BPF], &bpf);
	close(out_fds[0]);
	close(out_fds[1]);
}

Test(result, what_is_missing_is_absent)
{
	cleanup_buf struct buf bpf = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct result_report r;
	struct err e = { 0 };

	make_bpf(&bpf);
	const struct member_spec members[] = { { "bpf", S_IFREG | 0644, &bpf, NULL }, { NULL, 0, NULL, NULL } };
	make_result(members, &tar);
	const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), memory_fd(NULL, 0) };
	cr_assert_eq(run(&tar, out_fds, &r, &e), 0, "%s", e.message);
	cr_expect(!r.objects[KIND_MOD].present && r.objects[KIND_BPF].present);
	cr_expect_eq(result_check(&r.objects[KIND_MOD], KIND_MOD, &e), 0);
	/* Nothing was built, and nothing was sent. */
	const struct buf nothing = { NULL, 0, 0 };
	cr_assert_eq(run(&nothing, out_fds, &r, &e), 0, "%s", e.message);
	cr_expect(!r.objects[KIND_MOD].present && !r.objects[KIND_BPF].present);
	close(out_fds[0]);
	close(out_fds[1]);
}

Test(result, a_bad_object_is_reported_and_not_written)
{
	static const struct part parts[] = { MODINFO("license=GPL\0name=probe\0vermagic=5.10.0-z SMP"), THIS_MODULE, NO_MORE };
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf bpf = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct result_report r;
	struct err e = { 0 };

	make_object(EM_X86_64, parts, &mod);
	make_bpf(&bpf);
	const struct member_spec members[] = { { "mod", S_IFREG | 0644, &mod, NULL },
					       { "bpf", S_IFREG | 0644, &bpf, NULL },
					       { NULL, 0, NULL, NULL } };
	make_result(members, &tar);
	const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), memory_fd(NULL, 0) };
	cr_assert_eq(run(&tar, out_fds, &r, &e), 0, "%s", e.message);
	cr_expect_eq(result_check(&r.objects[KIND_MOD], KIND_MOD, &e), -1);
	cr_expect_eq(e.kind, ERR_CHECK);
	cr_expect(strstr(e.message, "expected 6.1.0-x, found 5.10.0-z SMP"), "%s", e.message);
	cr_expect_eq(lseek(out_fds[KIND_MOD], 0, SEEK_END), 0);
	expect_gzip(out_fds[KIND_BPF], &r.objects[KIND_BPF], &bpf);
	close(out_fds[0]);
	close(out_fds[1]);
}

/* A module of no bytes at all, the classic. */
Test(result, a_zero_byte_object_fails_its_check)
{
	const struct buf nothing = { NULL, 0, 0 };
	cleanup_buf struct buf tar = { 0 };
	struct result_report r;
	struct err e = { 0 };

	const struct member_spec members[] = { { "mod", S_IFREG | 0644, &nothing, NULL }, { NULL, 0, NULL, NULL } };
	make_result(members, &tar);
	const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), -1 };
	cr_assert_eq(run(&tar, out_fds, &r, &e), 0, "%s", e.message);
	cr_expect_eq(result_check(&r.objects[KIND_MOD], KIND_MOD, &e), -1);
	cr_expect(strstr(e.message, "found 0 bytes"), "%s", e.message);
	close(out_fds[0]);
}

Test(result, hostile_tars_are_refused)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf huge = { 0 };
	struct err grown;

	make_module(&mod);
	cr_assert_eq(buf_reserve(&huge, OBJECT_BYTES_MAX + 1, &grown), 0);
	memset(huge.data, 0, OBJECT_BYTES_MAX + 1);
	huge.len = OBJECT_BYTES_MAX + 1;
	const struct {
		struct member_spec members[3];
		enum err_kind kind;
		const char *text;
	} rows[] = {
		{ { { "../mod", S_IFREG | 0644, &mod, NULL } }, ERR_HOSTILE, "'../mod'" },
		{ { { "/mod", S_IFREG | 0644, &mod, NULL } }, ERR_HOSTILE, "absolute" },
		{ { { "mod", S_IFREG | 0644, &mod, NULL }, { "extra", S_IFREG | 0644, &mod, NULL } }, ERR_HOSTILE, "'extra'" },
		{ { { "mod", S_IFREG | 0644, &mod, NULL }, { "mod", S_IFREG | 0644, &mod, NULL } }, ERR_HOSTILE, "twice" },
		{ { { "mod", S_IFLNK | 0777, NULL, "bpf" } }, ERR_HOSTILE, "'mod'" },
		{ { { "mod", S_IFREG | 0644, &mod, NULL }, { "x", S_IFREG | 0644, NULL, "mod" } }, ERR_HOSTILE, "'x'" },
		{ { { "mod", S_IFDIR | 0755, NULL, NULL } }, ERR_HOSTILE, "'mod'" },
		{ { { "mod", S_IFCHR | 0644, NULL, NULL } }, ERR_HOSTILE, "device" },
		{ { { "bpf", S_IFREG | 0644, &mod, NULL } }, ERR_HOSTILE, "'bpf'" }, /* not asked for */
		{ { { "mod", S_IFREG | 0644, &huge, NULL } }, ERR_LIMIT, "67108865 bytes" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf tar = { 0 };
		struct result_report r;
		struct err e = { 0 };
		const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), -1 };
		make_result(rows[i].members, &tar);
		cr_expect_eq(run(&tar, out_fds, &r, &e), -1, "row %zu went through", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect(strstr(e.message, rows[i].text), "row %zu: %s", i, e.message);
		close(out_fds[0]);
	}
}

Test(result, a_tar_that_ends_early_is_never_a_result)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf bpf = { 0 };
	cleanup_buf struct buf tar = { 0 };

	make_good(&mod, &bpf, &tar);
	/* Also at the borders of members, where nothing but the end marker is missing. */
	for (size_t len = 256; len + 512 < tar.len; len += 256) {
		const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), memory_fd(NULL, 0) };
		const struct buf cut = { tar.data, len, 0 };
		struct result_report r;
		struct err e = { 0 };
		cr_expect_eq(run(&cut, out_fds, &r, &e), -1, "%zu of %zu bytes went through", len, tar.len);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s", e.message);
		close(out_fds[0]);
		close(out_fds[1]);
	}
}

Test(result, the_tar_may_be_fed_while_the_filter_runs)
{
	cleanup_buf struct buf mod = { 0 };
	cleanup_buf struct buf bpf = { 0 };
	cleanup_buf struct buf tar = { 0 };
	struct result_filter filter;
	struct result_report r;
	struct err e = { 0 };
	int pipe_fds[2];

	make_good(&mod, &bpf, &tar);
	const int out_fds[KIND_COUNT] = { memory_fd(NULL, 0), memory_fd(NULL, 0) };
	cr_assert_eq(fd_pipe(pipe_fds, &e), 0);
	cr_assert_eq(result_filter_start(program, pipe_fds[0], &expect, out_fds, &filter, &e), 0, "%s", e.message);
	close(pipe_fds[0]);
	for (size_t at = 0; at < tar.len; at += 100)
		cr_assert_eq(fd_write_all(pipe_fds[1], tar.data + at, tar.len - at < 100 ? tar.len - at : 100, &e), 0);
	close(pipe_fds[1]);
	cr_expect_eq(result_filter_finish(&filter, &r, NULL, &e), 0, "%s", e.message);
	cr_expect(r.objects[KIND_MOD].present && r.objects[KIND_BPF].present);
	result_filter_release(&filter);
	close(out_fds[0]);
	close(out_fds[1]);
}
