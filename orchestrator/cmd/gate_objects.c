#include "cmd/gate_objects.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/group.h"
#include "kernel/version.h"

void gate_objects_release(struct gate_objects *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->items[i].path);
		free(o->items[i].kernel);
		free(o->items[i].reason);
	}
	free(o->items);
	*o = (struct gate_objects){ 0 };
}

static const struct {
	const char *suffix;
	enum probe_kind_id kind;
	bool gzip;
} suffixes[] = {
	{ ".ko.gz", KIND_MOD, true },
	{ ".ko", KIND_MOD, false },
	{ ".o.gz", KIND_BPF, true },
	{ ".o", KIND_BPF, false },
};

static const char *const infixes[KIND_COUNT] = { [KIND_MOD] = "-", [KIND_BPF] = "-ebpf-" };

/* 1 the name says what it is; the kernel is "" where it does not say for which. 0: it is no object's. */
static int read_name(const char *name, const char *probe_name, struct gate_object *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (!str_ends(name, suffixes[i].suffix))
			continue;
		const char *infix = infixes[suffixes[i].kind];
		size_t prefix_len = strlen(probe_name) + strlen(infix), len = strlen(name) - strlen(suffixes[i].suffix);
		bool told = len > prefix_len && str_starts(name, probe_name) && str_starts(name + strlen(probe_name), infix);
		*ret = (struct gate_object){ .kind = suffixes[i].kind, .gzip = suffixes[i].gzip };
		ret->kernel = told ? strndup(name + prefix_len, len - prefix_len) : strdup("");
		if (!ret->kernel)
			return err_no_memory(e);
		if (!kernel_name_is_safe(ret->kernel))
			ret->kernel[0] = '\0';
		return 1;
	}
	return 0;
}

/* Takes over what item holds. */
static int add(struct gate_objects *o, struct gate_object *item, const char *path, struct err *e)
{
	struct stat st;

	bool there = stat(path, &st) == 0;
	/* Opening a pipe would wait for somebody to write to it. */
	if (there && !S_ISREG(st.st_mode)) {
		free(item->kernel);
		return err_set(e, ERR_USAGE, "'%s' is no regular file", path);
	}
	/* For the display only. */
	item->bytes = there && st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (o->count == o->room) {
		size_t room = o->room ? o->room * 2 : 64;
		struct gate_object *items = reallocarray(o->items, room, sizeof(*items));
		if (!items) {
			free(item->kernel);
			return err_no_memory(e);
		}
		o->items = items;
		o->room = room;
	}
	o->items[o->count] = *item;
	o->items[o->count].path = str_dup(path, e);
	return o->items[o->count++].path ? 0 : -1;
}

static bool is_chosen(const char *kernel, const struct strv *globs)
{
	for (size_t i = 0; i < globs->len; i++)
		if (fnmatch(globs->items[i], kernel, 0) == 0)
			return true;
	return !globs->len;
}

static int add_entry(struct gate_objects *o, const char *dir, const char *name, const struct strv *kernels, const char *probe_name,
		     struct err *e)
{
	struct gate_object item = { 0 };
	cleanup_free char *path = path_join(dir, name, e);

	if (!path)
		return -1;
	if (name[0] == '.')
		return 0;
	int known = read_name(name, probe_name, &item, e);
	if (known <= 0)
		return known;
	if (!is_chosen(item.kernel, kernels)) {
		free(item.kernel);
		return 0;
	}
	return add(o, &item, path, e);
}

static int add_dir(struct gate_objects *o, const char *dir, const struct strv *kernels, const char *probe_name, struct err *e)
{
	size_t before = o->count;
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (!d)
		return err_system(e, errno, "opening '%s'", dir);
	while (!rc && (errno = 0, entry = readdir(d)))
		rc = add_entry(o, dir, entry->d_name, kernels, probe_name, e);
	if (!rc && errno)
		rc = err_system(e, errno, "reading '%s'", dir);
	closedir(d);
	if (!rc && o->count == before)
		return err_set(e, ERR_NOT_FOUND, "'%s' has no object%s", dir, kernels->len ? " of the kernels asked for" : "");
	return rc;
}

static int add_file(struct gate_objects *o, const char *path, const struct strv *kernels, const char *probe_name, struct err *e)
{
	struct gate_object item = { 0 };
	int known = read_name(path_base(path), probe_name, &item, e);

	if (known < 0)
		return -1;
	if (!known)
		return err_set(e, ERR_USAGE, "'%s' is called neither .ko, .o, .ko.gz nor .o.gz", path);
	/* A glob may be what its name says already; else the user knows better. */
	if (kernels->len == 1 && fnmatch(kernels->items[0], item.kernel, 0) != 0) {
		free(item.kernel);
		item.kernel = str_dup(kernels->items[0], e);
		if (!item.kernel)
			return -1;
	}
	if (!item.kernel[0]) {
		free(item.kernel);
		return err_set(e, ERR_USAGE, "the name of '%s' does not say for which kernel it is; one --kernel does", path);
	}
	return add(o, &item, path, e);
}

static int compare(const void *a, const void *b)
{
	const struct gate_object *x = a, *y = b;
	int order = version_compare_natural(x->kernel, y->kernel);

	order = order ? order : strcmp(x->kernel, y->kernel);
	return order ? order : strcmp(x->path, y->path);
}

int gate_objects_find(const struct strv *words, const struct strv *kernels, const char *probe_name, struct gate_objects *ret,
		      struct err *e)
{
	cleanup_gate_objects struct gate_objects o = { 0 };
	struct stat st;

	for (size_t i = 0; i < words->len; i++) {
		const char *path = words->items[i];
		if (stat(path, &st) < 0)
			return errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "'%s' does not exist", path)
					       : err_system(e, errno, "looking at '%s'", path);
		if ((S_ISDIR(st.st_mode) ? add_dir(&o, path, kernels, probe_name, e) : add_file(&o, path, kernels, probe_name, e)) <
		    0)
			return -1;
	}
	qsort(o.items, o.count, sizeof(*o.items), compare);
	*ret = o;
	o = (struct gate_objects){ 0 };
	return 0;
}
