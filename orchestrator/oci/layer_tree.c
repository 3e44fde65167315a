#include "oci/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

enum { DEPTH_MAX = 64 };

static int add_directory(struct layer_builder *b, const char *path, const char *source, int depth, struct err *e);

static int add_link(struct layer_builder *b, const char *path, const char *source, struct err *e)
{
	char target[PATH_MAX];

	ssize_t n = readlink(source, target, sizeof(target));
	if (n < 0)
		return err_system(e, errno, "reading link '%s'", source);
	if ((size_t)n == sizeof(target))
		return err_set(e, ERR_LIMIT, "'%s': link target is too long", source);
	target[n] = '\0';
	return layer_add_symlink(b, path, target, e);
}

static int add_one(struct layer_builder *b, const char *path, const char *source, int depth, struct err *e)
{
	struct stat st;

	if (lstat(source, &st) < 0)
		return err_system(e, errno, "'%s'", source);
	if (S_ISLNK(st.st_mode))
		return add_link(b, path, source, e);
	if (S_ISREG(st.st_mode))
		return layer_add_file(b, path, source, st.st_mode & 0111 ? 0755 : 0644, e);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_INPUT, "'%s' is neither file, directory nor symbolic link", source);
	if (layer_add_dir(b, path, 0755, e) < 0)
		return -1;
	return add_directory(b, path, source, depth + 1, e);
}

static void dir_close(DIR *dir)
{
	closedir(dir);
}

DEFINE_CLEANUP(dir, DIR, dir_close)

static int add_directory(struct layer_builder *b, const char *path, const char *source, int depth, struct err *e)
{
	struct dirent *d;

	if (depth > DEPTH_MAX)
		return err_set(e, ERR_LIMIT, "'%s': more than %d directories deep", source, DEPTH_MAX);
	cleanup_of(dir) DIR *dir = opendir(source);
	if (!dir)
		return err_system(e, errno, "opening directory '%s'", source);
	while (errno = 0, (d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		cleanup_free char *below = path_join(path, d->d_name, e);
		cleanup_free char *from = below ? path_join(source, d->d_name, e) : NULL;
		if (!from || add_one(b, below, from, depth, e) < 0)
			return -1;
	}
	if (errno)
		return err_system(e, errno, "reading directory '%s'", source);
	return 0;
}

int layer_add_tree(struct layer_builder *b, const char *path, const char *source, struct err *e)
{
	if (*path && layer_add_dir(b, path, 0755, e) < 0)
		return -1;
	return add_directory(b, path, source, 0, e);
}
