#include "package/tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "package/capture.h"
#include "package/format.h"
#include "package/member.h"
#include "package/tree_paths.h"
#include "package/tree_rules.h"
#include "stream/archive_stream.h"
#include "stream/source.h"

struct tree {
	struct archive *archive;
	struct archive_entry *entry;
	const struct tree_rules *rules;
	struct capture_writer *captures; /* NULL: none wanted */
	struct tree_paths paths;
	const struct tree_path *last_dir; /* where the last member lies: the next one mostly lies there too */
	struct tree_counts counts;
};

static void tree_release(struct tree *t)
{
	tree_paths_release(&t->paths);
	archive_entry_free(t->entry);
	if (t->archive)
		archive_write_free(t->archive);
}

static int tree_init(struct tree *t, const struct tree_rules *rules, struct sink *out, struct err *e)
{
	*t = (struct tree){ .archive = archive_write_new(), .entry = archive_entry_new(), .rules = rules };
	if (!t->archive || !t->entry)
		return err_no_memory(e);
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK)
		return archive_err(t->archive, e);
	return archive_write_open_sink(t->archive, out, e);
}

static int write_header(struct tree *t, const struct member *m, const char *path, enum member_kind kind, uint64_t size,
			struct err *e)
{
	static const mode_t types[] = {
		[MEMBER_FILE] = AE_IFREG, [MEMBER_DIRECTORY] = AE_IFDIR, [MEMBER_SYMLINK] = AE_IFLNK, [MEMBER_HARDLINK] = AE_IFREG
	};
	mode_t mode = kind == MEMBER_SYMLINK ? 0777 : kind == MEMBER_DIRECTORY || m->executable ? 0755 : 0644;

	archive_entry_clear(t->entry);
	archive_entry_set_pathname(t->entry, path);
	archive_entry_set_filetype(t->entry, types[kind]);
	archive_entry_set_perm(t->entry, mode);
	archive_entry_set_mtime(t->entry, m->mtime, 0);
	archive_entry_set_size(t->entry, (la_int64_t)size);
	if (kind == MEMBER_SYMLINK)
		archive_entry_set_symlink(t->entry, m->target);
	if (kind == MEMBER_HARDLINK)
		archive_entry_set_hardlink(t->entry, m->target);
	if (archive_write_header(t->archive, t->entry) != ARCHIVE_OK)
		return archive_err(t->archive, e);
	t->counts.members_out++;
	t->counts.bytes_out += size;
	return 0;
}

/* Sees to it that the directories above a member are there, and really are directories. */
static int write_parents(struct tree *t, const struct member *m, struct err *e)
{
	const char *slash = strrchr(m->path, '/');
	char path[MEMBER_PATH_MAX];

	if (!slash)
		return 0;
	size_t len = (size_t)(slash - m->path);
	if (t->last_dir && t->last_dir->hh.keylen == len && memcmp(t->last_dir->path, m->path, len) == 0)
		return 0;
	memcpy(path, m->path, len);
	path[len] = '\0';
	for (char *p = path;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		*p = '\0';
		struct tree_path *node = tree_paths_find(&t->paths, path, (size_t)(p - path));
		if (node && node->kind != MEMBER_DIRECTORY)
			return err_set(e, ERR_HOSTILE, "'%.200s' lies below '%.200s', which is no directory", m->path, path);
		if (!node && write_header(t, m, path, MEMBER_DIRECTORY, 0, e) < 0)
			return -1;
		if (!node && !(node = tree_paths_add(&t->paths, path, (size_t)(p - path), MEMBER_DIRECTORY)))
			return err_no_memory(e);
		t->last_dir = node;
		*p = kept;
		if (!kept)
			return 0;
	}
}

static int check_hardlink(const struct tree *t, const struct member *m, struct err *e)
{
	const struct tree_path *target = tree_paths_find(&t->paths, m->target, strlen(m->target));

	if (!target && tree_rules_drop(t->rules, m->target))
		return err_set(e, ERR_INPUT, "the tree rules keep the hard link '%.200s' but drop '%.200s'", m->path, m->target);
	if (!target || target->kind != MEMBER_FILE)
		return err_set(e, ERR_HOSTILE, "hard link '%.200s' to '%.200s', which is no file written before", m->path,
			       m->target);
	return 0;
}

static int write_data(struct tree *t, const void *bytes, size_t len, struct err *e)
{
	la_ssize_t n = archive_write_data(t->archive, bytes, len);
	if (n < 0)
		return archive_err(t->archive, e);
	return (size_t)n == len ? 0 : err_set(e, ERR_SYSTEM, "libarchive wrote %zd of %zu bytes", (ssize_t)n, len);
}

/* A file that is held in memory: to be rewritten, or because it was captured already (captured: its bytes). */
static int write_held(struct tree *t, struct member_reader *r, const struct member *m, struct buf *bytes, bool captured,
		      bool rewrites, struct err *e)
{
	if ((!captured && member_read(r, bytes, e) < 0) || (rewrites && tree_rules_rewrite(t->rules, m->path, bytes, e) < 0) ||
	    write_header(t, m, m->path, MEMBER_FILE, bytes->len, e) < 0)
		return -1;
	return bytes->len ? write_data(t, bytes->data, bytes->len, e) : 0;
}

/* 1 the file was captured, and *bytes are its; 0 it is none of those. */
static int capture_file(struct tree *t, struct member_reader *r, const struct member *m, struct buf *bytes, struct err *e)
{
	if (!t->captures || m->kind != MEMBER_FILE)
		return 0;
	enum capture which = capture_of(m->path, t->rules->build_dir ? t->rules->build_dir : "");
	if (which == CAPTURE_COUNT || capture_writer_has(t->captures, which))
		return 0;
	if (m->size > CAPTURES_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "'%.200s' is larger than %d bytes", m->path, CAPTURES_BYTES_MAX);
	if (member_read(r, bytes, e) < 0 || capture_writer_add(t->captures, which, buf_text(bytes), bytes->len, e) < 0)
		return -1;
	return 1;
}

static int write_file(struct tree *t, struct member_reader *r, const struct member *m, struct buf *held, bool captured,
		      struct err *e)
{
	bool rewrites = m->size <= TREE_REWRITE_MAX && tree_rules_rewrites(t->rules, m->path);
	const void *bytes;
	size_t len;
	int rc;

	if (captured || rewrites)
		return write_held(t, r, m, held, captured, rewrites, e);
	if (write_header(t, m, m->path, MEMBER_FILE, m->size, e) < 0)
		return -1;
	while ((rc = member_data(r, &bytes, &len, e)) == 1)
		if (len && write_data(t, bytes, len, e) < 0)
			return -1;
	return rc;
}

static int write_member(struct tree *t, struct member_reader *r, const struct member *m, struct buf *held, bool captured,
			struct err *e)
{
	enum member_kind kind = m->kind == MEMBER_HARDLINK ? MEMBER_FILE : m->kind;
	size_t len = strlen(m->path);

	if (write_parents(t, m, e) < 0)
		return -1;
	struct tree_path *node = tree_paths_find(&t->paths, m->path, len);
	if (node && node->kind != kind)
		return err_set(e, ERR_HOSTILE, "'%.200s' comes again as something else", m->path);
	if (node && kind == MEMBER_DIRECTORY)
		return 0;
	if (m->kind == MEMBER_HARDLINK && check_hardlink(t, m, e) < 0)
		return -1;
	if (!node && !(node = tree_paths_add(&t->paths, m->path, len, kind)))
		return err_no_memory(e);
	if (kind == MEMBER_SYMLINK && tree_rules_fix_up(t->rules, TREE_DROP_DANGLING_LINKS))
		return tree_path_hold(node, m, e);
	return m->kind == MEMBER_FILE ? write_file(t, r, m, held, captured, e) : write_header(t, m, m->path, m->kind, 0, e);
}

static int write_package(struct tree *t, struct source *package, const struct package_format *format, unsigned threads,
			 struct member_totals *totals, struct err *e)
{
	struct member m;
	int rc;

	struct source *archive = package_open(format, package, threads, e);
	cleanup_of(member_reader) struct member_reader *r = archive ? member_reader_new(archive, totals, e) : NULL;
	if (!r)
		return -1;
	while ((rc = member_next(r, &m, e)) == 1) {
		cleanup_buf struct buf held = { 0 };
		t->counts.members_in++;
		t->counts.bytes_in += m.size;
		int captured = capture_file(t, r, &m, &held, e);
		if (captured < 0)
			return -1;
		if (!tree_rules_drop(t->rules, m.path) && write_member(t, r, &m, &held, captured, e) < 0)
			return -1;
	}
	return rc;
}

/* Only now is it known what leads somewhere. */
static int write_held_links(struct tree *t, struct err *e)
{
	struct member m = { .kind = MEMBER_SYMLINK };

	for (const struct tree_path *p = t->paths.first; p; p = p->hh.next) {
		if (!p->target || !tree_paths_leads_somewhere(&t->paths, p))
			continue;
		m.mtime = p->mtime;
		memcpy(m.target, p->target, strlen(p->target) + 1);
		if (write_header(t, &m, p->path, MEMBER_SYMLINK, 0, e) < 0)
			return -1;
	}
	return 0;
}

int tree_write(struct source *const packages[], const char *const names[], size_t count, const struct package_format *format,
	       unsigned threads, const struct tree_rules *rules, struct sink *out, struct capture_writer *captures,
	       struct tree_counts *ret, struct err *e)
{
	struct member_totals totals = { 0 };
	struct tree t;
	size_t i = 0;

	int rc = tree_init(&t, rules, out, e);
	t.captures = captures;
	for (; !rc && i < count; i++)
		if (write_package(&t, packages[i], format, threads, &totals, e) < 0)
			rc = err_wrap(e, "package '%s'", names[i]);
	for (; i < count; i++)
		source_free(packages[i]);
	if (!rc)
		rc = write_held_links(&t, e);
	if (!rc && captures)
		rc = capture_writer_finish(captures, e);
	if (!rc && archive_write_close(t.archive) != ARCHIVE_OK)
		rc = archive_err(t.archive, e);
	if (!rc)
		rc = sink_finish(out, e);
	if (!rc && ret)
		*ret = t.counts;
	tree_release(&t);
	return rc;
}
