#include "prove/initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "stream/digest.h"

static int write_it(const struct initramfs *parts)
{
	struct err e = { 0 };
	int fd = memfd_create("initramfs", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(initramfs_write(parts, fd, &e), 0, "%s", e.message);
	return fd;
}

/* A line for each member: mode, path, target or text. */
static void list(int fd, struct buf *ret)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct err e;
	int rc;

	cr_assert_eq(archive_read_support_format_cpio(a), ARCHIVE_OK);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	cr_assert_eq(archive_read_open_fd(a, fd, 4096), ARCHIVE_OK, "%s", archive_error_string(a));
	while ((rc = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
		char text[64] = "";
		cr_assert_geq(archive_read_data(a, text, sizeof(text) - 1), 0);
		const char *target = archive_entry_symlink(entry);
		cr_assert_eq(buf_printf(ret, &e, "%06o %s %s\n", (unsigned)archive_entry_mode(entry), archive_entry_pathname(entry),
					target ? target : text),
			     0);
		cr_expect_eq(archive_entry_uid(entry) + archive_entry_gid(entry) + archive_entry_mtime(entry), 0);
	}
	cr_expect_eq(rc, ARCHIVE_EOF, "%s", archive_error_string(a));
	cr_expect_eq(archive_format(a), ARCHIVE_FORMAT_CPIO_SVR4_NOCRC, "not newc");
	archive_read_free(a);
}

static struct buf text(const char *t)
{
	return (struct buf){ .data = (char *)t, .len = strlen(t) };
}

Test(initramfs, holds_what_the_guest_needs)
{
	const struct buf init = text("the program"), module = text("module"), object = text("object");
	static const char directories[] = "040755 bin \n040755 dev \n040755 proc \n040755 sys \n"
					  "100755 init the program\n120777 bin/subject /init\n";
	static const struct {
		bool mod, bpf, events;
		const char *rest;
	} rows[] = {
		{ true, true, true,
		  "100644 object.ko module\n100644 object.o object\n"
		  "100644 expect mod /object.ko events\nbpf /object.o events\n\n" },
		{ true, false, false, "100644 object.ko module\n100644 expect mod /object.ko load\n\n" },
		{ false, true, true, "100644 object.o object\n100644 expect bpf /object.o events\n\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct initramfs parts = {
			.init = &init,
			.objects = { [KIND_MOD] = rows[i].mod ? &module : NULL, [KIND_BPF] = rows[i].bpf ? &object : NULL },
			.events = rows[i].events
		};
		cleanup_close int fd = write_it(&parts);
		cleanup_buf struct buf found = { 0 }, wanted = { 0 };
		struct err e;
		list(fd, &found);
		cr_assert_eq(buf_printf(&wanted, &e, "%s%s", directories, rows[i].rest), 0);
		cr_expect_str_eq(buf_text(&found), buf_text(&wanted), "row %zu:\n%s", i, buf_text(&found));
	}
}

Test(initramfs, same_parts_same_bytes)
{
	const struct buf init = text("i"), module = text("m");
	const struct initramfs parts = { .init = &init, .objects = { [KIND_MOD] = &module } };
	struct digest digests[2];
	struct err e;

	for (int i = 0; i < 2; i++) {
		cleanup_close int fd = write_it(&parts);
		cr_assert_eq(digest_of_fd(fd, &digests[i], NULL, &e), 0);
	}
	cr_expect(digest_equal(&digests[0], &digests[1]));
}
