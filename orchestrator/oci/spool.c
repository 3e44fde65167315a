#include "oci/spool.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "oci/base_image.h"
#include "oci/tar_reader.h"

enum { LINKS_MAX = 8 };

#define BLOB_PREFIX "blobs/sha256/"

static void member_release(struct spool_member *m)
{
	free(m->path);
	free(m->target);
	blob_release(&m->blob);
}

void spool_release(struct spool *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct spool_member *m = &s->members[i];
		bool needed = !m->blob.fresh;
		for (size_t k = 0; k < s->count && !needed; k++)
			needed = s->members[k].needed && digest_equal(&s->members[k].blob.digest, &m->blob.digest);
		if (!needed)
			unlink(m->blob.path);
	}
	for (size_t i = 0; i < s->count; i++)
		member_release(&s->members[i]);
	free(s->members);
	*s = (struct spool){ 0 };
}

/* Takes m over, also on failure. */
static int append(struct spool *s, struct spool_member m, struct err *e)
{
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct spool_member *grown = reallocarray(s->members, room, sizeof(*grown));
		if (!grown) {
			if (m.blob.fresh)
				unlink(m.blob.path);
			member_release(&m);
			return err_no_memory(e);
		}
		s->members = grown;
		s->room = room;
	}
	s->members[s->count++] = m;
	return 0;
}

/* "a/b/../c" -> "a/c" for a link target, taken from the directory of the link. NULL with *e when it leaves the archive. */
static char *resolve(const char *link, const char *target, struct err *e)
{
	const char *slash = strrchr(link, '/');

	cleanup_buf struct buf out = { 0 };
	if (*target == '/' || (slash && buf_append(&out, link, (size_t)(slash - link), e) < 0)) {
		err_set(e, ERR_HOSTILE, "link '%s' leaves the archive", link);
		return NULL;
	}
	for (const char *p = target; *p;) {
		size_t part = strcspn(p, "/");
		if (part == 2 && p[0] == '.' && p[1] == '.') {
			if (!out.len) {
				err_set(e, ERR_HOSTILE, "link '%s' leaves the archive", link);
				return NULL;
			}
			char *last = strrchr(out.data, '/');
			out.len = last ? (size_t)(last - out.data) : 0;
			out.data[out.len] = '\0';
		} else if (part && !(part == 1 && *p == '.')) {
			if ((out.len && buf_puts(&out, "/", e) < 0) || buf_append(&out, p, part, e) < 0)
				return NULL;
		}
		p += part + (p[part] == '/');
	}
	return buf_steal(&out);
}

static int spool_file(struct spool *s, struct tar_reader *tar, const char *path, const char *dir, uint64_t *left, struct err *e)
{
	struct spool_member m = { 0 };
	char hex[DIGEST_HEX + 1];

	struct source *body = tar_reader_body(tar, e);
	if (!body || blob_spool(body, dir, *left, &m.blob, e) < 0)
		return -1;
	*left -= m.blob.size;
	digest_hex(&m.blob.digest, hex);
	m.path = str_dup(path, e);
	/* Appended first, so that a blob that is refused is also cleaned up. */
	if (append(s, m, e) < 0 || !m.path)
		return -1;
	if (str_starts(path, BLOB_PREFIX) && strcmp(path + strlen(BLOB_PREFIX), hex) != 0)
		return err_set(e, ERR_CORRUPT, "its bytes have the sha256 %s", hex);
	return 0;
}

static int spool_link(struct spool *s, const char *path, struct archive_entry *entry, struct err *e)
{
	struct spool_member m = { 0 };

	if (archive_entry_hardlink(entry))
		m.target = tar_path(archive_entry_hardlink(entry), e);
	else
		m.target = resolve(path, archive_entry_symlink(entry), e);
	if (!m.target)
		return -1;
	m.path = str_dup(path, e);
	return append(s, m, e) < 0 || !m.path ? -1 : 0;
}

int spool_read(struct spool *s, struct source *archive, const char *dir, uint64_t max, struct err *e)
{
	struct archive_entry *entry;
	char *path;
	int got;

	cleanup_of(tar_reader) struct tar_reader *tar = tar_reader_open(archive, e);
	if (!tar)
		return -1;
	while ((got = tar_reader_next(tar, OCI_BASE_MEMBERS_MAX, &entry, &path, e)) > 0) {
		mode_t type = archive_entry_filetype(entry);
		int result = 0;
		if (archive_entry_hardlink(entry) || type == AE_IFLNK)
			result = spool_link(s, path, entry, e);
		else if (type == AE_IFREG)
			result = spool_file(s, tar, path, dir, &max, e);
		else if (type != AE_IFDIR)
			result = err_set(e, ERR_HOSTILE, "neither file, directory nor link");
		if (result < 0)
			return err_wrap(e, "'%s'", path);
	}
	return got;
}

struct spool_member *spool_find(const struct spool *s, const char *path)
{
	for (int links = 0; links < LINKS_MAX; links++) {
		struct spool_member *found = NULL;
		/* As in any tar, the later of two members of one name counts. */
		for (size_t i = s->count; i-- && !found;)
			if (s->members[i].path && strcmp(s->members[i].path, path) == 0)
				found = &s->members[i];
		if (!found || !found->target)
			return found;
		path = found->target;
	}
	return NULL;
}

json_t *spool_json(const struct spool_member *m, struct err *e)
{
	json_error_t why;

	cleanup_buf struct buf text = { 0 };
	if (file_read(m->blob.path, OCI_BASE_JSON_MAX, &text, e) < 0) {
		err_wrap(e, "'%s'", m->path);
		return NULL;
	}
	json_t *j = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &why);
	if (!j)
		err_set(e, ERR_CORRUPT, "'%s' is no JSON: line %d: %s", m->path, why.line, why.text);
	return j;
}
