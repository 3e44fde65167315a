#include "sign/module.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../gate/fixture.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "sign/trailer.h"
#include "stream/sink.h"

static const char *const program = "/proc/self/exe"; /* see main.c */

static int memory_file(const struct buf *bytes)
{
	struct err e = { 0 };
	int fd = memfd_create("module", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(fd_write_all(fd, bytes->data, bytes->len, &e), 0, "%s", e.message);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void gzip(const struct buf *from, struct buf *to)
{
	struct err e = { 0 };
	struct sink *buf = sink_to_buf(to, 1 << 20, &e), *packed = sink_gzip(buf, 9, &e);

	cr_assert_eq(sink_write(packed, from->data, from->len, &e), 0);
	cr_assert_eq(sink_finish(packed, &e), 0);
	sink_free(packed);
	sink_free(buf);
}

static int read_bytes(const struct buf *file, bool packed, const struct module_expect *expect, struct module *ret, struct err *e)
{
	cleanup_close int fd = memory_file(file);

	return module_read(program, fd, packed, expect, ret, NULL, e);
}

Test(module, names)
{
	static const struct {
		const char *path;
		bool is, gzip;
	} rows[] = {
		{ "a/collector-6.1.ko.gz", true, true },     { "x.ko", true, false },	  { "a.ko/x", false, false },
		{ "collector-ebpf-6.1.o.gz", false, false }, { "x.ko.xz", false, false }, { ".x.ko.gz", false, true },
		{ "MODULE_VERSION.txt", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool packed;
		cr_expect_eq(module_name(rows[i].path, &packed), rows[i].is, "%s", rows[i].path);
		cr_expect_eq(packed, rows[i].gzip, "%s", rows[i].path);
	}
}

Test(module, comes_out_as_it_is)
{
	static const struct module_expect expects[] = {
		{ 0 },
		{ .release = "6.1.0-x" },
		{ .release = "6.1.0-x", .elf_machine = EM_X86_64 },
		{ .unchecked = true },
	};
	cleanup_buf struct buf object = { 0 }, packed = { 0 };
	struct err e = { 0 };

	make_module(&object);
	/* A signature that is there belongs to the bytes, and the gate does not see it. */
	cr_assert_eq(trailer_append(&object, "signature", 9, &e), 0);
	gzip(&object, &packed);
	for (size_t i = 0; i < ARRAY_LEN(expects); i++)
		for (int plain = 0; plain < 2; plain++) {
			cleanup_module struct module m = { 0 };
			cr_assert_eq(read_bytes(plain ? &object : &packed, !plain, &expects[i], &m, &e), 0, "%s", e.message);
			cr_expect_eq(m.report.finding_count, 0u, "%s", m.report.findings[0].what);
			cr_expect_str_eq(m.report.module_name, expects[i].unchecked ? "" : "probe");
			cr_assert_eq(m.bytes.len, object.len);
			cr_expect_arr_eq(m.bytes.data, object.data, object.len);
		}
}

Test(module, that_does_not_pass_gives_no_bytes)
{
	static const struct {
		struct module_expect expect;
		const char *what;
	} rows[] = {
		{ { .release = "6.1.0-y" }, "vermagic" },
		{ { .elf_machine = EM_AARCH64 }, "machine" },
	};
	cleanup_buf struct buf object = { 0 };
	const struct buf text = { (char *)"no module", 9, 0 };
	struct err e = { 0 };

	make_module(&object);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_module struct module m = { 0 };
		cr_assert_eq(read_bytes(&object, false, &rows[i].expect, &m, &e), 0, "%s", e.message);
		cr_assert_geq(m.report.finding_count, 1u);
		cr_expect_str_eq(m.report.findings[0].what, rows[i].what);
		cr_expect_eq(m.bytes.len, 0u);
	}
	cleanup_module struct module m = { 0 };
	cr_assert_eq(read_bytes(&text, false, &(struct module_expect){ 0 }, &m, &e), 0, "%s", e.message);
	cr_expect_str_eq(m.report.findings[0].what, "format");
}

Test(module, damaged_files)
{
	cleanup_buf struct buf object = { 0 }, packed = { 0 };
	const struct module_expect any = { 0 };
	struct err e = { 0 };

	make_module(&object);
	gzip(&object, &packed);
	for (size_t len = 0; len < packed.len; len += len < 24 ? 1 : 41) {
		cleanup_module struct module m = { 0 };
		const struct buf cut = { packed.data, len, 0 };
		cr_expect_eq(read_bytes(&cut, true, &any, &m, &e), -1, "%zu of %zu bytes", len, packed.len);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%zu: %s", len, e.message);
	}
	cleanup_module struct module m = { 0 };
	cr_expect_eq(read_bytes(&object, true, &any, &m, &e), -1, "it is not packed at all");
	cr_expect(strstr(e.message, "no gzip file"), "%s", e.message);
	cr_assert_eq(buf_puts(&packed, "more", &e), 0);
	cr_expect_eq(read_bytes(&packed, true, &any, &m, &e), -1, "bytes behind it");
	packed.len -= 4;
	packed.data[packed.len - 5] ^= 1;
	cr_expect_eq(read_bytes(&packed, true, &any, &m, &e), -1, "a wrong checksum");
}
