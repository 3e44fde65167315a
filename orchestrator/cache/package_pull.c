#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/incoming.h"
#include "cache/package_bucket.h"
#include "cache/pull.h"
#include "cache/record.h"

struct puller {
	struct cache *cache;
	const struct cache_transfer *transfer;
	struct cache_transferred *result;
	struct pull_item *items;
	size_t count, room;
};

static int add(struct puller *p, const struct pull_item *item, struct err *e)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct pull_item *items = reallocarray(p->items, room, sizeof(*items));
		if (!items)
			return err_no_memory(e);
		p->items = items;
		p->room = room;
	}
	p->items[p->count++] = *item;
	return 0;
}

static void ended(void *context, const struct pull_item *item, const struct cache_entry *entry, const struct err *why)
{
	struct puller *p = context;
	char hex[DIGEST_HEX + 1];

	if (entry) {
		p->result->moved++;
		if (p->transfer->on_moved)
			p->transfer->on_moved(p->transfer->context, entry);
		return;
	}
	p->result->bad++;
	digest_hex(&item->digest, hex);
	if (p->transfer->on_bad)
		p->transfer->on_bad(p->transfer->context, item->url ? item->url : hex, why);
}

/* Gets the items collected, and says how it went. An empty place is told from one that merely lacks what we want. */
static int pull(struct puller *p, struct err *e)
{
	struct bucket *b = p->transfer->bucket;
	struct pull how = { .cache = p->cache,
			    .bucket = b,
			    .ended = ended,
			    .context = p,
			    .progress = p->transfer->on_progress,
			    .progress_context = p->transfer->context };

	int result = pull_items(&how, p->items, p->count, e);
	p->result->bytes = how.bytes;
	for (size_t i = 0; i < p->count && result == 0; i++)
		p->result->absent += p->items[i].end == PULL_ABSENT;
	if (result < 0 || !p->count || p->result->absent < p->count)
		return result;
	int exists = bucket_exists(b, e);
	if (exists == 0)
		return err_set(e, ERR_FAILED, "bucket '%s': there is no such place, or it is empty", bucket_shown(b));
	return exists < 0 ? -1 : 0;
}

static int add_request(struct puller *p, const struct cache_request *request, size_t tag, struct err *e)
{
	struct pull_item item;

	return pull_item_of(p->cache, request, tag, &item, e) < 0 ? -1 : add(p, &item, e);
}

int cache_pull(struct cache *c, const struct cache_request *items, size_t n, const struct cache_transfer *transfer,
	       struct cache_transferred *ret, struct err *e)
{
	struct cache_transferred result = { 0 };
	struct puller p = { .cache = c, .transfer = transfer, .result = &result };
	int outcome = cache_make_dirs(c, e);

	incoming_salvage(c);
	for (size_t i = 0; i < n && outcome == 0; i++) {
		cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
		int there = cache_find(c, &items[i], &entry, e);
		if (there > 0)
			result.there++;
		else
			outcome = there < 0 ? -1 : add_request(&p, &items[i], i, e);
	}
	if (outcome == 0)
		outcome = pull(&p, e);
	free(p.items);
	*ret = result;
	return outcome;
}

/* --- everything --- */

static int list_content(void *context, const char *name, uint64_t size, struct err *e)
{
	struct puller *p = context;
	struct pull_item item = { .digest_known = true, .size_known = false };

	(void)size;
	/* Only what stands where it belongs. */
	cleanup_free char *expected = NULL;
	if (!cache_content_digest(name, &item.digest) || !(expected = pull_content_name(&item.digest, e)) ||
	    strcmp(expected + strlen("sha256/"), name) != 0)
		return 0;
	int there = cache_has_content(p->cache, path_base(name), &item.digest, NULL, NULL, e);
	p->result->there += there > 0;
	return there == 0 ? add(p, &item, e) : there < 0 ? -1 : 0;
}

struct record_names {
	struct cache *cache;
	struct puller *puller;
	struct strv missing; /* "urls/ab/<hex>.json" */
	struct strv damaged; /* of them, told already */
};

static int list_record(void *context, const char *name, uint64_t size, struct err *e)
{
	struct record_names *r = context;

	(void)size;
	if (!path_is_plain(name) || !str_ends(name, ".json"))
		return 0;
	cleanup_free char *path = path_join(r->cache->urls, name, e);
	int there = path ? path_exists(path, e) : -1;
	if (there != 0)
		return there < 0 ? -1 : 0;
	return strv_take(&r->missing, str_printf(e, "urls/%s", name), e);
}

static void bad_record(struct puller *p, const char *name, struct err *why)
{
	p->result->bad++;
	err_wrap(why, "bucket '%s'", bucket_shown(p->transfer->bucket));
	if (p->transfer->on_bad)
		p->transfer->on_bad(p->transfer->context, name, why);
}

/* A record is believed when it stands under its URL's name. What we have already, of whatever content, stays. */
static int take_record(struct puller *p, const char *staged, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct err why;

	int got = record_read(staged, NULL, &entry, &why);
	if (got == 0)
		return 0;
	cleanup_free char *path = got > 0 ? cache_record_path(p->cache, entry.url, e) : NULL;
	if (got > 0 && !path)
		return -1;
	if (got > 0 && strcmp(path_base(path), path_base(staged)) != 0)
		got = err_set(&why, ERR_CORRUPT, "'%s' is the record of another URL", path_base(staged));
	if (got > 0)
		return record_write(path, &entry, e);
	bad_record(p, path_base(staged), &why);
	return 0;
}

static void damaged_record(void *context, const char *name, const char *why)
{
	struct record_names *r = context;
	struct err e, ignored;

	if (strv_has(&r->damaged, name) || strv_add(&r->damaged, name, &ignored) < 0)
		return;
	err_set(&e, ERR_CORRUPT, "'%s': %s", name, why);
	bad_record(r->puller, path_base(name), &e);
}

static int pull_records(struct puller *p, struct err *e)
{
	struct record_names names = { .cache = p->cache, .puller = p };
	const struct bucket_events events = { .damaged = damaged_record, .context = &names };
	cleanup_incoming struct incoming incoming = { .lock = -1 };

	int result = bucket_list(p->transfer->bucket, "urls", list_record, &names, e);
	if (result >= 0 && names.missing.len)
		result = incoming_open(p->cache, &incoming, e);
	if (result == 0)
		result = pull_names(p->transfer->bucket, &names.missing, incoming.dir, &events, e);
	for (size_t i = 0; i < names.missing.len && result == 0; i++) {
		cleanup_free char *staged = path_join(incoming.dir, names.missing.items[i], e);
		result = staged ? take_record(p, staged, e) : -1;
	}
	strv_release(&names.missing);
	strv_release(&names.damaged);
	return result < 0 ? -1 : 0;
}

int cache_pull_all(struct cache *c, const struct cache_transfer *transfer, struct cache_transferred *ret, struct err *e)
{
	struct cache_transferred result = { 0 };
	struct puller p = { .cache = c, .transfer = transfer, .result = &result };

	int outcome = cache_make_dirs(c, e);
	incoming_salvage(c);
	if (outcome == 0)
		outcome = bucket_list(transfer->bucket, "sha256", list_content, &p, e);
	if (outcome == 1)
		outcome = err_set(e, ERR_FAILED, "bucket '%s': there is no such place, or it is empty",
				  bucket_shown(transfer->bucket));
	if (outcome == 0)
		outcome = pull(&p, e);
	if (outcome == 0)
		outcome = pull_records(&p, e);
	free(p.items);
	*ret = result;
	return outcome;
}
