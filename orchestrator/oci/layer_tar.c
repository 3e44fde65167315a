#include "oci/layer.h"

#include <fnmatch.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "oci/layer_writer.h"
#include "oci/tar_reader.h"

/* One rewriting under way. */
struct rewrite {
	const struct layer_rules *rules;
	struct layer_writer *writer;
	int64_t epoch;
	struct strv files; /* regular files written: what a hard link may name */
};

static bool matches(const char *const *patterns, const char *path)
{
	for (; patterns && *patterns; patterns++)
		if (fnmatch(*patterns, path, 0) == 0)
			return true;
	return false;
}

static bool is_dropped(const struct layer_rules *rules, char *path)
{
	if (!rules || matches(rules->keep, path))
		return false;
	if (matches(rules->drop, path))
		return true;
	/* Also what lies below a dropped directory. */
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		bool dropped = matches(rules->drop, path);
		*slash = '/';
		if (dropped)
			return true;
	}
	return false;
}

/* Everything belongs to root in a layer, so set-user-ID and set-group-ID would only ever mean root. */
static struct archive_entry *entry_like(const struct rewrite *r, const char *path, mode_t type, struct archive_entry *from,
					struct err *e)
{
	int64_t mtime = archive_entry_mtime(from);
	return layer_entry_new(path, type, archive_entry_perm(from) & 01777, mtime < r->epoch ? mtime : r->epoch, e);
}

static int write_hardlink(struct rewrite *r, const char *path, struct archive_entry *from, struct err *e)
{
	cleanup_free char *target = tar_path(archive_entry_hardlink(from), e);
	if (!target)
		return -1;
	if (!strv_has(&r->files, target))
		return err_set(e, ERR_HOSTILE, "'%s' is a hard link to '%s', which is not in the layer", path, target);
	cleanup_of(archive_entry) struct archive_entry *to = entry_like(r, path, 0, from, e);
	if (!to)
		return -1;
	archive_entry_copy_hardlink(to, target);
	return layer_writer_header(r->writer, to, e);
}

static int write_other(struct rewrite *r, const char *path, struct tar_reader *tar, struct archive_entry *from, struct err *e)
{
	mode_t type = archive_entry_filetype(from);
	int64_t size = 0;

	cleanup_of(archive_entry) struct archive_entry *to = entry_like(r, path, type, from, e);
	if (!to)
		return -1;
	if (type == AE_IFLNK)
		archive_entry_copy_symlink(to, archive_entry_symlink(from));
	bool has_body = type == AE_IFREG && !(r->rules && matches(r->rules->empty, path));
	if (has_body)
		size = archive_entry_size(from);
	archive_entry_set_size(to, size);
	if (layer_writer_header(r->writer, to, e) < 0)
		return -1;
	if (type == AE_IFREG && strv_add(&r->files, path, e) < 0)
		return -1;
	if (!has_body)
		return 0;
	struct source *body = tar_reader_body(tar, e);
	return body ? layer_writer_body(r->writer, body, (uint64_t)size, e) : -1;
}

static int rewrite_member(struct rewrite *r, struct tar_reader *tar, struct archive_entry *from, char *path, struct err *e)
{
	mode_t type = archive_entry_filetype(from);
	bool is_link = archive_entry_hardlink(from) != NULL;

	/* The root has no name in a layer; devices and the like are the engine's to make. */
	if (!*path || (!is_link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) || is_dropped(r->rules, path))
		return 0;
	if (is_link)
		return write_hardlink(r, path, from, e);
	return write_other(r, path, tar, from, e);
}

static int rewrite_all(struct rewrite *r, struct source *s, struct err *e)
{
	struct archive_entry *entry;
	char *path;
	int got;

	cleanup_of(tar_reader) struct tar_reader *tar = tar_reader_open(s, e);
	if (!tar)
		return -1;
	while ((got = tar_reader_next(tar, LAYER_MEMBERS_MAX, &entry, &path, e)) > 0)
		if (rewrite_member(r, tar, entry, path, e) < 0)
			return err_wrap(e, "'%s'", path);
	return got;
}

int layer_from_tar(struct source *tar, const struct layer_rules *rules, const char *dir, int64_t epoch, int level,
		   const char *created_by, struct layer *ret, struct err *e)
{
	cleanup_layer_writer struct layer_writer w = { .file = { .fd = -1 } };
	struct rewrite r = { .rules = rules, .writer = &w, .epoch = epoch };

	if (layer_writer_init(&w, dir, level, true, e) < 0)
		return err_wrap(e, "writing a layer");
	int result = rewrite_all(&r, tar, e);
	strv_release(&r.files);
	if (result < 0)
		return err_wrap(e, "reading a root file system");
	if (layer_writer_finish(&w, created_by, ret, e) < 0)
		return err_wrap(e, "writing a layer");
	return 0;
}
