#include "crawl/scratch.h"

#include <dirent.h>
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

static const char prefix[] = "run.";

static void dir_release(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Somebody who holds it lives; what can't be opened is not ours to judge. The lock goes with the descriptor. */
static bool is_abandoned(const char *path, int *ret_fd)
{
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd >= 0 && flock(*ret_fd, LOCK_EX | LOCK_NB) == 0;
}

/* Best effort: what can't be removed now is there the next time. */
static void sweep(const char *parent)
{
	__attribute__((cleanup(dir_release))) DIR *d = opendir(parent);
	struct err ignored;

	for (struct dirent *entry; d && (entry = readdir(d));) {
		cleanup_close int fd = -1;
		cleanup_free char *path = path_join(parent, entry->d_name, &ignored);
		if (path && str_starts(entry->d_name, prefix) && is_abandoned(path, &fd) && path_remove(path, &ignored) < 0)
			continue;
	}
}

/* Whether path still is what fd is: between its making and its locking, the sweep of another run may have taken it. */
static bool is_still_there(const char *path, int fd)
{
	struct stat named, held;

	return stat(path, &named) == 0 && fstat(fd, &held) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

/* 1 made and held, 0 somebody removed it in between, -1. */
static int make_and_lock(struct scratch *s, const char *parent, struct err *e)
{
	s->path = str_printf(e, "%s/%sXXXXXX", parent, prefix);
	if (!s->path)
		return -1;
	if (!mkdtemp(s->path)) {
		free(steal_ptr(&s->path));
		return err_system(e, errno, "creating a directory in '%s'", parent);
	}
	s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return errno == ENOENT ? 0 : err_system(e, errno, "opening '%s'", s->path);
	if (flock(s->fd, LOCK_EX) < 0)
		return err_system(e, errno, "locking '%s'", s->path);
	return is_still_there(s->path, s->fd);
}

int scratch_open(struct scratch *s, const char *parent, struct err *e)
{
	*s = (struct scratch){ .fd = -1 };
	if (path_make_dirs(parent, e) < 0)
		return -1;
	sweep(parent);
	for (;;) {
		int made = make_and_lock(s, parent, e);
		if (made > 0)
			return 0;
		scratch_release(s);
		if (made < 0)
			return -1;
	}
}

void scratch_release(struct scratch *s)
{
	struct err ignored;

	if (s->path && path_remove(s->path, &ignored) < 0)
		(void)ignored;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	*s = (struct scratch){ .fd = -1 };
}
