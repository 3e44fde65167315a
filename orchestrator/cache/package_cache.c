#include "cache/package_cache.h"

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
#include "cache/content.h"
#include "cache/record.h"
#include "fetch/url.h"

int cache_make_dirs(struct cache *c, struct err *e)
{
	const char *const dirs[] = { c->contents, c->urls, c->partials, c->incoming, c->bad };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (path_make_dirs(dirs[i], e) < 0)
			return err_wrap(e, "package cache");
	return 0;
}

int cache_open(const char *dir, struct log *log, struct cache **ret, struct err *e)
{
	cleanup_of(cache) struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return err_no_memory(e);
	c->log = log;
	c->dir = str_dup(dir, e);
	c->root = path_join(dir, "packages", e);
	if (!c->dir || !c->root)
		return -1;
	c->contents = path_join(c->root, "sha256", e);
	c->urls = path_join(c->root, "urls", e);
	c->partials = path_join(c->root, "partial", e);
	c->incoming = path_join(c->root, "incoming", e);
	c->bad = path_join(c->root, "bad", e);
	if (!c->contents || !c->urls || !c->partials || !c->incoming || !c->bad || cache_make_dirs(c, e) < 0)
		return -1;
	*ret = steal_ptr(&c);
	return 0;
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	free(c->dir);
	free(c->root);
	free(c->contents);
	free(c->urls);
	free(c->partials);
	free(c->incoming);
	free(c->bad);
	free(c);
}

void cache_entry_release(struct cache_entry *entry)
{
	if (entry->fd >= 0)
		close(entry->fd);
	free(entry->url);
	free(entry->name);
	free(entry->from);
	*entry = (struct cache_entry){ .fd = -1 };
}

static char *path_of_url(const char *dir, const char *url, bool fan_out, const char *suffix, struct err *e)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (digest_of(url, strlen(url), &d, e) < 0)
		return NULL;
	if (fan_out)
		return content_path(dir, &d, suffix, e);
	digest_hex(&d, hex);
	return str_printf(e, "%s/%s%s", dir, hex, suffix);
}

char *cache_record_path(const struct cache *c, const char *url, struct err *e)
{
	return path_of_url(c->urls, url, true, ".json", e);
}

char *cache_partial_path(const struct cache *c, const char *url, struct err *e)
{
	return path_of_url(c->partials, url, false, "", e);
}

char *cache_content_path(const struct cache *c, const struct digest *d, struct err *e)
{
	return content_path(c->contents, d, "", e);
}

int cache_read_record(struct cache *c, const char *url, struct cache_entry *ret, struct err *e)
{
	struct err why;
	cleanup_free char *path = cache_record_path(c, url, e);

	if (!path)
		return -1;
	int got = record_read(path, url, ret, &why);
	if (got >= 0)
		return got;
	if (why.kind != ERR_CORRUPT && why.kind != ERR_LIMIT) {
		*e = why;
		return -1;
	}
	log_printf(c->log, LOG_WARNING, "package cache: %s; it counts as missing", why.message);
	return 0;
}

void cache_set_upstream(struct cache *c, const struct cache_upstream *upstream)
{
	c->upstream = *upstream;
}

bool cache_content_digest(const char *path, struct digest *ret)
{
	struct err ignored;

	return digest_parse(path_base(path), ret, &ignored) == 0;
}

int cache_set_aside(struct cache *c, const char *path, const char *name, const struct digest *found, struct err *why)
{
	struct err failed;

	if (content_set_aside(path, c->bad, name, found, why->message, &failed) < 0)
		return err_append(why, "it could not be set aside: %s", failed.message);
	return err_append(why, "set aside in %s", c->bad);
}

int cache_has_content(struct cache *c, const char *name, const struct digest *d, const uint64_t *size, uint64_t *ret_size,
		      struct err *e)
{
	cleanup_free char *path = cache_content_path(c, d, e);
	struct stat st;
	struct digest found;
	struct err why;

	if (!path)
		return -1;
	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_system(e, errno, "'%s'", path);
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	if (S_ISREG(st.st_mode) && (!size || (uint64_t)st.st_size == *size))
		return 1;
	cleanup_close int fd = file_open(path, &why);
	if (fd < 0)
		return why.kind == ERR_NOT_FOUND ? 0 : (*e = why, -1);
	if (content_verify(fd, d, size, &found, NULL, &why) == 0)
		return 1;
	if (why.kind != ERR_CORRUPT)
		return *e = why, -1;
	/* Bytes that are what they are called are good: it is the size that is wrong, the record's or the list's. */
	if (digest_equal(&found, d)) {
		log_printf(c->log, LOG_WARNING, "package '%s': %s; it counts as missing", name, why.message);
		return 0;
	}
	err_wrap(&why, "package '%s' in the cache is damaged", name);
	cache_set_aside(c, path, name, &found, &why);
	log_printf(c->log, LOG_WARNING, "%s", why.message);
	return 0;
}

int cache_lookup(struct cache *c, const char *url, struct cache_entry *ret, struct err *e)
{
	struct cache_entry found = { .fd = -1 };

	int got = cache_read_record(c, url, &found, e);
	if (got <= 0)
		return got;
	cleanup_free char *path = cache_content_path(c, &found.digest, e);
	struct stat st;
	if (!path) {
		cache_entry_release(&found);
		return -1;
	}
	found.present = stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == found.size;
	*ret = found;
	return found.present;
}

int cache_open_package(struct cache *c, const char *url, const struct digest *expect, struct cache_entry *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry found = { .fd = -1 };
	struct digest actual;
	struct err why;

	int recorded = cache_read_record(c, url, &found, e);
	if (recorded < 0)
		return -1;
	cleanup_free char *shown = url_shown(url, e);
	cleanup_free char *name = url_file_name(url, e);
	if (!shown || !name)
		return -1;
	if (!recorded && !expect)
		return err_set(e, ERR_NOT_FOUND, "package '%s' (%s) is not in the cache", name, shown);
	bool as_recorded = recorded && (!expect || digest_equal(expect, &found.digest));
	const struct digest *wanted = expect ? expect : &found.digest;
	cleanup_free char *path = cache_content_path(c, wanted, e);
	if (!path)
		return -1;
	cleanup_close int fd = file_open(path, &why);
	if (fd < 0 && why.kind == ERR_NOT_FOUND && recorded && !as_recorded)
		return err_set(e, ERR_NOT_FOUND, "package '%s' (%s) is in the cache with another sha256 than expected", name,
			       shown);
	if (fd < 0 && why.kind == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND, "package '%s' (%s) is not in the cache", name, shown);
	if (fd < 0)
		return *e = why, -1;
	uint64_t size = 0;
	if (content_verify(fd, wanted, as_recorded ? &found.size : NULL, &actual, &size, &why) < 0) {
		if (why.kind == ERR_CORRUPT && digest_equal(&actual, wanted))
			err_wrap(&why, "the record of package '%s' is wrong", name);
		else if (why.kind == ERR_CORRUPT) {
			err_wrap(&why, "package '%s' in the cache is damaged", name);
			cache_set_aside(c, path, name, &actual, &why);
		}
		return *e = why, -1;
	}
	if (!recorded) {
		found.url = str_dup(url, e);
		found.name = steal_ptr(&name);
		found.from = str_dup("", e);
		if (!found.url || !found.from)
			return -1;
	}
	found.digest = *wanted;
	found.size = size;
	found.present = true;
	found.fd = steal_fd(&fd);
	*ret = found;
	found = (struct cache_entry){ .fd = -1 };
	return 0;
}
