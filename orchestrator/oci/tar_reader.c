#include "oci/tar_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "oci/layer.h"
#include "stream/archive_stream.h"

enum { END_MARKER = 1024 };

struct tar_reader {
	struct source *input; /* borrowed */
	struct archive *archive;
	struct source *body;
	char *path;
	size_t members;
};

struct tar_reader *tar_reader_open(struct source *s, struct err *e)
{
	struct tar_reader *r = calloc(1, sizeof(*r));
	if (!r || !(r->archive = archive_read_new())) {
		free(r);
		err_no_memory(e);
		return NULL;
	}
	r->input = s;
	/* A filter that would need an external program only warns: its archives are then not recognised. */
	if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(r->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_xz(r->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_zstd(r->archive) < ARCHIVE_WARN ||
	    archive_read_support_filter_bzip2(r->archive) < ARCHIVE_WARN) {
		archive_err(r->archive, e);
		tar_reader_free(r);
		return NULL;
	}
	if (archive_read_open_source(r->archive, s, e) < 0) {
		tar_reader_free(r);
		return NULL;
	}
	return r;
}

void tar_reader_free(struct tar_reader *r)
{
	if (!r)
		return;
	source_free(r->body);
	archive_read_free(r->archive);
	free(r->path);
	free(r);
}

char *tar_path(const char *name, struct err *e)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || len > LAYER_PATH_MAX) {
		err_set(e, ERR_HOSTILE, "a member with an empty or over-long name");
		return NULL;
	}
	char *path = str_dup(name, e);
	if (!path)
		return NULL;
	char *out = path;
	for (const char *p = name; *p;) {
		size_t part = strcspn(p, "/");
		if (part && !(part == 1 && *p == '.')) {
			if (out != path)
				*out++ = '/';
			memcpy(out, p, part);
			out += part;
		}
		p += part + (p[part] == '/');
	}
	*out = '\0';
	if (name[0] == '/' || (*path && !path_is_plain(path))) {
		err_set(e, ERR_HOSTILE, "member '%.200s' leaves the archive's root", name);
		free(path);
		return NULL;
	}
	return path;
}

static int check_end(struct tar_reader *r, struct err *e)
{
	if (!r->members)
		return err_set(e, ERR_CORRUPT, "an archive without members");
	/* libarchive takes a bare end of file too, and then has read nothing since it looked for the next header. */
	if (archive_filter_bytes(r->archive, 0) - archive_read_header_position(r->archive) < END_MARKER)
		return err_set(e, ERR_CORRUPT, "ends without the end marker of a tar: the transfer broke off");
	return source_drain(r->input, e);
}

int tar_reader_next(struct tar_reader *r, size_t max, struct archive_entry **ret_entry, char **ret_path, struct err *e)
{
	struct archive_entry *entry;

	source_free(r->body);
	r->body = NULL;
	free(r->path);
	r->path = NULL;
	int got = archive_read_next_header(r->archive, &entry);
	if (got == ARCHIVE_EOF)
		return check_end(r, e);
	if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
		return archive_err(r->archive, e);
	if (++r->members > max)
		return err_set(e, ERR_LIMIT, "more than %zu members", max);
	r->path = tar_path(archive_entry_pathname(entry), e);
	if (!r->path)
		return -1;
	*ret_entry = entry;
	*ret_path = r->path;
	return 1;
}

struct source *tar_reader_body(struct tar_reader *r, struct err *e)
{
	if (!r->body)
		r->body = source_from_archive_member(r->archive, e);
	return r->body;
}
