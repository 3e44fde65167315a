#include "fetch/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

enum { NOTE_MAX = 16384 };
#define PRIVATE_SUFFIX ".XXXXXX"

static char *note_path(const struct partial *p, struct err *e)
{
	return str_printf(e, "%s.from", p->path);
}

static void forget_note(struct partial *p)
{
	free(p->url);
	free(p->validator);
	p->url = p->validator = NULL;
}

/* A note that can't be read is no error: the bytes then count as of unknown origin. */
static int read_note(struct partial *p, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *path = note_path(p, e);
	struct err ignored;

	if (!path)
		return -1;
	if (file_read(path, NOTE_MAX, &text, &ignored) < 0 || !text.len || text.data[text.len - 1] != '\n')
		return 0;
	char *validator = strchr(text.data, '\n');
	*validator++ = '\0';
	char *end = strchr(validator, '\n');
	if (!end)
		return 0;
	*end = '\0';
	p->url = str_dup(text.data, e);
	if (!p->url)
		return -1;
	if (*validator && !(p->validator = str_dup(validator, e)))
		return -1;
	return 0;
}

/* A file system without locks: a file that nobody else knows. */
static int open_private(struct partial *p, struct err *e)
{
	char *path = str_printf(e, "%s" PRIVATE_SUFFIX, p->path);
	if (!path)
		return -1;
	if (p->fd >= 0)
		close(p->fd);
	p->fd = mkostemp(path, O_CLOEXEC);
	if (p->fd < 0) {
		int errnum = errno;
		free(path);
		return err_system(e, errnum, "creating '%s'", p->path);
	}
	free(p->path);
	p->path = path;
	p->private = true;
	return 0;
}

/* 1 opened and locked, 0 somebody renamed or removed the file between open and lock, -1. */
static int open_locked(struct partial *p, struct err *e)
{
	struct stat ours, theirs;

	p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (p->fd < 0)
		return err_system(e, errno, "opening '%s'", p->path);
	if (flock(p->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_CONFLICT, "'%s' is being written by another process", p->path);
		return open_private(p, e) < 0 ? -1 : 1;
	}
	if (fstat(p->fd, &ours) < 0)
		return err_system(e, errno, "'%s'", p->path);
	if (stat(p->path, &theirs) < 0 || ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev) {
		close(steal_fd(&p->fd));
		return 0;
	}
	p->size = (uint64_t)ours.st_size;
	return 1;
}

static void close_all(struct partial *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
	forget_note(p);
	*p = (struct partial){ .fd = -1 };
}

static void remove_note(struct partial *p)
{
	struct err ignored;
	cleanup_free char *path = note_path(p, &ignored);

	if (path && !p->private)
		unlink(path);
}

int partial_open(struct partial *p, const char *path, struct err *e)
{
	struct partial made = { .fd = -1 };
	int opened = 0;

	made.path = str_dup(path, e);
	if (!made.path)
		return -1;
	while (opened == 0)
		opened = open_locked(&made, e);
	if (opened < 0 || (made.size && read_note(&made, e) < 0)) {
		close_all(&made);
		return -1;
	}
	/* A note without bytes is a leftover; it must not be taken for the bytes to come. */
	if (!made.size)
		remove_note(&made);
	*p = made;
	return 0;
}

int partial_note(struct partial *p, const char *url, const char *validator, struct err *e)
{
	cleanup_free char *path = note_path(p, e);
	cleanup_buf struct buf text = { 0 };
	char *new_url = str_dup(url, e), *new_validator = validator ? str_dup(validator, e) : NULL;

	if (!path || !new_url || (validator && !new_validator)) {
		free(new_url);
		free(new_validator);
		return -1;
	}
	forget_note(p);
	p->url = new_url;
	p->validator = new_validator;
	if (p->private)
		return 0;
	if (buf_printf(&text, e, "%s\n%s\n", url, validator ? validator : "") < 0)
		return -1;
	/* Not fsync'd: a note that a power cut loses only costs the continuation. */
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_system(e, errno, "creating '%s'", path);
	if (fd_write_all(fd, text.data, text.len, e) < 0)
		return err_wrap(e, "'%s'", path);
	if (close(steal_fd(&fd)) < 0)
		return err_system(e, errno, "writing '%s'", path);
	return 0;
}

int partial_restart(struct partial *p, struct err *e)
{
	struct partial fresh = { .fd = -1 };
	cleanup_free char *path = str_dup(p->path, e);

	if (!path)
		return -1;
	if (p->size == 0) {
		forget_note(p);
		remove_note(p);
		return 0;
	}
	if (p->private)
		path[strlen(path) - strlen(PRIVATE_SUFFIX)] = '\0';
	/* The note goes first: without it old bytes are never taken for new ones. */
	remove_note(p);
	if (unlink(p->path) < 0 && errno != ENOENT)
		return err_system(e, errno, "removing '%s'", p->path);
	if (partial_open(&fresh, path, e) < 0)
		return -1;
	close_all(p);
	*p = fresh;
	return 0;
}

static int sync_directory_of(const char *path, struct err *e)
{
	cleanup_free char *dir = str_printf(e, "%.*s", (int)(path_base(path) - path), path);
	if (!dir)
		return -1;
	cleanup_close int fd = open(*dir ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_system(e, errno, "syncing the directory of '%s'", path);
	return 0;
}

int partial_commit(struct partial *p, const char *target, mode_t mode, struct err *e)
{
	int result = 0;

	/* The mode comes last: a crash before the rename must leave a file that the next run can write to. */
	if (fsync(p->fd) < 0)
		result = err_system(e, errno, "writing '%s'", p->path);
	else if (rename(p->path, target) < 0)
		result = err_system(e, errno, "renaming '%s' to '%s'", p->path, target);
	if (result < 0) {
		partial_release(p);
		return -1;
	}
	remove_note(p);
	if (fchmod(p->fd, mode) < 0)
		result = err_system(e, errno, "setting the mode of '%s'", target);
	else
		result = sync_directory_of(target, e);
	close_all(p);
	return result;
}

void partial_discard(struct partial *p)
{
	if (!p || p->fd < 0)
		return;
	remove_note(p);
	unlink(p->path);
	close_all(p);
}

void partial_release(struct partial *p)
{
	if (!p || p->fd < 0)
		return;
	if (p->size == 0 || p->private)
		partial_discard(p);
	else
		close_all(p);
}
