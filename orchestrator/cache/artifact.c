#include "cache/artifact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/content.h"

enum { META_MAX = 1 << 20, DRAFT_AGE_MAX_S = 24 * 3600 };

#define OBJECT_NAME "object.gz"
#define META_NAME   "meta.json"

struct artifact_store {
	char *root, *drafts, *bad; /* root: dir/artifacts */
	struct log *log;
};

struct artifact_draft {
	struct artifact_store *store; /* borrowed */
	struct digest key;
	char *dir, *object;
	int fd;
	bool replace;
};

static void json_release(json_t *j)
{
	json_decref(j);
}

DEFINE_CLEANUP(json, json_t, json_release)

static void dir_close(DIR *d)
{
	closedir(d);
}

DEFINE_CLEANUP(dir, DIR, dir_close)

/* Drafts of processes that died. A draft of one that lives is never that old. */
static int sweep_drafts(struct artifact_store *s, struct err *e)
{
	cleanup_of(dir) DIR *d = opendir(s->drafts);
	struct dirent *entry;
	struct stat st;

	if (!d)
		return err_system(e, errno, "reading directory '%s'", s->drafts);
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || time(NULL) - st.st_mtime < DRAFT_AGE_MAX_S)
			continue;
		cleanup_free char *path = path_join(s->drafts, entry->d_name, e);
		if (!path || path_remove(path, e) < 0)
			return -1;
	}
	return 0;
}

int artifact_store_open(const char *dir, struct log *log, struct artifact_store **ret, struct err *e)
{
	cleanup_of(artifact_store) struct artifact_store *s = calloc(1, sizeof(*s));

	if (!s)
		return err_no_memory(e);
	s->log = log;
	s->root = path_join(dir, "artifacts", e);
	if (!s->root)
		return -1;
	s->drafts = path_join(s->root, "tmp", e);
	s->bad = path_join(s->root, "bad", e);
	if (!s->drafts || !s->bad)
		return -1;
	if (path_make_dirs(s->drafts, e) < 0 || sweep_drafts(s, e) < 0)
		return err_wrap(e, "artifact store");
	*ret = steal_ptr(&s);
	return 0;
}

void artifact_store_close(struct artifact_store *s)
{
	if (!s)
		return;
	free(s->root);
	free(s->drafts);
	free(s->bad);
	free(s);
}

void artifact_release(struct artifact *a)
{
	if (a->fd >= 0)
		close(a->fd);
	free(a->path);
	free(a->meta);
	*a = (struct artifact){ .fd = -1 };
}

/* --- reading --- */

static int read_meta(const char *path, struct artifact *a, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	json_error_t why;
	const char *sha256;
	json_int_t size;
	json_t *meta;

	if (file_read(path, META_MAX, &text, e) < 0)
		return -1;
	cleanup_of(json) json_t *root = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &why);
	if (!root || json_unpack_ex(root, &why, 0, "{s:o, s:s, s:I}", "meta", &meta, "sha256", &sha256, "size", &size) < 0 ||
	    size <= 0)
		return err_set(e, ERR_CORRUPT, "'%s' is not what it should be: %s", path, root ? why.text : "no JSON");
	if (digest_parse(sha256, &a->digest, e) < 0) {
		e->kind = ERR_CORRUPT;
		return err_wrap(e, "'%s'", path);
	}
	a->size = (uint64_t)size;
	a->meta = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS);
	return a->meta ? 0 : err_no_memory(e);
}

/* Reads and checks what lies in the key's directory. ERR_CORRUPT and ERR_NOT_FOUND (a part is missing): not to be used. *found:
 * what the object is, where it was hashed. */
static int read_artifact(const char *dir, bool hash, struct artifact *a, struct digest *found, struct err *e)
{
	cleanup_free char *meta = path_join(dir, META_NAME, e);
	struct stat st;

	a->path = path_join(dir, OBJECT_NAME, e);
	if (!meta || !a->path || read_meta(meta, a, e) < 0)
		return -1;
	a->fd = file_open(a->path, e);
	if (a->fd < 0)
		return -1;
	if (fstat(a->fd, &st) < 0)
		return err_system(e, errno, "'%s'", a->path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != a->size)
		return err_set(e, ERR_CORRUPT, "its size is %lld bytes, expected %llu", (long long)st.st_size,
			       (unsigned long long)a->size);
	return hash ? content_verify(a->fd, &a->digest, &a->size, found, NULL, e) : 0;
}

static int get(struct artifact_store *s, const struct digest *key, bool open_it, struct artifact *ret, struct err *e)
{
	cleanup_artifact struct artifact a = { .fd = -1 };
	struct digest found = { 0 };
	char hex[DIGEST_HEX + 1];
	struct err why;

	cleanup_free char *dir = content_path(s->root, key, "", e);
	if (!dir)
		return -1;
	int there = path_exists(dir, e);
	if (there <= 0)
		return there;
	if (read_artifact(dir, open_it, &a, &found, &why) < 0) {
		if (why.kind != ERR_CORRUPT && why.kind != ERR_NOT_FOUND && why.kind != ERR_LIMIT)
			return *e = why, -1;
		digest_hex(key, hex);
		err_wrap(&why, "artifact %s is damaged and counts as missing", hex);
		log_printf(s->log, LOG_WARNING, "%s: set aside in %s", why.message, s->bad);
		return content_set_aside(dir, s->bad, hex, &found, why.message, e);
	}
	if (!open_it)
		close(steal_fd(&a.fd));
	*ret = a;
	a = (struct artifact){ .fd = -1 };
	return 1;
}

int artifact_lookup(struct artifact_store *s, const struct digest *key, struct artifact *ret, struct err *e)
{
	return get(s, key, false, ret, e);
}

int artifact_open(struct artifact_store *s, const struct digest *key, struct artifact *ret, struct err *e)
{
	return get(s, key, true, ret, e);
}

/* --- writing --- */

int artifact_draft_new(struct artifact_store *s, const struct digest *key, struct artifact_draft **ret, struct err *e)
{
	cleanup_of(artifact_draft) struct artifact_draft *d = calloc(1, sizeof(*d));

	if (!d)
		return err_no_memory(e);
	d->store = s;
	d->key = *key;
	d->fd = -1;
	cleanup_free char *dir = str_printf(e, "%s/XXXXXX", s->drafts);
	if (!dir || path_make_dirs(s->drafts, e) < 0)
		return -1;
	if (!mkdtemp(dir))
		return err_system(e, errno, "creating a directory in '%s'", s->drafts);
	d->dir = steal_ptr(&dir);
	d->object = path_join(d->dir, OBJECT_NAME, e);
	if (!d->object)
		return -1;
	d->fd = open(d->object, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (d->fd < 0)
		return err_system(e, errno, "creating '%s'", d->object);
	*ret = steal_ptr(&d);
	return 0;
}

int artifact_draft_fd(const struct artifact_draft *d)
{
	return d->fd;
}

void artifact_draft_replace(struct artifact_draft *d)
{
	d->replace = true;
}

void artifact_draft_free(struct artifact_draft *d)
{
	struct err ignored;

	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	if (d->dir && path_remove(d->dir, &ignored) < 0)
		log_printf(d->store->log, LOG_DEBUG, "%s", ignored.message);
	free(d->dir);
	free(d->object);
	free(d);
}

static int write_meta(const struct artifact_draft *d, const char *meta, const struct digest *digest, uint64_t size, struct err *e)
{
	char hex[DIGEST_HEX + 1];
	json_error_t why;

	json_t *inner = json_loads(meta, JSON_REJECT_DUPLICATES, &why);
	if (!inner)
		return err_set(e, ERR_USAGE, "an artifact's meta is no JSON: %s", why.text);
	if (!json_is_object(inner)) {
		json_decref(inner);
		return err_set(e, ERR_USAGE, "an artifact's meta is no JSON object");
	}
	digest_hex(digest, hex);
	cleanup_of(json) json_t *root = json_pack("{s:o, s:s, s:I}", "meta", inner, "sha256", hex, "size", (json_int_t)size);
	cleanup_free char *json = root ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	cleanup_free char *text = json ? str_printf(e, "%s\n", json) : NULL;
	cleanup_free char *path = path_join(d->dir, META_NAME, e);
	if (!text || !path)
		return err_no_memory(e);
	return file_replace(path, text, strlen(text), 0444, e);
}

/* The draft's directory renamed to place: 1, or 0 when something is there. */
static int rename_draft(const struct artifact_draft *d, const char *place, struct err *e)
{
	if (rename(d->dir, place) == 0)
		return 1;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return 0;
	return err_system(e, errno, "putting an artifact in place as '%s'", place);
}

/* As rename_draft; what is there goes. */
static int exchange_draft(const struct artifact_draft *d, const char *place, struct err *e)
{
	cleanup_free char *old = str_printf(e, "%s/XXXXXX", d->store->drafts);
	struct err ignored;

	if (!old)
		return -1;
	if (!mkdtemp(old))
		return err_system(e, errno, "creating a directory in '%s'", d->store->drafts);
	/* Onto the empty directory. Somebody else may have taken it away in between. */
	bool is_aside = rename(place, old) == 0;
	if (!is_aside && errno != ENOENT) {
		int errnum = errno;
		rmdir(old);
		return err_system(e, errnum, "setting the artifact '%s' aside", place);
	}
	int placed = rename_draft(d, place, e);
	if (placed < 0 && is_aside && rename(old, place) == 0)
		return -1;
	if (path_remove(old, &ignored) < 0)
		log_printf(d->store->log, LOG_DEBUG, "%s", ignored.message);
	return placed;
}

/* The directory in its place: 1, or 0 when the key has one already that stays. */
static int put_in_place(struct artifact_draft *d, struct err *e)
{
	cleanup_free char *place = content_path(d->store->root, &d->key, "", e);

	if (!place || content_make_parent(place, e) < 0)
		return -1;
	if (chmod(d->dir, 0755) < 0)
		return err_system(e, errno, "'%s'", d->dir);
	int placed = rename_draft(d, place, e);
	if (placed == 0 && d->replace)
		placed = exchange_draft(d, place, e);
	if (placed <= 0)
		return placed;
	free(d->dir);
	d->dir = NULL;
	cleanup_free char *parent = str_printf(e, "%.*s", (int)(path_base(place) - place - 1), place);
	if (!parent || content_sync_dir(parent, e) < 0)
		return -1;
	return 1;
}

int artifact_draft_commit(struct artifact_draft *d, const char *meta, struct artifact *ret, struct err *e)
{
	struct digest digest;
	uint64_t size;

	if (digest_of_fd(d->fd, &digest, &size, e) < 0)
		return -1;
	if (!size)
		return err_set(e, ERR_CHECK, "an artifact without a single byte");
	if (write_meta(d, meta, &digest, size, e) < 0)
		return -1;
	if (fchmod(d->fd, 0444) < 0 || fsync(d->fd) < 0)
		return err_system(e, errno, "writing '%s'", d->object);
	if (close(steal_fd(&d->fd)) < 0)
		return err_system(e, errno, "writing '%s'", d->object);
	if (content_sync_dir(d->dir, e) < 0)
		return -1;
	int placed = put_in_place(d, e);
	if (placed == 0) {
		/* Only a whole one stays; a damaged one is set aside by the look at it. */
		struct artifact there = { .fd = -1 };
		int got = artifact_open(d->store, &d->key, &there, e);
		artifact_release(&there);
		placed = got == 0 ? put_in_place(d, e) : got;
	}
	if (placed < 0)
		return -1;
	if (!ret)
		return 0;
	int got = artifact_lookup(d->store, &d->key, ret, e);
	return got > 0 ? 0 : got < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "an artifact vanished right after it was stored");
}
