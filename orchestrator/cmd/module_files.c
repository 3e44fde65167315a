#include "cmd/module_files.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sign/module.h"

void module_files_release(struct module_files *f)
{
	strv_release(&f->modules);
}

static bool is_bpf_object(const char *path)
{
	const char *name = path_base(path);

	return name[0] != '.' && (str_ends(name, ".o.gz") || str_ends(name, ".o"));
}

/* 1 it is one of ours, 0 some other file. */
static int take(struct module_files *f, struct strv *modules, const char *path, struct err *e)
{
	bool gzip;

	if (module_name(path, &gzip))
		return strv_add(modules, path, e) < 0 ? -1 : 1;
	f->bpf_objects += is_bpf_object(path);
	return is_bpf_object(path);
}

static int read_names(DIR *d, const char *dir, struct module_files *f, struct strv *modules, struct err *e)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(d);
		if (!entry)
			return errno ? err_system(e, errno, "reading '%s'", dir) : 0;
		cleanup_free char *path = path_join(dir, entry->d_name, e);
		if (!path || take(f, modules, path, e) < 0)
			return -1;
	}
}

static int take_directory(struct module_files *f, const char *dir, struct err *e)
{
	cleanup_strv struct strv modules = { 0 };
	DIR *d = opendir(dir);

	if (!d)
		return err_system(e, errno, "opening '%s'", dir);
	int rc = read_names(d, dir, f, &modules, e);
	closedir(d);
	if (rc < 0)
		return -1;
	/* A misspelt name must not look like success. */
	if (!modules.len)
		return err_set(e, ERR_USAGE, "'%s' has no module (*.ko.gz, *.ko) in it", dir);
	strv_sort(&modules);
	for (size_t i = 0; i < modules.len; i++)
		if (strv_add(&f->modules, modules.items[i], e) < 0)
			return -1;
	return 0;
}

static int take_word(struct module_files *f, const char *word, struct err *e)
{
	struct stat st;

	if (stat(word, &st) < 0)
		return err_set(e, errno == ENOENT ? ERR_USAGE : ERR_SYSTEM, "'%s' can't be read", word);
	if (S_ISDIR(st.st_mode))
		return take_directory(f, word, e);
	int ours = take(f, &f->modules, word, e);
	return ours ? ours > 0 ? 0 : -1 : err_set(e, ERR_USAGE, "'%s' is no module by its name (*.ko.gz, *.ko)", word);
}

int module_files_collect(const struct strv *words, struct module_files *ret, struct err *e)
{
	cleanup_module_files struct module_files f = { 0 };

	if (!words->len)
		return err_set(e, ERR_USAGE, "which modules? expected FILE or DIR");
	for (size_t i = 0; i < words->len; i++)
		if (take_word(&f, words->items[i], e) < 0)
			return -1;
	*ret = f;
	f = (struct module_files){ 0 };
	return 0;
}
