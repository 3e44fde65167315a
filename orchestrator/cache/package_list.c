#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/record.h"
#include "cache/walk.h"

struct listing {
	struct cache *cache;
	int (*each)(void *context, const struct cache_entry *entry, struct err *e);
	void *context;
};

static int list_one(void *context, const char *path, struct err *e)
{
	struct listing *l = context;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct err why;
	struct stat st;

	if (!str_ends(path, ".json"))
		return 0;
	int got = record_read(path, NULL, &entry, &why);
	if (got < 0)
		log_printf(l->cache->log, LOG_WARNING, "package cache: %s; it counts as missing", why.message);
	if (got <= 0)
		return 0;
	cleanup_free char *content = cache_content_path(l->cache, &entry.digest, e);
	if (!content)
		return -1;
	entry.present = stat(content, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == entry.size;
	return l->each(l->context, &entry, e);
}

int cache_list(struct cache *c, int (*each)(void *context, const struct cache_entry *entry, struct err *e), void *context,
	       struct err *e)
{
	struct listing l = { c, each, context };

	return walk_files(c->urls, list_one, &l, e);
}

struct tally {
	uint64_t files, bytes;
};

static int tally_one(void *context, const char *path, struct err *e)
{
	struct tally *t = context;
	struct stat st;
	(void)e;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		t->files++;
		t->bytes += (uint64_t)st.st_size;
	}
	return 0;
}

/* The files of one directory, those with this suffix not counted. */
static int tally_dir(const char *dir, const char *but, struct tally *t, struct err *e)
{
	cleanup_strv struct strv names = { 0 };

	if (walk_names(dir, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		cleanup_free char *path = path_join(dir, names.items[i], e);
		if (!path)
			return -1;
		if (!str_ends(path, but) && tally_one(t, path, e) < 0)
			return -1;
	}
	return 0;
}

int cache_total(struct cache *c, struct cache_totals *ret, struct err *e)
{
	struct tally contents = { 0 }, urls = { 0 }, partials = { 0 }, bad = { 0 };

	if (walk_files(c->contents, tally_one, &contents, e) < 0 || walk_files(c->urls, tally_one, &urls, e) < 0 ||
	    tally_dir(c->partials, ".from", &partials, e) < 0 || tally_dir(c->bad, ".reason", &bad, e) < 0)
		return -1;
	*ret = (struct cache_totals){
		.packages = contents.files,
		.bytes = contents.bytes,
		.urls = urls.files,
		.partials = partials.files,
		.partial_bytes = partials.bytes,
		.bad = bad.files,
		.bad_bytes = bad.bytes,
	};
	return 0;
}

#define GRAVE ".packages.deleted."

/* What this and earlier deletions, perhaps killed half-way, have renamed away. */
static int empty_graves(struct cache *c, struct err *e)
{
	cleanup_of(dir) DIR *d = opendir(c->dir);
	struct dirent *entry;

	if (!d)
		return err_system(e, errno, "reading directory '%s'", c->dir);
	while ((entry = readdir(d))) {
		if (!str_starts(entry->d_name, GRAVE))
			continue;
		cleanup_free char *path = path_join(c->dir, entry->d_name, e);
		if (!path || path_remove(path, e) < 0)
			return -1;
	}
	return 0;
}

int cache_delete(struct cache *c, struct err *e)
{
	cleanup_free char *grave = str_printf(e, "%s/" GRAVE "XXXXXX", c->dir);

	if (!grave)
		return -1;
	if (!mkdtemp(grave))
		return err_system(e, errno, "deleting the package cache '%s'", c->root);
	/* An empty directory may be replaced by rename(2). */
	if (rename(c->root, grave) < 0 && errno != ENOENT)
		return err_system(e, errno, "deleting the package cache '%s'", c->root);
	if (empty_graves(c, e) < 0)
		return err_wrap(e, "deleting the package cache");
	return cache_make_dirs(c, e);
}
