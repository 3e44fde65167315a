#include "build/sources.h"

#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "stream/archive_stream.h"

static const char *const leftover_suffixes[] = { ".o", ".ko", ".mod", ".mod.c", "Module.symvers", "modules.order" };

static bool is_left_out(const char *name)
{
	if (name[0] == '.')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(leftover_suffixes); i++)
		if (str_ends(name, leftover_suffixes[i]))
			return true;
	return false;
}

/* One kind's sources on their way into the tar. */
struct packer {
	struct archive *tar;
	struct hasher *hasher;
	const char *prefix;
	size_t files;
	uint64_t bytes;
};

static int put_member(struct packer *p, const char *path, mode_t mode, const struct buf *body, struct err *e)
{
	cleanup_free char *member = str_printf(e, "%s/%s", p->prefix, path);
	struct archive_entry *entry = archive_entry_new();

	if (!member || !entry) {
		archive_entry_free(entry);
		return err_no_memory(e);
	}
	archive_entry_set_pathname(entry, member);
	archive_entry_set_mode(entry, mode);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)body->len);
	int rc = archive_write_header(p->tar, entry);
	archive_entry_free(entry);
	if (rc != ARCHIVE_OK || (body->len && archive_write_data(p->tar, body->data, body->len) != (la_ssize_t)body->len))
		return archive_err(p->tar, e);
	return 0;
}

static int pack_file(struct packer *p, const char *dir, const char *path, const struct stat *st, struct err *e)
{
	cleanup_free char *full = path_join(dir, path, e);
	cleanup_buf struct buf body = { 0 };
	mode_t mode = st->st_mode & 0100 ? 0755 : 0644;

	if (!full || file_read(full, SOURCES_MAX_BYTES, &body, e) < 0)
		return -1;
	p->bytes += body.len;
	if (p->bytes > SOURCES_MAX_BYTES || ++p->files > SOURCES_MAX_FILES)
		return err_set(e, ERR_LIMIT, "the probe's sources are more than %d MiB or %d files", SOURCES_MAX_BYTES >> 20,
			       SOURCES_MAX_FILES);
	if (hasher_text(p->hasher, path, e) < 0 || hasher_text(p->hasher, mode == 0755 ? "x" : "-", e) < 0 ||
	    hasher_field(p->hasher, buf_text(&body), body.len, e) < 0)
		return -1;
	return put_member(p, path, S_IFREG | mode, &body, e);
}

static int pack_path(struct packer *p, const char *dir, const char *path, int depth, struct err *e);

static int keep_entry(const struct dirent *entry)
{
	return !is_left_out(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int pack_directory(struct packer *p, const char *dir, const char *path, int depth, struct err *e)
{
	cleanup_free char *full = path_join(dir, path, e);
	struct dirent **entries = NULL;
	int result = 0;

	if (!full)
		return -1;
	if (depth > 32)
		return err_set(e, ERR_LIMIT, "'%s' is nested too deep", path);
	int count = scandir(full, &entries, keep_entry, by_name);
	if (count < 0)
		return err_system(e, errno, "reading directory '%s'", full);
	for (int i = 0; i < count; i++) {
		cleanup_free char *child = result == 0 ? path_join(path, entries[i]->d_name, e) : NULL;
		if (!child || pack_path(p, dir, child, depth + 1, e) < 0)
			result = -1;
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int pack_path(struct packer *p, const char *dir, const char *path, int depth, struct err *e)
{
	cleanup_free char *full = path_join(dir, path, e);
	struct stat st;

	if (!full)
		return -1;
	if (lstat(full, &st) < 0)
		return err_set(e, ERR_INPUT, "source '%s' of the probe: %s", full, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return pack_directory(p, dir, path, depth, e);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "source '%s' of the probe is neither a file nor a directory", full);
	return pack_file(p, dir, path, &st, e);
}

static int pack_kind(struct archive *tar, const char *dir, const struct probe_kind *kind, const char *prefix, struct digest *digest,
		     struct err *e)
{
	struct hasher *hasher = hasher_new(e);
	struct packer p = { .tar = tar, .hasher = hasher, .prefix = prefix };
	int result = hasher ? 0 : -1;

	for (size_t i = 0; i < kind->sources.len && result == 0; i++)
		result = pack_path(&p, dir, kind->sources.items[i], 0, e);
	if (result == 0)
		result = hasher_finish(hasher, digest, e);
	hasher_free(hasher);
	return result;
}

int sources_pack(const char *dir, const struct probe *probe, struct buf *tar, struct digest digests[KIND_COUNT], struct err *e)
{
	struct sink *sink = sink_to_buf(tar, SIZE_MAX, e);
	struct archive *a = archive_write_new();
	int result = 0;

	if (!sink || !a)
		result = err_no_memory(e);
	else if (archive_write_set_format_pax_restricted(a) != ARCHIVE_OK)
		result = archive_err(a, e);
	else
		result = archive_write_open_sink(a, sink, e);
	for (int kind = 0; kind < KIND_COUNT && result == 0; kind++)
		if (probe->kinds[kind].present)
			result = pack_kind(a, dir, &probe->kinds[kind], kind_name((enum probe_kind_id)kind), &digests[kind], e);
	if (result == 0 && archive_write_close(a) != ARCHIVE_OK)
		result = archive_err(a, e);
	archive_write_free(a);
	sink_free(sink);
	return result;
}
