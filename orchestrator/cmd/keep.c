#include "cmd/keep.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "kernel/digests.h"
#include "kernel/group.h"
#include "kernel/list.h"

int keep_listed(struct cache_keep *k, const struct listed *l, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (cache_keep_url(k, l->items[i].url, l->items[i].digest_known ? &l->items[i].digest : NULL, e) < 0)
			return -1;
	return 0;
}

/* --- kernels --- */

static int keep_places(struct cache_keep *k, const struct distro *d, const struct kernel *kernel, struct err *e)
{
	cleanup_strv struct strv urls = { 0 }, paths = { 0 };

	if (distro_image_places(d, kernel, &urls, &paths, e) < 0)
		return -1;
	for (size_t i = 0; i < urls.len; i++)
		if (cache_keep_url(k, urls.items[i], NULL, e) < 0)
			return -1;
	return 0;
}

int keep_images(struct cache_keep *k, const char *root, const struct listed *l, struct err *e)
{
	for (size_t d = 0; d < l->distros.count; d++) {
		const struct distro *distro = &l->distros.items[d];
		cleanup_kernel_list struct kernel_list list = { 0 };
		cleanup_kernel_set struct kernel_set set = { 0 };
		cleanup_free char *path = path_join(root, distro->list, e);
		if (!path)
			return -1;
		if (!distro->boot_images.count)
			continue;
		if (kernel_list_load_all(path, &list, NULL, e) < 0 || kernel_group(&distro->kernel, &list, &set, e) < 0)
			return -1;
		for (size_t i = 0; i < set.count; i++)
			if (keep_places(k, distro, &set.kernels[i], e) < 0)
				return -1;
	}
	return 0;
}

/* --- a commit --- */

struct commit {
	const char *root, *ref;
	const struct cancel *cancel;
};

/* What a git command prints. words end with NULL. */
static int ask_git(const struct commit *c, const char *const words[], struct buf *ret, struct err *e)
{
	const char *argv[16] = { "git", "-C", c->root };
	size_t n = 3;

	for (; *words && n + 1 < ARRAY_LEN(argv); words++)
		argv[n++] = *words;
	return process_run(argv, NULL, KERNEL_LIST_MAX_BYTES, ret, c->cancel, e);
}

/* A file of the commit, as text; 1, or 0 when it has none. Paths are relative to the root, which need not be the repository's. */
static int read_file(const struct commit *c, const char *path, const struct strv *names, struct buf *ret, struct err *e)
{
	if (!strv_has(names, path))
		return 0;
	cleanup_free char *object = str_printf(e, "%s:./%s", c->ref, path);
	const char *const words[] = { "show", "--end-of-options", object, NULL };
	return object && ask_git(c, words, ret, e) == 0 ? 1 : -1;
}

static int keep_list(struct cache_keep *k, const struct commit *c, const char *path, const struct strv *names, struct err *e)
{
	cleanup_kernel_list struct kernel_list list = { 0 };
	cleanup_of(digest_table) struct digest_table *digests = NULL;
	cleanup_buf struct buf text = { 0 }, digest_text = { 0 };
	cleanup_free char *name = str_printf(e, "%s:%s", c->ref, path);
	cleanup_free char *digests_path = digest_table_path(path, e);
	cleanup_free char *digests_name = digests_path ? str_printf(e, "%s:%s", c->ref, digests_path) : NULL;

	if (!name || !digests_name || read_file(c, path, names, &text, e) < 0 ||
	    read_file(c, digests_path, names, &digest_text, e) < 0)
		return -1;
	if (kernel_list_parse(buf_text(&text), text.len, name, &list, NULL, e) < 0 ||
	    digest_table_parse(buf_text(&digest_text), digest_text.len, digests_name, &digests, e) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct package_digest *digest = digest_table_find(digests, list.urls[i].url);
		if (cache_keep_url(k, list.urls[i].url, digest ? &digest->sha256 : NULL, e) < 0)
			return -1;
	}
	return 0;
}

/* The files that the commit has in the directories of the lists, NUL-separated as git gives them. */
static int list_files(const struct commit *c, const struct listed *l, struct strv *ret, struct err *e)
{
	cleanup_strv struct strv dirs = { 0 };

	for (size_t i = 0; i < l->distros.count; i++) {
		const char *list = l->distros.items[i].list;
		cleanup_free char *dir = str_printf(e, "%.*s", (int)(path_base(list) - list), list);
		if (!dir || (!strv_has(&dirs, dir) && strv_add(&dirs, dir, e) < 0))
			return -1;
	}
	for (size_t i = 0; i < dirs.len; i++) {
		cleanup_buf struct buf out = { 0 };
		const char *const words[] = { "ls-tree", "-z", "--name-only", c->ref, "--", *dirs.items[i] ? dirs.items[i] : "./",
					      NULL };
		if (ask_git(c, words, &out, e) < 0)
			return -1;
		for (size_t at = 0; at < out.len; at += strlen(out.data + at) + 1)
			if (strv_add(ret, out.data + at, e) < 0)
				return -1;
	}
	return 0;
}

int keep_commit(struct cache_keep *k, const char *root, const char *ref, const struct listed *l, const struct cancel *cancel,
		struct err *e)
{
	cleanup_buf struct buf id = { 0 };
	cleanup_strv struct strv names = { 0 };
	struct commit c = { root, ref, cancel };
	cleanup_free char *object = str_printf(e, "%s^{commit}", ref);
	const char *const words[] = { "rev-parse", "--verify", "--end-of-options", object, NULL };

	if (!object)
		return -1;
	if (*ref == '-' || !*ref)
		return err_set(e, ERR_USAGE, "'%s' is no commit", ref);
	if (ask_git(&c, words, &id, e) < 0) {
		if (e->kind != ERR_CANCELLED)
			e->kind = ERR_USAGE;
		return err_wrap(e, "commit '%s'", ref);
	}
	if (list_files(&c, l, &names, e) < 0)
		return err_wrap(e, "commit '%s'", ref);
	size_t lists = 0;
	for (size_t i = 0; i < names.len; i++) {
		if (!str_ends(names.items[i], ".txt"))
			continue;
		if (keep_list(k, &c, names.items[i], &names, e) < 0)
			return -1;
		lists++;
	}
	/* To keep nothing for it is not what was asked for. */
	return lists ? 0 : err_set(e, ERR_USAGE, "commit '%s' has no lists where they are now", ref);
}
