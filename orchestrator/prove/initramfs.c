#include "prove/initramfs.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/cleanup.h"
#include "stream/archive_stream.h"
#include "stream/sink.h"

static const char *const object_names[KIND_COUNT] = { [KIND_MOD] = "object.ko", [KIND_BPF] = "object.o" };

static int put(struct archive *a, const char *path, mode_t type, unsigned mode, const char *target, const struct buf *bytes,
	       struct err *e)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return err_no_memory(e);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_size(entry, bytes ? (la_int64_t)bytes->len : 0);
	if (target)
		archive_entry_set_symlink(entry, target);
	int rc = archive_write_header(a, entry) != ARCHIVE_OK ? archive_err(a, e) : 0;
	archive_entry_free(entry);
	if (rc == 0 && bytes && bytes->len && archive_write_data(a, bytes->data, bytes->len) != (la_ssize_t)bytes->len)
		rc = archive_err(a, e);
	return rc;
}

static int put_directories(struct archive *a, struct err *e)
{
	static const char *const names[] = { "bin", "dev", "proc", "sys" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (put(a, names[i], AE_IFDIR, 0755, NULL, NULL, e) < 0)
			return -1;
	return 0;
}

/* `expect`: a line for each object, as probe/guest/init.c reads it. */
static int put_objects(const struct initramfs *i, struct archive *a, struct err *e)
{
	cleanup_buf struct buf expect = { 0 };

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (!i->objects[kind])
			continue;
		if (put(a, object_names[kind], AE_IFREG, 0644, NULL, i->objects[kind], e) < 0 ||
		    buf_printf(&expect, e, "%s /%s %s\n", kind_name(kind), object_names[kind], i->events ? "events" : "load") < 0)
			return -1;
	}
	return put(a, "expect", AE_IFREG, 0644, NULL, &expect, e);
}

int initramfs_write(const struct initramfs *i, int fd, struct err *e)
{
	cleanup_of(archive_writer) struct archive *a = archive_write_new();
	struct sink *out = a ? sink_to_fd(fd, e) : NULL;
	int rc = -1;

	if (!a)
		return err_no_memory(e);
	if (!out)
		return -1;
	if (archive_write_set_format_cpio_newc(a) != ARCHIVE_OK)
		archive_err(a, e);
	else if (archive_write_open_sink(a, out, e) == 0 && put_directories(a, e) == 0 &&
		 put(a, "init", AE_IFREG, 0755, NULL, i->init, e) == 0 &&
		 put(a, "bin/subject", AE_IFLNK, 0777, "/init", NULL, e) == 0 && put_objects(i, a, e) == 0)
		rc = archive_write_close(a) == ARCHIVE_OK ? sink_finish(out, e) : archive_err(a, e);
	/* Before the sink, to which what is left in it would go. */
	archive_write_free(steal_ptr(&a));
	sink_free(out);
	return rc;
}
