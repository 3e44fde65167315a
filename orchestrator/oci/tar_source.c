#include "oci/tar_source.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "oci/layer_writer.h"
#include "stream/archive_stream.h"

/* A list of segments, each bytes in memory or one file. */
struct segment {
	char *bytes; /* NULL: a file */
	char *path;
	uint64_t size;
};

struct tar_source {
	struct source base;
	struct segment *segments;
	size_t count, room, now;
	int fd;	       /* of segment `now`, when it is a file that has been opened */
	uint64_t done; /* bytes given of segment `now` */
};

static void tar_source_free(struct source *s)
{
	struct tar_source *a = (struct tar_source *)s;

	for (size_t i = 0; i < a->count; i++) {
		free(a->segments[i].bytes);
		free(a->segments[i].path);
	}
	free(a->segments);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

static int open_segment(struct tar_source *a, struct err *e)
{
	const struct segment *g = &a->segments[a->now];
	struct stat st;

	a->fd = file_open(g->path, e);
	if (a->fd < 0)
		return -1;
	if (fstat(a->fd, &st) < 0)
		return err_system(e, errno, "'%s'", g->path);
	if ((uint64_t)st.st_size != g->size)
		return err_set(e, ERR_CORRUPT, "'%s' has %llu bytes, expected %llu", g->path, (unsigned long long)st.st_size,
			       (unsigned long long)g->size);
	return 0;
}

static ssize_t read_segment(struct tar_source *a, void *bytes, size_t len, struct err *e)
{
	const struct segment *g = &a->segments[a->now];
	ssize_t n;

	if (len > g->size - a->done)
		len = (size_t)(g->size - a->done);
	if (g->bytes) {
		memcpy(bytes, g->bytes + a->done, len);
		return (ssize_t)len;
	}
	if (a->fd < 0 && open_segment(a, e) < 0)
		return -1;
	do
		n = read(a->fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_system(e, errno, "reading '%s'", g->path);
	if (n == 0)
		return err_set(e, ERR_CORRUPT, "'%s' became shorter while it was read", g->path);
	return n;
}

static ssize_t tar_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct tar_source *a = (struct tar_source *)s;

	for (; a->now < a->count; a->now++, a->done = 0) {
		if (a->done < a->segments[a->now].size) {
			ssize_t n = read_segment(a, bytes, len, e);
			if (n > 0)
				a->done += (uint64_t)n;
			return n;
		}
		if (a->fd >= 0)
			close(steal_fd(&a->fd));
	}
	return 0;
}

static const struct source_ops tar_source_ops = { tar_source_read, tar_source_free };

/* Takes bytes and path over, also on failure. */
static int add_segment(struct tar_source *a, char *bytes, char *path, uint64_t size, struct err *e)
{
	if (a->count == a->room) {
		size_t room = a->room ? a->room * 2 : 64;
		struct segment *grown = reallocarray(a->segments, room, sizeof(*grown));
		if (!grown) {
			free(bytes);
			free(path);
			return err_no_memory(e);
		}
		a->segments = grown;
		a->room = room;
	}
	a->segments[a->count++] = (struct segment){ bytes, path, size };
	return 0;
}

/* Adds only what libarchive writes before a member's body. */
static int add_header(struct tar_source *a, const char *path, mode_t type, uint64_t size, struct err *e)
{
	char bytes[16384];
	size_t len = 0;

	cleanup_of(archive_entry) struct archive_entry *entry = layer_entry_new(path, type, type == AE_IFDIR ? 0755 : 0644, 0, e);
	cleanup_of(archive_writer) struct archive *w = entry ? archive_write_new() : NULL;
	if (!w)
		return err_no_memory(e);
	archive_entry_set_size(entry, (la_int64_t)size);
	/* Unblocked, so that the header is there at once. */
	if (archive_write_set_format_pax_restricted(w) != ARCHIVE_OK || archive_write_set_bytes_per_block(w, 0) != ARCHIVE_OK ||
	    archive_write_open_memory(w, bytes, sizeof(bytes), &len) != ARCHIVE_OK || archive_write_header(w, entry) != ARCHIVE_OK)
		return archive_err(w, e);
	/* The body comes from elsewhere. What libarchive makes up for it when it is freed ends in `bytes`. */
	char *copy = malloc(len);
	if (!copy)
		return err_no_memory(e);
	memcpy(copy, bytes, len);
	return add_segment(a, copy, NULL, len, e);
}

static int add_zeros(struct tar_source *a, size_t len, struct err *e)
{
	char *zeros = calloc(1, len ? len : 1);
	if (!zeros)
		return err_no_memory(e);
	return add_segment(a, zeros, NULL, len, e);
}

int tar_source_add_text(struct source *tar, const char *path, const char *text, struct err *e)
{
	struct tar_source *a = (struct tar_source *)tar;
	size_t len = strlen(text);

	if (add_header(a, path, AE_IFREG, len, e) < 0)
		return -1;
	char *copy = str_dup(text, e);
	if (!copy || add_segment(a, copy, NULL, len, e) < 0)
		return -1;
	return add_zeros(a, -len % 512, e);
}

int tar_source_add_file(struct source *tar, const char *path, const char *source_path, uint64_t size, struct err *e)
{
	struct tar_source *a = (struct tar_source *)tar;

	if (add_header(a, path, AE_IFREG, size, e) < 0)
		return -1;
	char *copy = str_dup(source_path, e);
	if (!copy || add_segment(a, NULL, copy, size, e) < 0)
		return -1;
	return add_zeros(a, (size_t)(-size % 512), e);
}

int tar_source_add_dir(struct source *tar, const char *path, struct err *e)
{
	return add_header((struct tar_source *)tar, path, AE_IFDIR, 0, e);
}

int tar_source_end(struct source *tar, struct err *e)
{
	return add_zeros((struct tar_source *)tar, 1024, e);
}

struct source *tar_source_new(struct err *e)
{
	struct tar_source *a = calloc(1, sizeof(*a));
	if (!a) {
		err_no_memory(e);
		return NULL;
	}
	a->base.ops = &tar_source_ops;
	a->fd = -1;
	return &a->base;
}
