#include "package/deb.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "stream/archive_stream.h"
#include "stream/source.h"
#include "stream/xz_source.h"

/* Plenty for what dpkg-deb writes (8 MiB dictionaries, 24 MiB blocks), far below the filter's limit. */
#define XZ_MEMORY_BYTES ((uint64_t)192 << 20)

struct compression {
	const char *suffix;
	int (*filter)(struct archive *); /* NULL: none, or xz with its own source */
	bool xz;
};

static const struct compression compressions[] = {
	{ "", NULL, false },
	{ ".xz", NULL, true },
	{ ".gz", archive_read_support_filter_gzip, false },
	{ ".zst", archive_read_support_filter_zstd, false },
	{ ".bz2", archive_read_support_filter_bzip2, false },
	{ ".lzma", archive_read_support_filter_lzma, false },
};

/* package -> ar -> member -> [raw, or xz within body] -> body: each reads from the one before it. */
struct deb {
	struct source base;
	struct source *package;
	struct archive *ar;
	struct source *member;
	struct archive *raw;
	struct source *body;
};

static void deb_free(struct source *s)
{
	struct deb *d = (struct deb *)s;

	source_free(d->body);
	if (d->raw)
		archive_read_free(d->raw);
	source_free(d->member);
	if (d->ar)
		archive_read_free(d->ar);
	source_free(d->package);
	free(d);
}

/* 1 with the next member's name, 0 at the end. */
static int ar_next(struct deb *d, const char **ret_name, struct archive_entry **ret_entry, struct err *e)
{
	int rc = archive_read_next_header(d->ar, ret_entry);
	if (rc == ARCHIVE_EOF)
		return 0;
	if (rc != ARCHIVE_OK)
		return archive_err(d->ar, e);
	*ret_name = archive_entry_pathname(*ret_entry);
	if (!*ret_name)
		return err_set(e, ERR_CORRUPT, "ar member without a name");
	return 1;
}

static int read_version(struct deb *d, struct err *e)
{
	struct archive_entry *entry;
	const char *name;
	char text[16];

	int rc = ar_next(d, &name, &entry, e);
	if (rc < 0)
		return -1;
	if (rc == 0 || strcmp(name, "debian-binary") != 0)
		return err_set(e, ERR_CORRUPT, "does not start with 'debian-binary'");
	la_ssize_t n = archive_read_data(d->ar, text, sizeof(text));
	if (n < 0)
		return archive_err(d->ar, e);
	if (n < 4 || memcmp(text, "2.", 2) != 0 || !memchr(text, '\n', (size_t)n))
		return err_set(e, ERR_CORRUPT, "is not of version 2 of the deb format");
	return 0;
}

/* Goes to the member called stem, stem.gz, ... and says how it is compressed. Members that start with "_" may stand before it. */
static int find_member(struct deb *d, const char *stem, const struct compression **ret, struct err *e)
{
	struct archive_entry *entry;
	const char *name;
	int rc;

	while ((rc = ar_next(d, &name, &entry, e)) == 1) {
		if (name[0] == '_')
			continue;
		if (!str_starts(name, stem))
			return err_set(e, ERR_CORRUPT, "has no '%s' where it belongs", stem);
		for (size_t i = 0; i < ARRAY_LEN(compressions); i++) {
			if (strcmp(name + strlen(stem), compressions[i].suffix) == 0) {
				*ret = &compressions[i];
				return 0;
			}
		}
		return err_set(e, ERR_CORRUPT, "'%.40s' is compressed in a way that is not known", name);
	}
	return rc < 0 ? -1 : err_set(e, ERR_CORRUPT, "ends before '%s'", stem);
}

static int open_raw(struct deb *d, const struct compression *c, struct err *e)
{
	struct archive_entry *entry;

	d->raw = archive_read_new();
	if (!d->raw)
		return err_no_memory(e);
	if (archive_read_support_format_raw(d->raw) != ARCHIVE_OK || c->filter(d->raw) != ARCHIVE_OK)
		return err_set(e, ERR_SYSTEM, "libarchive can't decompress '%s'", c->suffix);
	if (archive_read_open_source(d->raw, d->member, e) < 0)
		return -1;
	int rc = archive_read_next_header(d->raw, &entry);
	if (rc == ARCHIVE_EOF)
		return err_set(e, ERR_CORRUPT, "'data.tar%s' is empty", c->suffix);
	if (rc != ARCHIVE_OK)
		return archive_err(d->raw, e);
	/* libarchive passes on as they are bytes that no filter wanted. */
	if (archive_filter_count(d->raw) < 2)
		return err_set(e, ERR_CORRUPT, "'data.tar%s' is not compressed as its name says", c->suffix);
	d->body = source_from_archive_member(d->raw, e);
	return d->body ? 0 : -1;
}

static int open_body(struct deb *d, unsigned threads, struct err *e)
{
	const struct compression *control = NULL, *data = NULL;

	d->ar = archive_read_new();
	if (!d->ar)
		return err_no_memory(e);
	if (archive_read_support_format_ar(d->ar) != ARCHIVE_OK)
		return archive_err(d->ar, e);
	if (archive_read_open_source(d->ar, d->package, e) < 0 || read_version(d, e) < 0 ||
	    find_member(d, "control.tar", &control, e) < 0 || find_member(d, "data.tar", &data, e) < 0)
		return -1;
	d->member = source_from_archive_member(d->ar, e);
	if (!d->member)
		return -1;
	if (data->filter)
		return open_raw(d, data, e);
	struct source *member = steal_ptr(&d->member);
	d->body = data->xz ? source_xz(member, threads, XZ_MEMORY_BYTES, e) : member;
	return d->body ? 0 : -1;
}

static ssize_t deb_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct deb *d = (struct deb *)s;
	struct archive_entry *entry;
	const char *name;
	int rc;

	ssize_t n = source_read(d->body, bytes, len, e);
	if (n != 0)
		return n;
	while ((rc = ar_next(d, &name, &entry, e)) == 1)
		; /* whatever follows is not ours to mind, as long as it is all there */
	return rc;
}

static const struct source_ops deb_ops = { deb_read, deb_free };

struct source *deb_open(struct source *package, unsigned threads, struct err *e)
{
	struct deb *d = calloc(1, sizeof(*d));
	if (!d) {
		source_free(package);
		err_no_memory(e);
		return NULL;
	}
	d->base.ops = &deb_ops;
	d->package = package;
	if (open_body(d, threads, e) < 0) {
		deb_free(&d->base);
		return NULL;
	}
	return &d->base;
}
