#include "descriptor/folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

int folder_names(const char *dir, const char *suffix, struct strv *ret, struct err *e)
{
	DIR *stream = opendir(dir);
	if (!stream && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "'%s' does not exist", dir);
	if (!stream)
		return err_system(e, errno, "opening '%s'", dir);
	int failed = 0;
	const struct dirent *entry;
	while (!failed && (errno = 0, entry = readdir(stream))) {
		const char *name = entry->d_name;
		if (name[0] != '.' && str_ends(name, suffix))
			failed = strv_take(ret, str_printf(e, "%.*s", (int)(strlen(name) - strlen(suffix)), name), e);
	}
	if (!failed && errno)
		failed = err_system(e, errno, "reading '%s'", dir);
	closedir(stream);
	strv_sort(ret);
	return failed;
}

int folder_unknown(const char *what, const char *name, const struct strv *names, struct err *e)
{
	const char *nearest = names->len ? str_nearest(name, (const char *const *)names->items) : NULL;
	if (nearest)
		return err_set(e, ERR_USAGE, "unknown %s '%s': did you mean '%s'?", what, name, nearest);
	err_set(e, ERR_USAGE, "unknown %s '%s'", what, name);
	for (size_t i = 0; i < names->len; i++)
		err_append(e, i ? "'%s'" : "there is '%s'", names->items[i]);
	return -1;
}
