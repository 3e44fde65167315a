#define HASH_NONFATAL_OOM 1

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/package_upkeep.h"
#include "cache/record.h"
#include "cache/walk.h"

/* A set of digests: of URLs, or of contents. */
struct member {
	UT_hash_handle hh;
	struct digest digest;
};

struct set {
	struct member *members;
};

static void set_release(struct set *s)
{
	struct member *m, *next;

	HASH_ITER(hh, s->members, m, next)
	{
		HASH_DEL(s->members, m);
		free(m);
	}
}

static bool set_has(const struct set *s, const struct digest *d)
{
	struct member *m = NULL;

	HASH_FIND(hh, s->members, d->bytes, DIGEST_BYTES, m);
	return m;
}

static int set_add(struct set *s, const struct digest *d, struct err *e)
{
	if (set_has(s, d))
		return 0;
	struct member *m = calloc(1, sizeof(*m));
	if (!m)
		return err_no_memory(e);
	m->digest = *d;
	HASH_ADD(hh, s->members, digest.bytes, DIGEST_BYTES, m);
	if (!m->hh.tbl) {
		free(m);
		return err_no_memory(e);
	}
	return 0;
}

struct cache_keep {
	struct set urls, contents;
};

int cache_keep_new(struct cache_keep **ret, struct err *e)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : err_no_memory(e);
}

void cache_keep_free(struct cache_keep *k)
{
	if (!k)
		return;
	set_release(&k->urls);
	set_release(&k->contents);
	free(k);
}

int cache_keep_url(struct cache_keep *k, const char *url, const struct digest *digest, struct err *e)
{
	struct digest d;

	if (digest_of(url, strlen(url), &d, e) < 0 || set_add(&k->urls, &d, e) < 0)
		return -1;
	return digest ? set_add(&k->contents, digest, e) : 0;
}

size_t cache_keep_count(const struct cache_keep *k)
{
	return HASH_COUNT(k->urls.members);
}

/* --- one prune --- */

/* A content that may go, and the URLs that gave it. */
struct doomed {
	UT_hash_handle hh;
	struct digest digest;
	struct strv urls;
	char *name;
};

struct prune {
	struct cache *cache;
	const struct cache_keep *keep;
	const struct cache_prune_options *options;
	struct cache_pruned result;
	struct set needed; /* contents that records of kept or young URLs name */
	struct doomed *doomed;
	time_t now;
};

static void prune_release(struct prune *p)
{
	struct doomed *d, *next;

	HASH_ITER(hh, p->doomed, d, next)
	{
		HASH_DEL(p->doomed, d);
		strv_release(&d->urls);
		free(d->name);
		free(d);
	}
	set_release(&p->needed);
}

#define cleanup_prune __attribute__((cleanup(prune_release)))

/* Both times, since an adopted content is old in its bytes and new in what it is for. A file may be stamped later than `now`, by
 * another clock or by a kernel whose stamps run ahead of time(2): without a grace even that one is not young. */
static bool is_young(const struct prune *p, const struct stat *st)
{
	if (p->options->grace_s == 0)
		return false;
	time_t newest = st->st_mtime > st->st_ctime ? st->st_mtime : st->st_ctime;

	return p->now - newest < (time_t)p->options->grace_s;
}

static void tell(struct prune *p, const char *name, const struct strv *urls, const struct digest *digest, uint64_t size)
{
	static const char *const none[] = { NULL };

	if (p->options->on_drop)
		p->options->on_drop(p->options->context, name, urls && urls->len ? (const char *const *)urls->items : none, digest,
				    size);
}

static int remove_file(struct prune *p, const char *path, struct err *e)
{
	if (!p->options->really || unlink(path) == 0 || errno == ENOENT)
		return 0;
	return err_system(e, errno, "removing '%s'", path);
}

static int note_doomed(struct prune *p, const struct cache_entry *entry, struct err *e)
{
	struct doomed *d = NULL;

	HASH_FIND(hh, p->doomed, entry->digest.bytes, DIGEST_BYTES, d);
	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return err_no_memory(e);
		d->digest = entry->digest;
		HASH_ADD(hh, p->doomed, digest.bytes, DIGEST_BYTES, d);
		if (!d->hh.tbl) {
			free(d);
			return err_no_memory(e);
		}
	}
	if (!d->name && !(d->name = str_dup(entry->name, e)))
		return -1;
	return strv_has(&d->urls, entry->url) ? 0 : strv_add(&d->urls, entry->url, e);
}

/* 1 the record stays, 0 it goes, -1. A damaged record of a URL that nobody keeps is left to `verify`. One of a kept URL may be all
 * that names a package which no mirror has any more, so it ends the prune; so does one that can't be read now. */
static int judge_record(struct prune *p, const char *path, struct cache_entry *ret, struct err *e)
{
	struct digest url;
	struct err why;
	struct stat st;
	cleanup_free char *hex = str_printf(e, "%.*s", DIGEST_HEX, path_base(path));

	if (!hex)
		return -1;
	if (!str_ends(path, ".json") || digest_parse(hex, &url, &why) < 0)
		return 1;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 1 : err_system(e, errno, "'%s'", path);
	int got = record_read(path, NULL, ret, &why);
	if (got < 0 && why.kind != ERR_CORRUPT && why.kind != ERR_LIMIT)
		return *e = why, -1;
	if (got < 0 && set_has(&p->keep->urls, &url))
		return err_set(e, ERR_CHECK, "%s; which package it keeps is not known, `cache verify` sets it aside", why.message);
	if (got <= 0)
		return 1;
	return set_has(&p->keep->urls, &url) || is_young(p, &st);
}

static int see_record(void *context, const char *path, struct err *e)
{
	struct prune *p = context;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	int stays = judge_record(p, path, &entry, e);
	if (stays < 0)
		return -1;
	if (stays)
		return entry.url ? set_add(&p->needed, &entry.digest, e) : 0;
	return note_doomed(p, &entry, e);
}

static int drop_record(void *context, const char *path, struct err *e)
{
	struct prune *p = context;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	/* Read once more: what has been written anew since is young. */
	int stays = judge_record(p, path, &entry, e);
	if (stays)
		return stays < 0 ? -1 : 0;
	cleanup_free char *content = cache_content_path(p->cache, &entry.digest, e);
	int there = content ? path_exists(content, e) : -1;
	if (there < 0)
		return -1;
	if (!there)
		tell(p, entry.name, &(struct strv){ .items = (char *[]){ entry.url, NULL }, .len = 1 }, NULL, 0);
	p->result.records++;
	return remove_file(p, path, e);
}

static int drop_content(void *context, const char *path, struct err *e)
{
	struct prune *p = context;
	struct digest digest;
	struct stat st;
	struct doomed *d = NULL;

	if (!cache_content_digest(path, &digest) || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (set_has(&p->keep->contents, &digest) || set_has(&p->needed, &digest))
		return 0;
	if (is_young(p, &st)) {
		p->result.young++;
		return 0;
	}
	HASH_FIND(hh, p->doomed, digest.bytes, DIGEST_BYTES, d);
	tell(p, d ? d->name : path_base(path), d ? &d->urls : NULL, &digest, (uint64_t)st.st_size);
	p->result.packages++;
	p->result.bytes += (uint64_t)st.st_size;
	return remove_file(p, path, e);
}

/* Unfinished downloads are named by their URL's digest, `.from` beside them. */
static int drop_partials(struct prune *p, struct err *e)
{
	cleanup_strv struct strv names = { 0 };
	struct err ignored;

	if (walk_names(p->cache->partials, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.len; i++) {
		struct digest url;
		struct stat st;
		cleanup_free char *hex = str_printf(e, "%.*s", DIGEST_HEX, names.items[i]);
		cleanup_free char *path = hex ? path_join(p->cache->partials, names.items[i], e) : NULL;
		if (!path)
			return -1;
		if (digest_parse(hex, &url, &ignored) < 0 || set_has(&p->keep->urls, &url) || lstat(path, &st) < 0 ||
		    is_young(p, &st))
			continue;
		if (!str_ends(path, ".from")) {
			tell(p, names.items[i], NULL, NULL, (uint64_t)st.st_size);
			p->result.partials++;
			p->result.bytes += (uint64_t)st.st_size;
		}
		if (remove_file(p, path, e) < 0)
			return -1;
	}
	return 0;
}

int cache_prune(struct cache *c, const struct cache_keep *keep, const struct cache_prune_options *options, struct cache_pruned *ret,
		struct err *e)
{
	cleanup_prune struct prune p = { .cache = c, .keep = keep, .options = options, .now = time(NULL) };

	/* Records go before contents: one that names bytes which are gone would only cost a look. Before contents go, all records
	 * are read again. */
	if (walk_files(c->urls, see_record, &p, e) < 0 || walk_files(c->urls, drop_record, &p, e) < 0)
		return -1;
	set_release(&p.needed);
	if (walk_files(c->urls, see_record, &p, e) < 0 || walk_files(c->contents, drop_content, &p, e) < 0 ||
	    drop_partials(&p, e) < 0)
		return -1;
	*ret = p.result;
	return 0;
}
