#include "package/member.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "package/cpio_links.h"
#include "stream/archive_stream.h"
#include "stream/source.h"

enum { END_MARKER = 1024 }; /* two blocks of zero bytes close a tar (POSIX pax) */

/* Counts what goes by, and the zero bytes at its end: libarchive takes a tar without an end marker for whole. */
struct watched_source {
	struct source base;
	struct source *inner;
	size_t zeros;
	bool seen;
};

static ssize_t watched_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct watched_source *w = (struct watched_source *)s;
	const char *p = bytes;
	size_t zeros = 0;

	ssize_t n = source_read(w->inner, bytes, len, e);
	if (n <= 0)
		return n;
	w->seen = true;
	while (zeros < (size_t)n && zeros < END_MARKER && p[(size_t)n - zeros - 1] == '\0')
		zeros++;
	w->zeros = zeros == (size_t)n ? w->zeros + zeros : zeros;
	return n;
}

static void watched_free(struct source *s)
{
	source_free(((struct watched_source *)s)->inner);
	free(s);
}

static const struct source_ops watched_ops = { watched_read, watched_free };

struct member_reader {
	struct watched_source *watched;
	struct archive *archive;
	struct cpio_links *links;
	struct member_totals *totals;
	uint64_t left; /* of the current body */
	bool ended;
};

struct member_reader *member_reader_new(struct source *archive, struct member_totals *totals, struct err *e)
{
	struct member_reader *r = calloc(1, sizeof(*r));
	struct watched_source *w = calloc(1, sizeof(*w));

	if (!r || !w) {
		free(r);
		free(w);
		source_free(archive);
		err_no_memory(e);
		return NULL;
	}
	*w = (struct watched_source){ .base.ops = &watched_ops, .inner = archive };
	*r = (struct member_reader){ .watched = w, .archive = archive_read_new(), .links = cpio_links_new(e), .totals = totals };
	if (!r->archive)
		err_no_memory(e);
	else if (!r->links)
		; /* *e is set */
	else if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
		 archive_read_support_format_cpio(r->archive) != ARCHIVE_OK ||
		 archive_read_support_format_empty(r->archive) != ARCHIVE_OK)
		archive_err(r->archive, e);
	else if (archive_read_open_source(r->archive, &w->base, e) == 0)
		return r;
	member_reader_free(r);
	return NULL;
}

void member_reader_free(struct member_reader *r)
{
	if (!r)
		return;
	if (r->archive)
		archive_read_free(r->archive);
	cpio_links_free(r->links);
	source_free(&r->watched->base);
	free(r);
}

bool member_reader_saw_nothing(const struct member_reader *r)
{
	return !r->watched->seen;
}

/* Writes the plain form of a member's name; an empty one is the root itself. */
static int plain_path(const char *raw, char ret[MEMBER_PATH_MAX], struct err *e)
{
	size_t depth = 1;

	if (raw[0] == '/')
		return err_set(e, ERR_HOSTILE, "absolute member name '%.200s'", raw);
	while (raw[0] == '.' && raw[1] == '/')
		for (raw += 2; *raw == '/'; raw++)
			;
	size_t len = strlen(raw);
	while (len && raw[len - 1] == '/')
		len--;
	if (len == 1 && raw[0] == '.')
		len = 0;
	if (len >= MEMBER_PATH_MAX)
		return err_set(e, ERR_LIMIT, "member name of %zu bytes: '%.80s...'", len, raw);
	memcpy(ret, raw, len);
	ret[len] = '\0';
	for (size_t i = 0; i < len; i++)
		depth += ret[i] == '/';
	if (depth > MEMBER_DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "member '%.80s...' is %zu directories deep", ret, depth);
	if (len && !path_is_plain(ret))
		return err_set(e, ERR_HOSTILE, "member name '%.200s' is not a plain path", ret);
	return 0;
}

/* Appends "/part" (or "part") to a path of `len` bytes. */
static int add_part(char *path, size_t *len, const char *part, size_t part_len, struct err *e)
{
	if (*len + part_len + 2 > MEMBER_PATH_MAX)
		return err_set(e, ERR_LIMIT, "symlink target is longer than %d bytes", MEMBER_PATH_MAX - 1);
	if (*len)
		path[(*len)++] = '/';
	memcpy(path + *len, part, part_len);
	*len += part_len;
	path[*len] = '\0';
	return 0;
}

/* How many directories two paths have in common from the root; *ret_same is where they end in target (behind the slash). */
static size_t common_parts(const char *path, const char *target, size_t *ret_same)
{
	size_t parts = 0;

	*ret_same = 0;
	for (size_t i = 0; path[i]; i++) {
		if (path[i] == '/' && i && (target[i] == '/' || !target[i])) {
			parts++;
			*ret_same = target[i] ? i + 1 : i;
		}
		if (path[i] != target[i])
			break;
	}
	return parts;
}

/* Where a link at `path` points, as a plain path from the root of the tree ("" is the root). */
static int resolve_target(const char *path, const char *raw, char ret[MEMBER_PATH_MAX], struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = raw[0] == '/' || !slash ? 0 : (size_t)(slash - path);

	memcpy(ret, path, len);
	ret[len] = '\0';
	for (const char *p = raw; *p;) {
		size_t n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			if (len == 0)
				return err_set(e, ERR_HOSTILE, "symlink '%.200s' to '%.200s' leaves the tree", path, raw);
			while (len && ret[--len] != '/')
				;
			ret[len] = '\0';
		} else if (n && !(n == 1 && p[0] == '.') && add_part(ret, &len, p, n, e) < 0) {
			return -1;
		}
		p += n + strspn(p + n, "/");
	}
	if (len && !path_is_plain(ret))
		return err_set(e, ERR_HOSTILE, "symlink '%.200s' has a target that is not a plain path", path);
	return 0;
}

/* All "../" stand in front, where they climb out of real directories: behind a name they could climb out of wherever that
 * name leads. */
static int relative_target(const char *path, const char *raw, char ret[MEMBER_PATH_MAX], struct err *e)
{
	char target[MEMBER_PATH_MAX];
	size_t len = 0, same, depth = 0;

	if (!*raw)
		return err_set(e, ERR_CORRUPT, "symlink '%.200s' without a target", path);
	if (resolve_target(path, raw, target, e) < 0)
		return -1;
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	size_t ups = depth - common_parts(path, target, &same);
	ret[0] = '\0';
	for (size_t i = 0; i < ups; i++)
		if (add_part(ret, &len, "..", 2, e) < 0)
			return -1;
	if (target[same] && add_part(ret, &len, target + same, strlen(target + same), e) < 0)
		return -1;
	return len ? 0 : add_part(ret, &len, ".", 1, e);
}

static int take_kind(struct archive_entry *entry, bool is_cpio, struct member *m, struct err *e)
{
	const char *hardlink = archive_entry_hardlink(entry);
	const char *symlink = archive_entry_symlink(entry);

	if (hardlink) {
		m->kind = MEMBER_HARDLINK;
		if (plain_path(hardlink, m->target, e) < 0)
			return err_wrap(e, "hard link '%.200s'", m->path);
		m->size = is_cpio && archive_entry_size(entry) > 0 ? (uint64_t)archive_entry_size(entry) : 0;
		return 0;
	}
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		m->kind = MEMBER_FILE;
		m->size = archive_entry_size(entry) > 0 ? (uint64_t)archive_entry_size(entry) : 0;
		if (archive_entry_sparse_count(entry) > 0)
			return err_set(e, ERR_CORRUPT, "sparse file '%.200s'", m->path);
		return 0;
	case AE_IFDIR:
		m->kind = MEMBER_DIRECTORY;
		return 0;
	case AE_IFLNK:
		m->kind = MEMBER_SYMLINK;
		return relative_target(m->path, symlink ? symlink : "", m->target, e);
	default:
		return err_set(e, ERR_HOSTILE, "'%.200s' is a device, FIFO or socket", m->path);
	}
}

static bool is_cpio(const struct member_reader *r)
{
	return (archive_format(r->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_CPIO;
}

static int take_member(struct member_reader *r, struct archive_entry *entry, struct member *m, struct err *e)
{
	const char *raw = archive_entry_pathname(entry);
	int64_t mtime = archive_entry_mtime(entry);

	if (!raw)
		return err_set(e, ERR_CORRUPT, "member whose name is not readable");
	m->size = 0;
	m->target[0] = '\0';
	m->executable = (archive_entry_mode(entry) & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
	m->mtime = mtime < 0 ? 0 : mtime > 0x1ffffffffLL ? 0x1ffffffffLL : mtime;
	if (plain_path(raw, m->path, e) < 0 || take_kind(entry, is_cpio(r), m, e) < 0)
		return -1;
	if (!m->path[0] && m->kind != MEMBER_DIRECTORY)
		return err_set(e, ERR_HOSTILE, "the root is not a directory");
	if (++r->totals->count > MEMBER_COUNT_MAX)
		return err_set(e, ERR_LIMIT, "more than %d members", MEMBER_COUNT_MAX);
	if (m->size > MEMBER_BYTES_MAX - r->totals->bytes)
		return err_set(e, ERR_LIMIT, "more than %llu bytes unpacked", (unsigned long long)MEMBER_BYTES_MAX);
	r->totals->bytes += m->size;
	r->left = m->size;
	return 0;
}

/* At the archive's end: the rest of it is padding, and the package beneath must end well too. A cpio without its last member is an
 * error of libarchive's. */
static int check_end(struct member_reader *r, struct err *e)
{
	/* What libarchive read ahead has gone through the watched source already. */
	if (source_drain(&r->watched->base, e) < 0)
		return -1;
	if (!is_cpio(r) && r->watched->zeros < END_MARKER)
		return err_set(e, ERR_CORRUPT, "the tar in it has no end, or something behind it");
	return 0;
}

/* 1 = member, 0 = one that is held back, or the root: go on. */
static int take_header(struct member_reader *r, struct archive_entry *entry, struct member *ret, struct err *e)
{
	if (take_member(r, entry, ret, e) < 0)
		return -1;
	if (!ret->path[0])
		return 0;
	bool is_file = ret->kind == MEMBER_FILE || ret->kind == MEMBER_HARDLINK;
	if (is_cpio(r) && is_file && (ret->kind == MEMBER_HARDLINK || archive_entry_nlink(entry) > 1)) {
		char first[MEMBER_PATH_MAX];
		memcpy(first, ret->kind == MEMBER_HARDLINK ? ret->target : ret->path, sizeof(first));
		return cpio_links_take(r->links, first, ret, e);
	}
	return 1;
}

int member_next(struct member_reader *r, struct member *ret, struct err *e)
{
	struct archive_entry *entry;

	for (;;) {
		int rc = cpio_links_next(r->links, ret, e);
		if (rc != 0 || r->ended)
			return rc;
		rc = archive_read_next_header(r->archive, &entry);
		if (rc == ARCHIVE_OK) {
			rc = take_header(r, entry, ret, e);
			if (rc != 0)
				return rc;
			continue;
		}
		if (rc != ARCHIVE_EOF)
			return archive_err(r->archive, e);
		if (check_end(r, e) < 0)
			return -1;
		r->ended = true;
		cpio_links_end(r->links);
	}
}

int member_data(struct member_reader *r, const void **ret_bytes, size_t *ret_len, struct err *e)
{
	la_int64_t offset;

	if (r->left == 0 && r->ended)
		return 0;
	int rc = archive_read_data_block(r->archive, ret_bytes, ret_len, &offset);
	if (rc == ARCHIVE_EOF && r->left == 0)
		return 0;
	if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF)
		return archive_err(r->archive, e);
	if (rc == ARCHIVE_EOF || *ret_len > r->left)
		return err_set(e, ERR_CORRUPT, "a file is not as long as its header says");
	r->left -= *ret_len;
	return 1;
}

int member_read(struct member_reader *r, struct buf *b, struct err *e)
{
	const void *bytes;
	size_t len;
	int rc;

	while ((rc = member_data(r, &bytes, &len, e)) == 1)
		if (buf_append(b, bytes, len, e) < 0)
			return -1;
	return rc;
}
