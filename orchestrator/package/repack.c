#include "package/repack.h"

#include <archive_entry.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "package/disk.h"
#include "package/ext_tree.h"
#include "stream/archive_stream.h"
#include "stream/decompress_source.h"
#include "stream/sink.h"
#include "stream/source.h"

enum { PACKAGE_FD = 3, SCRATCH_FD = 4, WORDS = 4, GZIP_LEVEL = 1 };

#define XZ_MEMORY_BYTES ((uint64_t)192 << 20)

int repack_image_start(const char *program, int package_fd, const char *name, const struct image_rules *rules, int scratch_fd,
		       int out_fd, struct filter **ret, struct err *e)
{
	cleanup_free char *json = image_rules_encode(rules, e);
	const char *const argv[] = { "repack", "image", json, name, NULL };
	const struct process_fd fds[] = { { out_fd, STDOUT_FILENO }, { package_fd, PACKAGE_FD }, { scratch_fd, SCRATCH_FD } };

	return json ? filter_start(program, argv, fds, ARRAY_LEN(fds), ret, e) : -1;
}

int repack_file_start(const char *program, int package_fd, const char *name, const char *path, int out_fd, struct filter **ret,
		      struct err *e)
{
	const char *const argv[] = { "repack", "file", path, name, NULL };
	const struct process_fd fds[] = { { out_fd, STDOUT_FILENO }, { package_fd, PACKAGE_FD } };

	return filter_start(program, argv, fds, ARRAY_LEN(fds), ret, e);
}

/* --- inside --- */

DEFINE_CLEANUP(source, struct source, source_free)
DEFINE_CLEANUP(sink, struct sink, sink_free)
DEFINE_CLEANUP(entry, struct archive_entry, archive_entry_free)

static int repack_image(struct source *package, const char *json, struct sink *out, struct err *e)
{
	cleanup_image_rules struct image_rules rules = { 0 };
	struct disk_part part;
	uint64_t size;

	if (image_rules_decode(json, &rules, e) < 0) {
		source_free(package);
		return -1;
	}
	if (disk_expand(package, SCRATCH_FD, &size, e) < 0 || disk_find(SCRATCH_FD, size, rules.partition, &part, e) < 0)
		return -1;
	return ext_tree_write(SCRATCH_FD, &part, &rules, out, e);
}

static int write_file(const char *path, const struct buf *bytes, struct sink *out, struct err *e)
{
	cleanup_of(archive_writer) struct archive *a = archive_write_new();
	cleanup_of(entry) struct archive_entry *entry = archive_entry_new();

	if (!a || !entry)
		return err_no_memory(e);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)bytes->len);
	if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK)
		return archive_err(a, e);
	if (archive_write_open_sink(a, out, e) < 0)
		return -1;
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    archive_write_data(a, buf_text(bytes), bytes->len) != (la_ssize_t)bytes->len || archive_write_close(a) != ARCHIVE_OK)
		return archive_err(a, e);
	return sink_finish(out, e);
}

static int repack_file(struct source *package, const char *path, struct sink *out, struct err *e)
{
	cleanup_of(source) struct source *s = source_decompress(package, XZ_MEMORY_BYTES, REPACK_FILE_MAX, e);
	cleanup_buf struct buf bytes = { 0 };
	cleanup_of(sink) struct sink *in_memory = sink_to_buf(&bytes, REPACK_FILE_MAX, e);

	if (!s || !in_memory || sink_copy(in_memory, s, e) < 0 || sink_finish(in_memory, e) < 0)
		return -1;
	if (!bytes.len)
		return err_set(e, ERR_CORRUPT, "is empty");
	return write_file(path, &bytes, out, e);
}

int repack_filter_run(int argc, char **argv, struct err *e)
{
	/* Minutes for images of several GiB; the images' own limit stands in package/disk.h. */
	const struct filter_limits limits = {
		.memory_bytes = (uint64_t)768 << 20, .cpu_seconds = 1200, .file_bytes = DISK_BYTES_MAX, .stat = true, /* libblkid */
	};

	if (argc != WORDS || (strcmp(argv[1], "image") != 0 && strcmp(argv[1], "file") != 0))
		return err_set(e, ERR_USAGE, "filter: 'image' or 'file', an argument and a name expected");
	mallopt(M_ARENA_MAX, 1);
	if (filter_confine(&limits, e) < 0)
		return -1;
	/* Whoever checked its digest has read it to the end; a pipe has no place to go back to. */
	(void)lseek(PACKAGE_FD, 0, SEEK_SET);
	cleanup_of(sink) struct sink *file = sink_to_fd(STDOUT_FILENO, e);
	cleanup_of(sink) struct sink *out = file ? sink_gzip(file, GZIP_LEVEL, e) : NULL;
	struct source *package = out ? source_from_fd(PACKAGE_FD, false, e) : NULL;
	if (!package)
		return -1;
	bool image = strcmp(argv[1], "image") == 0;
	if ((image ? repack_image(package, argv[2], out, e) : repack_file(package, argv[2], out, e)) < 0)
		return err_wrap(e, "package '%s'", argv[3]);
	return 0;
}
