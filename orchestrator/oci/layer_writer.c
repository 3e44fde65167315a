#include "oci/layer_writer.h"

#include <stdlib.h>
#include <string.h>

#include "oci/blob.h"
#include "stream/archive_stream.h"

static int open_archive(struct layer_writer *w, bool any_names, struct err *e)
{
	w->archive = archive_write_new();
	if (!w->archive)
		return err_no_memory(e);
	/* Restricted pax is ustar where that suffices. */
	if (archive_write_set_format_pax_restricted(w->archive) != ARCHIVE_OK)
		return archive_err(w->archive, e);
	if (any_names && archive_write_set_format_option(w->archive, "pax", "hdrcharset", "BINARY") != ARCHIVE_OK)
		return archive_err(w->archive, e);
	return archive_write_open_sink(w->archive, w->tar_hash, e);
}

int layer_writer_init(struct layer_writer *w, const char *dir, int level, bool any_names, struct err *e)
{
	*w = (struct layer_writer){ .dir = dir, .file = { .fd = -1 } };
	if (level < 1 || level > 9)
		return err_set(e, ERR_USAGE, "gzip level %d is not between 1 and 9", level);
	if (blob_begin(dir, &w->file, e) < 0)
		return -1;
	if (!(w->to_file = sink_to_fd(w->file.fd, e)) || !(w->blob_hash = sink_digest(w->to_file, &w->size, &w->digest, e)) ||
	    !(w->gzip = sink_gzip(w->blob_hash, level, e)) || !(w->tar_hash = sink_digest(w->gzip, NULL, &w->diff_id, e)))
		return -1;
	return open_archive(w, any_names, e);
}

struct archive_entry *layer_entry_new(const char *path, mode_t type, mode_t mode, int64_t mtime, struct err *e)
{
	struct archive_entry *entry = archive_entry_new();
	if (!entry) {
		err_no_memory(e);
		return NULL;
	}
	archive_entry_copy_pathname(entry, path);
	archive_entry_set_filetype(entry, type ? type : AE_IFREG);
	archive_entry_set_perm(entry, mode);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_mtime(entry, mtime, 0);
	archive_entry_set_size(entry, 0);
	return entry;
}

int layer_writer_header(struct layer_writer *w, struct archive_entry *entry, struct err *e)
{
	/* A warning means that something of the entry could not be said, which would go unnoticed in the image. */
	if (archive_write_header(w->archive, entry) != ARCHIVE_OK)
		return archive_err(w->archive, e);
	return 0;
}

int layer_writer_body(struct layer_writer *w, struct source *s, uint64_t size, struct err *e)
{
	char chunk[65536];
	uint64_t left = size;
	ssize_t n;

	while ((n = source_read(s, chunk, sizeof(chunk), e)) > 0) {
		if ((uint64_t)n > left)
			return err_set(e, ERR_CORRUPT, "grew beyond %llu bytes while it was read", (unsigned long long)size);
		left -= (uint64_t)n;
		la_ssize_t written = archive_write_data(w->archive, chunk, (size_t)n);
		if (written < 0)
			return archive_err(w->archive, e);
		if (written != n)
			return err_set(e, ERR_SYSTEM, "the archive took %zd of %zd bytes", (ssize_t)written, n);
	}
	if (n < 0)
		return -1;
	if (left)
		return err_set(e, ERR_CORRUPT, "ends %llu bytes early", (unsigned long long)left);
	return 0;
}

int layer_writer_finish(struct layer_writer *w, const char *created_by, struct layer *ret, struct err *e)
{
	cleanup_layer struct layer made = { 0 };

	if (archive_write_close(w->archive) != ARCHIVE_OK)
		return archive_err(w->archive, e);
	if (sink_finish(w->tar_hash, e) < 0)
		return -1;
	made.diff_id = w->diff_id;
	made.digest = w->digest;
	made.size = w->size;
	if (!(made.media_type = str_dup(LAYER_MEDIA_GZIP, e)))
		return -1;
	if (created_by && !(made.created_by = str_dup(created_by, e)))
		return -1;
	if (blob_commit(&w->file, w->dir, &w->digest, &made.path, NULL, e) < 0)
		return -1;
	*ret = made;
	made = (struct layer){ 0 };
	return 0;
}

void layer_writer_release(struct layer_writer *w)
{
	/* Freeing an archive completes it first, with zeros where a body is missing. (archive_write_fail() would prevent that, and
	 * leak.) */
	if (w->tar_hash && w->tar_hash->failed.kind == ERR_NONE)
		err_set(&w->tar_hash->failed, ERR_CANCELLED, "given up");
	if (w->archive)
		archive_write_free(w->archive);
	sink_free(w->tar_hash);
	sink_free(w->gzip);
	sink_free(w->blob_hash);
	sink_free(w->to_file);
	newfile_release(&w->file);
	*w = (struct layer_writer){ .file = { .fd = -1 } };
}
