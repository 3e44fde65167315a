#include "oci/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "oci/layer_writer.h"

DEFINE_CLEANUP(source, struct source, source_free)

void layer_release(struct layer *l)
{
	if (!l)
		return;
	free(l->path);
	free(l->media_type);
	free(l->created_by);
	*l = (struct layer){ 0 };
}

int layer_copy(const struct layer *from, struct layer *ret, struct err *e)
{
	cleanup_layer struct layer made = { .diff_id = from->diff_id, .digest = from->digest, .size = from->size };

	if (!(made.path = str_dup(from->path, e)) || !(made.media_type = str_dup(from->media_type, e)))
		return -1;
	if (from->created_by && !(made.created_by = str_dup(from->created_by, e)))
		return -1;
	*ret = made;
	made = (struct layer){ 0 };
	return 0;
}

/* One of source_path, fd and bytes is set for a file; target for a symlink. */
struct member {
	char *path;
	mode_t type, mode;
	bool implied; /* a directory that nobody added by name */
	size_t order; /* of adding: qsort is not stable */
	char *source_path, *target, *bytes;
	size_t len; /* of bytes */
	int fd;
};

struct layer_builder {
	struct member *members;
	size_t count, room, added;
};

static void member_release(struct member *m)
{
	free(m->path);
	free(m->source_path);
	free(m->target);
	free(m->bytes);
	if (m->fd >= 0)
		close(m->fd);
	*m = (struct member){ .fd = -1 };
}

struct layer_builder *layer_builder_new(struct err *e)
{
	struct layer_builder *b = calloc(1, sizeof(*b));
	if (!b)
		err_no_memory(e);
	return b;
}

void layer_builder_free(struct layer_builder *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		member_release(&b->members[i]);
	free(b->members);
	free(b);
}

/* Appends m, whose path is still to be set to the first path_len bytes of path. Takes m over, also on failure. */
static int append_member(struct layer_builder *b, const char *path, size_t path_len, struct member m, struct err *e)
{
	m.path = strndup(path, path_len);
	if (b->count == b->room && m.path) {
		size_t room = b->room ? b->room * 2 : 32;
		struct member *grown = reallocarray(b->members, room, sizeof(*grown));
		if (grown) {
			b->members = grown;
			b->room = room;
		}
	}
	if (!m.path || b->count == b->room) {
		member_release(&m);
		return err_no_memory(e);
	}
	m.order = b->added++;
	b->members[b->count++] = m;
	return 0;
}

/* Files come directory by directory, so comparing with the one before spares nearly all doubles. */
static int add_parents(struct layer_builder *b, const char *path, struct err *e)
{
	const char *last = b->count ? b->members[b->count - 1].path : "";
	cleanup_free char *before = str_dup(last, e);
	if (!before)
		return -1;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);
		if (strncmp(before, path, len + 1) == 0)
			continue;
		if (append_member(b, path, len, (struct member){ .type = AE_IFDIR, .mode = 0755, .implied = true, .fd = -1 }, e) <
		    0)
			return -1;
	}
	return 0;
}

/* Takes m over, also on failure. */
static int add_member(struct layer_builder *b, const char *path, struct member m, struct err *e)
{
	int result = -1;

	if (!path_is_plain(path))
		err_set(e, ERR_USAGE, "'%s' is not a plain relative path", path);
	else if (strlen(path) > LAYER_PATH_MAX)
		err_set(e, ERR_LIMIT, "'%.60s...' is longer than %d bytes", path, LAYER_PATH_MAX);
	else if (b->count >= LAYER_MEMBERS_MAX)
		err_set(e, ERR_LIMIT, "more than %d members in a layer", LAYER_MEMBERS_MAX);
	else
		result = add_parents(b, path, e);
	if (result < 0) {
		member_release(&m);
		return -1;
	}
	m.mode &= 07777;
	return append_member(b, path, strlen(path), m, e);
}

int layer_add_file(struct layer_builder *b, const char *path, const char *source_path, mode_t mode, struct err *e)
{
	char *copy = str_dup(source_path, e);
	if (!copy)
		return -1;
	return add_member(b, path, (struct member){ .type = AE_IFREG, .mode = mode, .source_path = copy, .fd = -1 }, e);
}

int layer_add_fd(struct layer_builder *b, const char *path, int fd, mode_t mode, struct err *e)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return err_system(e, errno, "duplicating a descriptor");
	return add_member(b, path, (struct member){ .type = AE_IFREG, .mode = mode, .fd = copy }, e);
}

int layer_add_bytes(struct layer_builder *b, const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	char *copy = malloc(len + 1);
	if (!copy)
		return err_no_memory(e);
	if (len)
		memcpy(copy, bytes, len);
	const struct member m = { .type = AE_IFREG, .mode = mode, .bytes = copy, .len = len, .fd = -1 };
	return add_member(b, path, m, e);
}

int layer_add_dir(struct layer_builder *b, const char *path, mode_t mode, struct err *e)
{
	return add_member(b, path, (struct member){ .type = AE_IFDIR, .mode = mode, .fd = -1 }, e);
}

int layer_add_symlink(struct layer_builder *b, const char *path, const char *target, struct err *e)
{
	char *copy = str_dup(target, e);
	if (!copy)
		return -1;
	return add_member(b, path, (struct member){ .type = AE_IFLNK, .mode = 0777, .target = copy, .fd = -1 }, e);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->path, y->path);
	if (order)
		return order;
	/* Among doubles the one that counts comes first: named before implied, later before earlier. */
	if (x->implied != y->implied)
		return x->implied ? 1 : -1;
	return x->order > y->order ? -1 : 1;
}

static int sort_members(struct layer_builder *b, struct err *e)
{
	size_t kept = 0;

	if (b->count > 1)
		qsort(b->members, b->count, sizeof(*b->members), compare_members);
	for (size_t i = 1; i < b->count; i++) {
		const struct member *x = &b->members[i - 1], *y = &b->members[i];
		if (strcmp(x->path, y->path) == 0 && (x->type != AE_IFDIR || y->type != AE_IFDIR))
			return err_set(e, ERR_CONFLICT, "'%s' is in the layer twice", x->path);
	}
	for (size_t i = 0; i < b->count; i++) {
		if (kept && strcmp(b->members[kept - 1].path, b->members[i].path) == 0)
			member_release(&b->members[i]);
		else
			b->members[kept++] = b->members[i];
	}
	b->count = kept;
	return 0;
}

struct pread_source {
	struct source base;
	int fd;
	off_t at;
};

static ssize_t pread_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct pread_source *p = (struct pread_source *)s;
	ssize_t n;

	do
		n = pread(p->fd, bytes, len, p->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_system(e, errno, "reading");
	p->at += n;
	return n;
}

static void pread_source_free(struct source *s)
{
	free(s);
}

static const struct source_ops pread_source_ops = { pread_source_read, pread_source_free };

/* Reads from offset 0 without moving the position, which others may share. fd is borrowed. */
static struct source *source_from_pread(int fd, struct err *e)
{
	struct pread_source *p = calloc(1, sizeof(*p));
	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->base.ops = &pread_source_ops;
	p->fd = fd;
	return &p->base;
}

static int write_file(struct layer_writer *w, const struct member *m, struct archive_entry *entry, struct err *e)
{
	struct stat st = { .st_size = (off_t)m->len, .st_mode = S_IFREG };

	cleanup_close int opened = m->source_path ? file_open(m->source_path, e) : -1;
	if (m->source_path && opened < 0)
		return -1;
	int fd = m->source_path ? opened : m->fd;
	if (!m->bytes && fstat(fd, &st) < 0)
		return err_system(e, errno, "fstat");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "not a regular file");
	cleanup_of(source) struct source *s = m->bytes ? source_from_memory(m->bytes, m->len, e) : source_from_pread(fd, e);
	if (!s)
		return -1;
	archive_entry_set_size(entry, st.st_size);
	if (layer_writer_header(w, entry, e) < 0)
		return -1;
	return layer_writer_body(w, s, (uint64_t)st.st_size, e);
}

static int write_member(struct layer_writer *w, const struct member *m, int64_t epoch, struct err *e)
{
	cleanup_of(archive_entry) struct archive_entry *entry = layer_entry_new(m->path, m->type, m->mode, epoch, e);
	if (!entry)
		return -1;
	if (m->type == AE_IFREG)
		return write_file(w, m, entry, e);
	if (m->type == AE_IFLNK)
		archive_entry_copy_symlink(entry, m->target);
	return layer_writer_header(w, entry, e);
}

static bool is_ascii(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool has_odd_names(const struct layer_builder *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (!is_ascii(b->members[i].path) || !is_ascii(b->members[i].target))
			return true;
	return false;
}

int layer_write(struct layer_builder *b, const char *dir, int64_t epoch, int level, const char *created_by, struct layer *ret,
		struct err *e)
{
	cleanup_layer_writer struct layer_writer w = { .file = { .fd = -1 } };

	if (sort_members(b, e) < 0 || layer_writer_init(&w, dir, level, has_odd_names(b), e) < 0)
		return err_wrap(e, "writing a layer");
	for (size_t i = 0; i < b->count; i++)
		if (write_member(&w, &b->members[i], epoch, e) < 0)
			return err_wrap(e, "writing a layer: '%s'", b->members[i].path);
	if (layer_writer_finish(&w, created_by, ret, e) < 0)
		return err_wrap(e, "writing a layer");
	return 0;
}
