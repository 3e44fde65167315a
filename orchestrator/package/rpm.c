#include "package/rpm.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "stream/archive_stream.h"
#include "stream/source.h"

static int (*const filters[])(struct archive *) = {
	archive_read_support_filter_rpm,  archive_read_support_filter_gzip,  archive_read_support_filter_xz,
	archive_read_support_filter_zstd, archive_read_support_filter_bzip2, archive_read_support_filter_lzma,
};

/* package -> raw (skips the headers, decompresses) -> body. */
struct rpm {
	struct source base;
	struct source *package;
	struct archive *raw;
	struct source *body;
};

static void rpm_free(struct source *s)
{
	struct rpm *r = (struct rpm *)s;

	source_free(r->body);
	if (r->raw)
		archive_read_free(r->raw);
	source_free(r->package);
	free(r);
}

static ssize_t rpm_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	return source_read(((struct rpm *)s)->body, bytes, len, e);
}

static const struct source_ops rpm_ops = { rpm_read, rpm_free };

static int open_body(struct rpm *r, struct err *e)
{
	struct archive_entry *entry;

	r->raw = archive_read_new();
	if (!r->raw)
		return err_no_memory(e);
	if (archive_read_support_format_raw(r->raw) != ARCHIVE_OK)
		return archive_err(r->raw, e);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (filters[i](r->raw) != ARCHIVE_OK)
			return err_set(e, ERR_SYSTEM, "libarchive lacks a decoder that rpm packages need");
	if (archive_read_open_source(r->raw, r->package, e) < 0)
		return -1;
	int rc = archive_read_next_header(r->raw, &entry);
	if (rc == ARCHIVE_EOF)
		return err_set(e, ERR_CORRUPT, "has no files in it");
	if (rc != ARCHIVE_OK)
		return archive_err(r->raw, e);
	r->body = source_from_archive_member(r->raw, e);
	return r->body ? 0 : -1;
}

struct source *rpm_open(struct source *package, unsigned threads, struct err *e)
{
	struct rpm *r = calloc(1, sizeof(*r));

	(void)threads;
	if (!r) {
		source_free(package);
		err_no_memory(e);
		return NULL;
	}
	r->base.ops = &rpm_ops;
	r->package = package;
	if (open_body(r, e) < 0) {
		rpm_free(&r->base);
		return NULL;
	}
	return &r->base;
}
