#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

char *path_join(const char *a, const char *b, struct err *e)
{
	size_t n = strlen(a);

	if (b[0] == '/' || n == 0)
		return str_dup(b, e);
	return str_printf(e, "%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool path_is_plain(const char *path)
{
	size_t part = 0;

	for (const char *p = path;; p++) {
		if (*p && *p != '/') {
			if ((unsigned char)*p < 0x20 || *p == 0x7f)
				return false;
			part++;
			continue;
		}
		const char *start = p - part;
		if (part == 0 || (part == 1 && start[0] == '.') || (part == 2 && start[0] == '.' && start[1] == '.'))
			return false;
		if (!*p)
			return true;
		part = 0;
	}
}

int path_make_dirs(const char *path, struct err *e)
{
	cleanup_free char *copy = str_dup(path, e);
	if (!copy)
		return -1;
	if (!*copy)
		return err_system(e, ENOENT, "creating directory ''");
	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return err_system(e, errno, "creating directory '%s'", copy);
		*p = kept;
		if (!kept)
			break;
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return err_system(e, errno, "creating directory '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return err_system(e, ENOTDIR, "creating directory '%s'", path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int path_remove(const char *path, struct err *e)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return err_system(e, errno, "removing '%s'", path);
	return 0;
}

int path_exists(const char *path, struct err *e)
{
	if (access(path, F_OK) == 0)
		return 1;
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_system(e, errno, "looking for '%s'", path);
}

int file_open(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	int errnum = errno;
	err_system(e, errnum, "opening '%s'", path);
	if (errnum == ENOENT && e)
		e->kind = ERR_NOT_FOUND;
	return -1;
}

int file_read(const char *path, size_t max, struct buf *b, struct err *e)
{
	cleanup_close int fd = file_open(path, e);
	if (fd < 0)
		return -1;
	for (size_t total = 0;;) {
		if (buf_reserve(b, 16384, e) < 0)
			return -1;
		ssize_t n = read(fd, b->data + b->len, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading '%s'", path);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > max)
			return err_set(e, ERR_LIMIT, "'%s' is larger than %zu bytes", path, max);
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
}

int fd_write_all(int fd, const void *bytes, size_t len, struct err *e)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "writing");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_set_nonblocking(int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_system(e, errno, "fcntl");
	return 0;
}

int fd_pipe(int ret_fds[2], struct err *e)
{
	if (pipe2(ret_fds, O_CLOEXEC) < 0)
		return err_system(e, errno, "pipe");
	return 0;
}

/* Not mkostemp(3): it makes files of mode 0600, and what the umask would have given can't be asked without setting it for all
 * threads. */
static int open_temporary(struct newfile *f, mode_t mode, struct err *e)
{
	const char *base = path_base(f->path);

	for (int attempt = 0; attempt < 100; attempt++) {
		uint32_t number;
		if (getrandom(&number, sizeof(number), 0) != sizeof(number))
			return err_system(e, errno, "getrandom");
		free(f->temporary);
		f->temporary = str_printf(e, "%.*s.%s.%08x.partial", (int)(base - f->path), f->path, base, number);
		if (!f->temporary)
			return -1;
		f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (f->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return err_system(e, errno, "creating '%s'", f->path);
}

int newfile_open(struct newfile *f, const char *path, mode_t mode, struct err *e)
{
	struct newfile made = { .fd = -1, .path = str_dup(path, e) };

	if (!made.path || open_temporary(&made, mode, e) < 0) {
		newfile_release(&made);
		return -1;
	}
	*f = made;
	return 0;
}

void newfile_release(struct newfile *f)
{
	if (!f || (!f->path && !f->temporary && f->fd < 0))
		return;
	if (f->fd >= 0) {
		close(f->fd);
		if (f->temporary)
			unlink(f->temporary);
	}
	free(f->path);
	free(f->temporary);
	*f = (struct newfile){ .fd = -1 };
}

static int sync_directory_of(const char *path, struct err *e)
{
	cleanup_free char *dir = str_dup(path, e);
	if (!dir)
		return -1;
	char *slash = strrchr(dir, '/');
	if (slash == dir)
		slash[1] = '\0';
	else if (slash)
		*slash = '\0';
	cleanup_close int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_system(e, errno, "syncing the directory of '%s'", path);
	return 0;
}

int newfile_commit(struct newfile *f, struct err *e)
{
	int result = 0;

	if (fsync(f->fd) < 0)
		result = err_system(e, errno, "writing '%s'", f->path);
	if (close(steal_fd(&f->fd)) < 0 && result == 0)
		result = err_system(e, errno, "writing '%s'", f->path);
	if (result == 0 && rename(f->temporary, f->path) < 0)
		result = err_system(e, errno, "renaming '%s' into place", f->path);
	if (result < 0)
		unlink(f->temporary);
	else
		result = sync_directory_of(f->path, e);
	newfile_release(f);
	return result;
}

int file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	cleanup_buf struct buf old = { 0 };
	struct err ignored;

	if (file_read(path, len, &old, &ignored) == 0 && old.len == len && (len == 0 || memcmp(old.data, bytes, len) == 0))
		return 0;
	cleanup_newfile struct newfile f = { .fd = -1 };
	if (newfile_open(&f, path, mode, e) < 0)
		return -1;
	if (fd_write_all(f.fd, bytes, len, e) < 0)
		return err_wrap(e, "'%s'", path);
	return newfile_commit(&f, e);
}

int file_lock(const char *path, bool wait, struct err *e)
{
	cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_system(e, errno, "opening lock '%s'", path);
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return err_set(e, ERR_CONFLICT, "'%s' is locked by another process", path);
		return err_system(e, errno, "locking '%s'", path);
	}
	return steal_fd(&fd);
}
