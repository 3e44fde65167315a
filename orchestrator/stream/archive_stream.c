#include "stream/archive_stream.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

enum { CHUNK = 256 * 1024 };

struct read_bridge {
	struct source *source;
	bool started;
	char chunk[CHUNK];
};

/* A failure below travels through libarchive as an error whose number is our kind, shifted out of errno's range. */
enum { KIND_BASE = 100000 };

static void set_below(struct archive *a, const struct err *e)
{
	archive_set_error(a, KIND_BASE + (int)e->kind, "%s", e->message);
}

static la_ssize_t bridge_read(struct archive *a, void *context, const void **bytes)
{
	struct read_bridge *bridge = context;
	struct err e;

	size_t got = 0;
	ssize_t n;

	/* The first chunk is filled: while libarchive guesses the format it takes a failure for the end, and says that it knows no
	 * such format. */
	do {
		n = source_read(bridge->source, bridge->chunk + got, sizeof(bridge->chunk) - got, &e);
		if (n < 0) {
			set_below(a, &e);
			return ARCHIVE_FATAL;
		}
		got += (size_t)n;
	} while (!bridge->started && n > 0 && got < sizeof(bridge->chunk));
	bridge->started = true;
	*bytes = bridge->chunk;
	return (la_ssize_t)got;
}

static int bridge_close(struct archive *a, void *context)
{
	(void)a;
	free(context);
	return ARCHIVE_OK;
}

int archive_read_open_source(struct archive *a, struct source *s, struct err *e)
{
	struct read_bridge *bridge = malloc(sizeof(*bridge));
	if (!bridge)
		return err_no_memory(e);
	bridge->source = s;
	bridge->started = false;
	if (archive_read_open(a, bridge, NULL, bridge_read, bridge_close) != ARCHIVE_OK)
		return archive_err(a, e);
	return 0;
}

static la_ssize_t bridge_write(struct archive *a, void *context, const void *bytes, size_t len)
{
	struct err e;

	if (sink_write(context, bytes, len, &e) < 0) {
		set_below(a, &e);
		return -1;
	}
	return (la_ssize_t)len;
}

int archive_write_open_sink(struct archive *a, struct sink *s, struct err *e)
{
	archive_write_set_bytes_per_block(a, CHUNK);
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open(a, s, NULL, bridge_write, NULL) != ARCHIVE_OK)
		return archive_err(a, e);
	return 0;
}

struct member_source {
	struct source base;
	struct archive *archive;
};

static ssize_t member_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct member_source *m = (struct member_source *)s;

	la_ssize_t n = archive_read_data(m->archive, bytes, len);
	if (n < 0)
		return archive_err(m->archive, e);
	return n;
}

static void member_free(struct source *s)
{
	free(s);
}

static const struct source_ops member_ops = { member_read, member_free };

struct source *source_from_archive_member(struct archive *a, struct err *e)
{
	struct member_source *m = calloc(1, sizeof(*m));
	if (!m) {
		err_no_memory(e);
		return NULL;
	}
	m->base.ops = &member_ops;
	m->archive = a;
	return &m->base;
}

int archive_err(struct archive *a, struct err *e)
{
	int number = archive_errno(a);
	const char *text = archive_error_string(a);

	if (number >= KIND_BASE && number < KIND_BASE + ERR_KIND_COUNT)
		return err_set(e, (enum err_kind)(number - KIND_BASE), "%s", text ? text : "archive error");
	if (number == ENOMEM)
		return err_no_memory(e);
	return err_set(e, ERR_CORRUPT, "%s", text ? text : "not a readable archive");
}
