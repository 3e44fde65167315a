#include "cache/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/content.h"
#include "cache/walk.h"

enum { DEAD_AFTER_S = 24 * 3600 }; /* where there are no locks */

#define LOCK_NAME "lock"

int incoming_file(const char *path, struct err *e)
{
	struct stat st;
	cleanup_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "'%s' is not there", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_system(e, errno, "opening '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_HOSTILE, "'%s' is no regular file", path);
	return steal_fd(&fd);
}

int incoming_accept(struct cache *c, const char *path, const char *name, const struct digest *digest, const uint64_t *size,
		    uint64_t *ret_size, struct err *e)
{
	struct digest found;
	cleanup_close int fd = incoming_file(path, e);
	cleanup_free char *target = cache_content_path(c, digest, e);

	if (fd < 0 || !target)
		return -1;
	if (content_verify(fd, digest, size, &found, ret_size, e) < 0) {
		if (e->kind == ERR_CORRUPT)
			cache_set_aside(c, path, name, &found, e);
		return -1;
	}
	if (content_make_parent(target, e) < 0)
		return -1;
	if (fchmod(fd, 0444) < 0 || fsync(fd) < 0)
		return err_system(e, errno, "storing '%s'", name);
	if (rename(path, target) < 0)
		return err_system(e, errno, "renaming '%s' to '%s'", path, target);
	cleanup_free char *dir = str_printf(e, "%.*s", (int)(path_base(target) - 1 - target), target);
	return dir ? content_sync_dir(dir, e) : -1;
}

/* --- what dead runs have left --- */

static int salvage_file(void *context, const char *path, struct err *e)
{
	struct cache *c = context;
	struct digest digest, found;
	struct err why;

	(void)e;
	cleanup_close int fd = cache_content_digest(path, &digest) ? incoming_file(path, &why) : -1;
	/* Looked at first: what is cut short was not wrong, only not finished. */
	if (fd < 0 || digest_of_fd(fd, &found, NULL, &why) < 0 || !digest_equal(&found, &digest))
		return 0;
	if (incoming_accept(c, path, path_base(path), &digest, NULL, NULL, &why) < 0)
		log_printf(c->log, LOG_DEBUG, "incoming: %s", why.message);
	return 0;
}

/* Its lock, or -1: it belongs to somebody. */
static int lock_dead(const char *dir)
{
	struct err why;
	struct stat st;
	cleanup_free char *lock = path_join(dir, LOCK_NAME, &why);

	int fd = lock ? file_lock(lock, false, &why) : -1;
	if (fd >= 0 || !lock || why.kind == ERR_CONFLICT)
		return fd;
	if (stat(dir, &st) < 0 || time(NULL) - st.st_mtime < DEAD_AFTER_S)
		return -1;
	return open(lock, O_RDONLY | O_CLOEXEC);
}

void incoming_salvage(struct cache *c)
{
	cleanup_strv struct strv names = { 0 };
	struct err why;

	if (walk_names(c->incoming, &names, &why) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		cleanup_free char *dir = path_join(c->incoming, names.items[i], &why);
		cleanup_free char *contents = dir ? path_join(dir, "sha256", &why) : NULL;
		cleanup_close int lock = contents ? lock_dead(dir) : -1;
		if (lock < 0)
			continue;
		if (walk_files(contents, salvage_file, c, &why) < 0 || path_remove(dir, &why) < 0)
			log_printf(c->log, LOG_DEBUG, "incoming: %s", why.message);
	}
}

/* 1 made and locked, 0 a sweeper was quicker than our lock. */
static int make_one(struct cache *c, struct incoming *ret, struct err *e)
{
	struct stat ours, there;
	uint32_t number = 0;
	struct err why;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return err_system(e, errno, "getrandom");
	cleanup_free char *dir = str_printf(e, "%s/%08x", c->incoming, number);
	cleanup_free char *lock = dir ? path_join(dir, LOCK_NAME, e) : NULL;
	if (!lock || path_make_dirs(dir, e) < 0)
		return -1;
	cleanup_close int fd = file_lock(lock, true, &why);
	if (fd < 0)
		log_printf(c->log, LOG_DEBUG, "incoming: %s", why.message);
	else if (fstat(fd, &ours) < 0 || stat(lock, &there) < 0 || ours.st_ino != there.st_ino)
		return 0;
	ret->lock = steal_fd(&fd);
	ret->dir = steal_ptr(&dir);
	return 1;
}

int incoming_open(struct cache *c, struct incoming *ret, struct err *e)
{
	enum { ATTEMPTS = 20 };
	int made = 0;

	for (int i = 0; i < ATTEMPTS && made == 0; i++)
		made = make_one(c, ret, e);
	if (made == 0)
		return err_set(e, ERR_CONFLICT, "'%s': somebody removes what is made there", c->incoming);
	return made < 0 ? -1 : 0;
}

void incoming_close(struct incoming *in)
{
	struct err ignored;

	/* What can't be removed now is for the next run. */
	if (in->dir)
		(void)!path_remove(in->dir, &ignored);
	if (in->lock >= 0)
		close(in->lock);
	free(in->dir);
	*in = (struct incoming){ .lock = -1 };
}
