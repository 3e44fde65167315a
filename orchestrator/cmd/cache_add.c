#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cache/package_upkeep.h"
#include "cmd/cache.h"
#include "fetch/url.h"
#include "package/format.h"

static int set_url(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct cache_command *)target)->url = value;
	return 0;
}

static const struct option_def options[] = {
	{ "url", "URL", "which URL of the lists the file is, where its name does not say", set_url },
	{ 0 },
};

static const struct option_table tables[] = {
	{ options, 0 },
	{ cache_distro_options, 0 },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

/* --- which URL a file is --- */

static int find_url(const struct listed *l, const char *url, size_t *ret, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->items[i].url, url) == 0) {
			*ret = i;
			return 0;
		}
	cleanup_free char *shown = url_shown(url, e);
	return shown ? err_set(e, ERR_USAGE, "no list names %s", shown) : -1;
}

/* The names of all listed packages, as files would have them. */
static int load_names(const struct listed *l, struct strv *ret, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (strv_take(ret, url_file_name(l->items[i].url, e), e) < 0)
			return -1;
	return 0;
}

static int unknown_name(const char *name, const struct strv *names, struct err *e)
{
	const char *near = names->len ? str_nearest(name, (const char *const *)names->items) : NULL;

	if (near)
		return err_set(e, ERR_USAGE, "no list names a package '%s', did you mean '%s'?", name, near);
	return err_set(e, ERR_USAGE, "no list names a package '%s'", name);
}

/* Several URLs with that name are one package when all are known to be the same bytes. */
static int find_name(const struct listed *l, const struct strv *names, const char *name, size_t *ret, struct err *e)
{
	size_t found = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (strcmp(names->items[i], name) != 0)
			continue;
		const struct cache_request *first = &l->items[*ret], *other = &l->items[i];
		bool same = found && first->digest_known && other->digest_known && digest_equal(&first->digest, &other->digest);
		if (found && !same)
			return err_set(e, ERR_USAGE, "several URLs end in '%s', such as %s and %s; --url says which it is", name,
				       first->url, other->url);
		if (!found++)
			*ret = i;
	}
	return found ? 0 : unknown_name(name, names, e);
}

/* --- adding --- */

/* An error page or a list of tokens saved under a package's name is caught even where no digest is known. */
static int check_format(const char *path, const struct distro *distro, struct err *e)
{
	struct err unknown;
	char start[16];
	const struct package_format *format = package_format_find(distro->format, &unknown);
	cleanup_close int fd = file_open(path, e);

	if (fd < 0)
		return -1;
	if (!format || format->magic_len > sizeof(start))
		return 0;
	ssize_t n = read(fd, start, format->magic_len);
	if (n == (ssize_t)format->magic_len && memcmp(start, format->magic, format->magic_len) == 0)
		return 0;
	return err_set(e, ERR_CHECK, "this is no %s package", format->name);
}

static int add_one(struct cache_command *o, struct cache *cache, const struct listed *l, const struct strv *names, const char *path,
		   struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	const char *name = path_base(path);
	size_t i = 0;

	if ((o->url ? find_url(l, o->url, &i, e) : find_name(l, names, name, &i, e)) < 0 || check_format(path, l->distro[i], e) < 0)
		return -1;
	int added = cache_add(cache, path, &l->items[i], "file by hand", &o->context.cancel, &entry, e);
	if (added < 0)
		return -1;
	if (added)
		cache_show_package(o, "added", &entry);
	else
		log_printf(&o->context.log, LOG_INFO, "'%s' is there already", entry.name);
	o->done += (unsigned)added;
	return 0;
}

/* The graver of two exit codes: a check that failed before all. */
static int graver(int a, int b)
{
	return a == EXIT_CHECK || b == EXIT_CHECK ? EXIT_CHECK : a > b ? a : b;
}

static int add(struct cache_command *o, struct cache *cache, struct err *e)
{
	cleanup_listed struct listed l = { 0 };
	cleanup_strv struct strv names = { 0 };
	int code = EXIT_GOOD;
	size_t refused = 0;

	if (!o->words.len)
		return err_set(e, ERR_USAGE, "which files? expected FILE...");
	if (o->url && o->words.len != 1)
		return err_set(e, ERR_USAGE, "--url goes with one file");
	if (cache_load_listed(o, &l, e) < 0 || load_names(&l, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < o->words.len; i++) {
		struct err why;
		if (add_one(o, cache, &l, &names, o->words.items[i], &why) == 0)
			continue;
		if (why.kind == ERR_CANCELLED)
			return *e = why, -1;
		err_wrap(&why, "'%s' is not added", o->words.items[i]);
		log_printf(&o->context.log, LOG_ERROR, "%s", why.message);
		code = graver(code, exit_code_of(&why));
		refused++;
	}
	log_printf(&o->context.log, LOG_INFO, "%zu files: %u added, %zu there already, %zu refused", o->words.len, o->done,
		   o->words.len - o->done - refused, refused);
	return code;
}

const struct cache_verb cache_add_verb = {
	.name = "add",
	.summary = "take in packages that were handed in by hand",
	.command = { .usage = "orchestrate cache add FILE... [OPTION]...",
		     .summary =
			     "Takes in packages that no mirror gives to everybody. The file's name must be that of a listed URL; its\n"
			     "digest must be the list's where that has one. What is refused is named, the others go on: exit code 5\n"
			     "for wrong bytes, 2 for a name that no list has.",
		     .tables = tables },
	.takes_words = true,
	.run = add,
};
