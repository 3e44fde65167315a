#include "cache/record.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/content.h"

enum { RECORD_MAX = 64 << 10 };

static void json_release(json_t *j)
{
	json_decref(j);
}

DEFINE_CLEANUP(json, json_t, json_release)

static int parse_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

	if (!end || *end)
		return -1;
	*ret = timegm(&tm);
	return 0;
}

static int fill(json_t *root, struct cache_entry *ret, struct err *e)
{
	const char *url, *name, *from, *sha256, *fetched;
	json_int_t size;
	json_error_t why;

	if (json_unpack_ex(root, &why, 0, "{s:s, s:s, s:s, s:s, s:s, s:I}", "url", &url, "name", &name, "from", &from, "sha256",
			   &sha256, "fetched", &fetched, "size", &size) < 0)
		return err_set(e, ERR_CORRUPT, "%s", why.text);
	/* It becomes part of paths, and a record may come out of a bucket. */
	if (!path_is_plain(name) || strchr(name, '/'))
		return err_set(e, ERR_CORRUPT, "its name is no file name");
	if (size < 0 || parse_time(fetched, &ret->fetched) < 0)
		return err_set(e, ERR_CORRUPT, "size or time is none");
	if (digest_parse(sha256, &ret->digest, e) < 0)
		return -1;
	ret->size = (uint64_t)size;
	ret->url = str_dup(url, e);
	ret->name = str_dup(name, e);
	ret->from = str_dup(from, e);
	return ret->url && ret->name && ret->from ? 0 : -1;
}

int record_read(const char *path, const char *url, struct cache_entry *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry read = { .fd = -1 };
	cleanup_buf struct buf text = { 0 };
	json_error_t why;

	if (file_read(path, RECORD_MAX, &text, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	cleanup_of(json) json_t *root = json_loadb(buf_text(&text), text.len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return err_set(e, ERR_CORRUPT, "'%s' is no record: %s", path, why.text);
	if (fill(root, &read, e) < 0) {
		if (e->kind == ERR_INPUT)
			e->kind = ERR_CORRUPT;
		return err_wrap(e, "'%s' is no record", path);
	}
	if (url && strcmp(url, read.url) != 0)
		return err_set(e, ERR_CORRUPT, "'%s' is the record of another URL", path);
	*ret = read;
	read = (struct cache_entry){ .fd = -1 };
	return 1;
}

int record_write(const char *path, const struct cache_entry *entry, struct err *e)
{
	char hex[DIGEST_HEX + 1], fetched[32];
	time_t when = (time_t)entry->fetched;
	struct tm tm;

	digest_hex(&entry->digest, hex);
	if (!gmtime_r(&when, &tm) || !strftime(fetched, sizeof(fetched), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return err_set(e, ERR_SYSTEM, "the clock is out of range");
	cleanup_of(json) json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "url", entry->url, "name", entry->name, "from",
						  entry->from, "sha256", hex, "fetched", fetched, "size", (json_int_t)entry->size);
	if (!root)
		return err_set(e, ERR_INPUT, "'%s' can't be recorded: not UTF-8, or out of memory", entry->name);
	cleanup_free char *json = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
	cleanup_free char *text = json ? str_printf(e, "%s\n", json) : NULL;
	if (!text)
		return err_no_memory(e);
	if (content_make_parent(path, e) < 0)
		return -1;
	return file_replace(path, text, strlen(text), 0666, e);
}
