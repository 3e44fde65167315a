#include "crawl/lists_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

static void dir_release(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Best effort. base/file.h says how the unfinished are named; who holds the lock is the only one who writes these. */
static void sweep(const char *dir, const char *list)
{
	__attribute__((cleanup(dir_release))) DIR *d = opendir(dir);
	size_t stem = strlen(list) - (str_ends(list, ".txt") ? strlen(".txt") : 0);

	for (struct dirent *entry; d && (entry = readdir(d));)
		if (entry->d_name[0] == '.' && strncmp(entry->d_name + 1, list, stem) == 0 && str_ends(entry->d_name, ".partial") &&
		    unlinkat(dirfd(d), entry->d_name, 0) < 0)
			continue;
}

int lists_lock(const char *path, struct err *e)
{
	cleanup_free char *copy = str_dup(path, e);

	if (!copy)
		return -1;
	const char *dir = dirname(copy);
	if (path_make_dirs(dir, e) < 0)
		return -1;
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_system(e, errno, "opening '%s'", dir);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_system(e, errno, "locking '%s'", dir);
	sweep(dir, path_base(path));
	return steal_fd(&fd);
}
