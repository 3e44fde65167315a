#include "build/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

struct output {
	char *dir, *modules, *failures, *probe_name, *version;
	int lock;
};

DEFINE_CLEANUP(output, struct output, output_free)

enum { VERSION_FILE_MAX = 4096 };

static const struct {
	const char *infix, *suffix;
} object_names[KIND_COUNT] = {
	[KIND_MOD] = { "", ".ko.gz" },
	[KIND_BPF] = { "ebpf-", ".o.gz" },
};

char *output_object_name(const char *probe_name, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	return str_printf(e, "%s-%s%s%s", probe_name, object_names[kind].infix, kernel, object_names[kind].suffix);
}

static char *object_path(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	return str_printf(e, "%s/%s-%s%s%s", o->modules, o->probe_name, object_names[kind].infix, kernel,
			  object_names[kind].suffix);
}

char *output_marker_path(const struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	return str_printf(e, "%s/.%s-%s%s.unavail", o->modules, o->probe_name, object_names[kind].infix, kernel);
}

static char *failure_path(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	return str_printf(e, "%s/%s/%s/%s.log", o->failures, kernel, o->version, kind_name(kind));
}

static int unlink_if_there(const char *path, struct err *e)
{
	if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_system(e, errno, "removing '%s'", path);
	return 0;
}

static bool is_partial(const char *name)
{
	return name[0] == '.' && str_ends(name, ".partial");
}

/* An object or a marker, of whichever probe. Anything else in the tree is nobody's and left alone. */
static bool is_object(const char *name)
{
	return str_ends(name, ".ko.gz") || str_ends(name, ".o.gz") || (name[0] == '.' && str_ends(name, ".unavail"));
}

static bool is_of_probe(const struct output *o, const char *name)
{
	size_t len = strlen(o->probe_name);

	name += name[0] == '.';
	return strncmp(name, o->probe_name, len) == 0 && name[len] == '-';
}

/* Looks at every name in kernel-modules until `visit` returns -1. */
static int each_name(struct output *o, int (*visit)(struct output *o, int dir, const char *name, struct err *e), struct err *e)
{
	DIR *d = opendir(o->modules);
	struct dirent *entry;
	int result = 0;

	if (!d)
		return err_system(e, errno, "opening '%s'", o->modules);
	while (result == 0 && (entry = readdir(d)))
		result = visit(o, dirfd(d), entry->d_name, e);
	closedir(d);
	return result;
}

static int refuse_foreign(struct output *o, int dir, const char *name, struct err *e)
{
	(void)dir;
	if (!is_object(name) || is_of_probe(o, name))
		return 0;
	return err_set(e, ERR_INPUT, "'%s' holds another probe's objects ('%s'); give another --output", o->dir, name);
}

static int remove_name(struct output *o, int dir, const char *name, struct err *e)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return err_system(e, errno, "removing '%s/%s'", o->modules, name);
	return 0;
}

static int remove_partial(struct output *o, int dir, const char *name, struct err *e)
{
	return is_partial(name) ? remove_name(o, dir, name, e) : 0;
}

static int remove_ours(struct output *o, int dir, const char *name, struct err *e)
{
	bool is_ours = (is_object(name) && is_of_probe(o, name)) || strcmp(name, "MODULE_VERSION.txt") == 0;

	return is_ours ? remove_name(o, dir, name, e) : 0;
}

/* 1 when the tree holds another version's objects. */
static int holds_other_version(struct output *o, struct err *e)
{
	cleanup_free char *path = path_join(o->modules, "MODULE_VERSION.txt", e);
	cleanup_buf struct buf text = { 0 };

	if (!path)
		return -1;
	if (file_read(path, VERSION_FILE_MAX, &text, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	while (text.len && strchr("\r\n ", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	return strcmp(buf_text(&text), o->version) != 0;
}

static int prepare(struct output *o, enum output_use use, struct log *log, struct err *e)
{
	cleanup_free char *lock_path = path_join(o->dir, ".lock", e);

	if (!lock_path || path_make_dirs(o->modules, e) < 0 || path_make_dirs(o->failures, e) < 0)
		return -1;
	o->lock = file_lock(lock_path, false, e);
	if (o->lock < 0)
		return e->kind == ERR_CONFLICT
			       ? err_set(e, ERR_CONFLICT, "another run is writing to '%s'; wait for it or give another --output",
					 o->dir)
			       : -1;
	if (each_name(o, refuse_foreign, e) < 0 || each_name(o, remove_partial, e) < 0)
		return -1;
	int other = holds_other_version(o, e);
	if (other <= 0)
		return other;
	if (use == OUTPUT_READ)
		return err_set(e, ERR_INPUT,
			       "'%s' holds objects of another module version than '%s'; `orchestrate build` makes this one's",
			       o->modules, o->version);
	log_printf(log, LOG_INFO, "'%s' holds another module version: emptied first (the artifact store keeps its objects)",
		   o->modules);
	return each_name(o, remove_ours, e);
}

int output_open(const char *dir, const char *probe_name, const char *module_version, enum output_use use, struct log *log,
		struct output **ret, struct err *e)
{
	cleanup_of(output) struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return err_no_memory(e);
	o->lock = -1;
	o->dir = str_dup(dir, e);
	o->modules = path_join(dir, "kernel-modules", e);
	o->failures = path_join(dir, "failures", e);
	o->probe_name = str_dup(probe_name, e);
	o->version = str_dup(module_version, e);
	if (!o->dir || !o->modules || !o->failures || !o->probe_name || !o->version || prepare(o, use, log, e) < 0)
		return -1;
	*ret = steal_ptr(&o);
	return 0;
}

void output_free(struct output *o)
{
	if (!o)
		return;
	if (o->lock >= 0)
		close(o->lock);
	free(o->dir);
	free(o->modules);
	free(o->failures);
	free(o->probe_name);
	free(o->version);
	free(o);
}

const char *output_modules_dir(const struct output *o)
{
	return o->modules;
}

/* A copy that nobody has written to since. The original itself, by a hard link, is none. */
static bool is_copy(const struct stat *have, const struct stat *original)
{
	if (have->st_dev == original->st_dev && have->st_ino == original->st_ino)
		return false;
	return S_ISREG(have->st_mode) && have->st_size == original->st_size && have->st_mtim.tv_sec == original->st_mtim.tv_sec &&
	       have->st_mtim.tv_nsec == original->st_mtim.tv_nsec;
}

static int copy_object(int from, const struct stat *st, const char *to, struct err *e)
{
	cleanup_newfile struct newfile f = { .fd = -1 };
	off_t at = 0;

	if (newfile_open(&f, to, 0444, e) < 0)
		return -1;
	while (at < st->st_size) {
		ssize_t n = sendfile(f.fd, from, &at, (size_t)(st->st_size - at));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "writing '%s'", to);
		if (n == 0)
			return err_set(e, ERR_CORRUPT, "the original of '%s' became shorter while it was copied", to);
	}
	struct timespec times[2] = { st->st_mtim, st->st_mtim };
	if (futimens(f.fd, times) < 0)
		return err_system(e, errno, "writing '%s'", to);
	return newfile_commit(&f, e);
}

static int clear_failure(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	cleanup_free char *path = failure_path(o, kernel, kind, e);

	if (!path || unlink_if_there(path, e) < 0)
		return -1;
	/* The directories above go when they are empty; that they are not is no error. */
	for (int level = 0; level < 2; level++) {
		*strrchr(path, '/') = '\0';
		if (rmdir(path) < 0)
			break;
	}
	return 0;
}

int output_put_object(struct output *o, const char *kernel, enum probe_kind_id kind, int from, struct err *e)
{
	cleanup_free char *to = object_path(o, kernel, kind, e), *marker = output_marker_path(o, kernel, kind, e);
	struct stat have, original;

	if (!to || !marker)
		return -1;
	if (fstat(from, &original) < 0)
		return err_system(e, errno, "looking at the original of '%s'", to);
	if ((lstat(to, &have) < 0 || !is_copy(&have, &original)) && copy_object(from, &original, to, e) < 0)
		return -1;
	if (unlink_if_there(marker, e) < 0)
		return -1;
	return clear_failure(o, kernel, kind, e);
}

int output_put_unavailable(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	cleanup_free char *object = object_path(o, kernel, kind, e), *marker = output_marker_path(o, kernel, kind, e);

	if (!object || !marker || unlink_if_there(object, e) < 0)
		return -1;
	return file_replace(marker, "", 0, 0644, e);
}

int output_withdraw(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e)
{
	cleanup_free char *object = object_path(o, kernel, kind, e), *marker = output_marker_path(o, kernel, kind, e);

	if (!object || !marker || unlink_if_there(object, e) < 0)
		return -1;
	return unlink_if_there(marker, e);
}

int output_put_failure(struct output *o, const char *kernel, enum probe_kind_id kind, const char *text, size_t len, char **ret_path,
		       struct err *e)
{
	cleanup_free char *path = failure_path(o, kernel, kind, e);
	if (!path)
		return -1;
	char *slash = strrchr(path, '/');
	*slash = '\0';
	if (path_make_dirs(path, e) < 0)
		return -1;
	*slash = '/';
	if (file_replace(path, text, len, 0644, e) < 0)
		return -1;
	*ret_path = steal_ptr(&path);
	return 0;
}

int output_put_version(struct output *o, struct err *e)
{
	cleanup_free char *path = path_join(o->modules, "MODULE_VERSION.txt", e);
	cleanup_free char *text = str_printf(e, "%s\n", o->version);

	if (!path || !text)
		return -1;
	return file_replace(path, text, strlen(text), 0644, e);
}
