#include "cache/walk.h"

#include <errno.h>

#include "base/file.h"

int walk_names(const char *path, struct strv *ret, struct err *e)
{
	cleanup_of(dir) DIR *d = opendir(path);
	struct dirent *entry;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_system(e, errno, "reading directory '%s'", path);
	while (errno = 0, (entry = readdir(d)))
		if (entry->d_name[0] != '.' && strv_add(ret, entry->d_name, e) < 0)
			return -1;
	if (errno)
		return err_system(e, errno, "reading directory '%s'", path);
	strv_sort(ret);
	return 0;
}

int walk_files(const char *dir, int (*each)(void *context, const char *path, struct err *e), void *context, struct err *e)
{
	cleanup_strv struct strv parts = { 0 };

	if (walk_names(dir, &parts, e) < 0)
		return -1;
	for (size_t i = 0; i < parts.len; i++) {
		cleanup_free char *part = path_join(dir, parts.items[i], e);
		cleanup_strv struct strv names = { 0 };
		if (!part || walk_names(part, &names, e) < 0)
			return -1;
		for (size_t k = 0; k < names.len; k++) {
			cleanup_free char *path = path_join(part, names.items[k], e);
			if (!path || each(context, path, e) < 0)
				return -1;
		}
	}
	return 0;
}
