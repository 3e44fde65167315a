#include "cache/pull.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/content.h"
#include "cache/incoming.h"
#include "cache/record.h"
#include "fetch/url.h"

enum { BATCH = 1000 }; /* names in one call of the program; also how much may lie unchecked at worst */

struct pulling {
	struct pull *pull;
	struct pull_item *items; /* by digest, those without at the end */
	size_t count;
	struct incoming incoming;
	uint64_t total, before; /* bytes: of all, of the calls before this one */
	struct strv damaged;	/* names of what the bucket itself says is damaged, each followed by why */
	bool broken;		/* the cache fails */
	struct err failure;
};

char *pull_content_name(const struct digest *d, struct err *e)
{
	return content_path("sha256", d, "", e);
}

char *pull_record_name(const char *url, struct err *e)
{
	struct digest d;

	return digest_of(url, strlen(url), &d, e) < 0 ? NULL : content_path("urls", &d, ".json", e);
}

static int compare(const void *a, const void *b)
{
	const struct pull_item *x = a, *y = b;

	if (x->digest_known != y->digest_known)
		return x->digest_known ? -1 : 1;
	return x->digest_known ? memcmp(x->digest.bytes, y->digest.bytes, DIGEST_BYTES) : 0;
}

/* The items of one digest, as a range. */
static size_t find(const struct pulling *g, const struct digest *d, size_t *ret_end)
{
	size_t low = 0, high = g->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pull_item *item = &g->items[middle];
		if (item->digest_known && memcmp(item->digest.bytes, d->bytes, DIGEST_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < g->count && g->items[high].digest_known && digest_equal(&g->items[high].digest, d);)
		high++;
	*ret_end = high;
	return low;
}

/* --- what has come --- */

static int write_record(struct pulling *g, const struct pull_item *item, uint64_t size, struct cache_entry *ret, struct err *e)
{
	const char *url = item->url ? item->url : "";
	char hex[DIGEST_HEX + 1];

	digest_hex(&item->digest, hex);
	ret->url = str_dup(url, e);
	ret->name = item->url ? url_file_name(url, e) : str_dup(hex, e);
	ret->from = str_dup(bucket_shown(g->pull->bucket), e);
	if (!ret->url || !ret->name || !ret->from)
		return -1;
	ret->digest = item->digest;
	ret->size = size;
	ret->fetched = time(NULL);
	ret->present = ret->fresh = true;
	cleanup_free char *path = item->url ? cache_record_path(g->pull->cache, url, e) : NULL;
	if (!item->url)
		return 0;
	return path ? record_write(path, ret, e) : -1;
}

static void end_item(struct pulling *g, struct pull_item *item, enum pull_end end, const struct cache_entry *entry,
		     const struct err *why)
{
	item->end = end;
	if (g->pull->ended)
		g->pull->ended(g->pull->context, item, entry, why);
}

static char *name_of(const struct pull_item *item, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(&item->digest, hex);
	return item->url ? url_file_name(item->url, e) : str_dup(hex, e);
}

/* Hashes one content and gives it to all who want it. */
static int take(struct pulling *g, size_t first, size_t end, const char *path, struct err *e)
{
	struct pull_item *item = &g->items[first];
	struct bucket *b = g->pull->bucket;
	uint64_t size = 0;
	struct err why;

	cleanup_free char *name = name_of(item, e);
	if (!name)
		return -1;
	/* The digest says all; a size may be a record's, and wrong. */
	if (incoming_accept(g->pull->cache, path, name, &item->digest, NULL, &size, &why) < 0) {
		if (why.kind != ERR_CORRUPT && why.kind != ERR_HOSTILE)
			return *e = why, -1;
		err_wrap(&why, "'%s' from bucket '%s' is refused", name, bucket_shown(b));
		for (size_t i = first; i < end; i++)
			end_item(g, &g->items[i], PULL_BAD, NULL, &why);
		return 0;
	}
	g->pull->bytes += size;
	for (size_t i = first; i < end; i++) {
		cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
		if (write_record(g, &g->items[i], size, &entry, e) < 0)
			return -1;
		end_item(g, &g->items[i], PULL_MOVED, &entry, NULL);
	}
	return 0;
}

static int take_if_come(struct pulling *g, const struct digest *d, struct err *e)
{
	size_t end, first = find(g, d, &end);

	if (first == end || g->items[first].end != PULL_ABSENT)
		return 0;
	cleanup_free char *contents = path_join(g->incoming.dir, "sha256", e);
	cleanup_free char *path = contents ? content_path(contents, d, "", e) : NULL;
	if (!path)
		return -1;
	int there = path_exists(path, e);
	return there <= 0 ? there : take(g, first, end, path, e);
}

static void on_moved(void *context, const char *name)
{
	struct pulling *g = context;
	struct digest d;

	if (!g->broken && cache_content_digest(name, &d) && take_if_come(g, &d, &g->failure) < 0)
		g->broken = true;
}

static void on_damaged(void *context, const char *name, const char *why)
{
	struct pulling *g = context;

	if (g->broken || strv_has(&g->damaged, name))
		return;
	if (strv_add(&g->damaged, name, &g->failure) < 0 || strv_add(&g->damaged, why, &g->failure) < 0)
		g->broken = true;
}

/* What did not come after all attempts, because it is damaged, is refused as what came and is wrong. */
static int refuse_damaged(struct pulling *g, struct err *e)
{
	for (size_t k = 0; k + 1 < g->damaged.len; k += 2) {
		struct digest d;
		size_t end = 0, first = cache_content_digest(g->damaged.items[k], &d) ? find(g, &d, &end) : 0;
		for (size_t i = first; i < end; i++) {
			struct err why;
			if (g->items[i].end != PULL_ABSENT)
				continue;
			cleanup_free char *name = name_of(&g->items[i], e);
			if (!name)
				return -1;
			err_set(&why, ERR_CORRUPT, "'%s' from bucket '%s' is refused: %s", name, bucket_shown(g->pull->bucket),
				g->damaged.items[k + 1]);
			end_item(g, &g->items[i], PULL_BAD, NULL, &why);
		}
	}
	return 0;
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	struct pulling *g = context;
	uint64_t all = g->before + total > g->total ? g->before + total : g->total;

	if (g->pull->progress)
		g->pull->progress(g->pull->progress_context, g->before + done, all);
}

/* --- asking --- */

int pull_names(struct bucket *b, const struct strv *names, const char *dir, const struct bucket_events *events, struct err *e)
{
	for (size_t at = 0; at < names->len; at += BATCH) {
		size_t n = names->len - at < BATCH ? names->len - at : BATCH;
		/* A part of the list, borrowed. */
		const struct strv part = { .items = names->items + at, .len = n };
		if (bucket_get(b, &part, dir, events, e) < 0)
			return -1;
	}
	return 0;
}

static int ask_batch(struct pulling *g, const struct strv *names, struct err *e)
{
	const struct bucket_events events = { .moved = on_moved, .progress = on_progress, .damaged = on_damaged, .context = g };
	uint64_t before = g->pull->bytes;

	int result = bucket_get(g->pull->bucket, names, g->incoming.dir, &events, e);
	/* Whatever the program told, what lies there counts. */
	/* A program that was ended leaves halves, which are no fault of the bucket's. */
	bool ended = result < 0 && e->kind != ERR_FAILED;
	for (size_t i = 0; i < names->len && !g->broken && !ended; i++)
		on_moved(g, names->items[i]);
	g->before += g->pull->bytes - before;
	if (g->broken) {
		*e = g->failure;
		return -1;
	}
	return refuse_damaged(g, e) < 0 ? -1 : result;
}

/* One object that can't be had (an access list, a link) must not cost the rest; a bucket that gives nothing at all ends it. */
static int ask_contents(struct pulling *g, struct err *e)
{
	int outcome = 0;

	for (size_t at = 0; at < g->count && g->items[at].digest_known;) {
		cleanup_strv struct strv names = { 0 };
		uint64_t before = g->pull->bytes;
		struct err why;
		for (; at < g->count && g->items[at].digest_known && names.len < BATCH; at++) {
			if (at && digest_equal(&g->items[at].digest, &g->items[at - 1].digest))
				continue;
			if (strv_take(&names, pull_content_name(&g->items[at].digest, e), e) < 0)
				return -1;
		}
		if (ask_batch(g, &names, &why) == 0)
			continue;
		if (outcome == 0)
			*e = why;
		outcome = -1;
		if (why.kind != ERR_FAILED || g->pull->bytes == before)
			break;
	}
	return outcome;
}

/* What the bucket's record says of an item whose digest nobody else knows. */
static int read_bucket_record(struct pulling *g, struct pull_item *item, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct err why;
	cleanup_free char *name = pull_record_name(item->url, e);
	cleanup_free char *path = name ? path_join(g->incoming.dir, name, e) : NULL;

	if (!path)
		return -1;
	int got = record_read(path, item->url, &entry, &why);
	if (got < 0)
		log_printf(g->pull->cache->log, LOG_WARNING, "bucket '%s': %s; it counts as missing", bucket_shown(g->pull->bucket),
			   why.message);
	if (got <= 0)
		return 0;
	item->digest_known = item->size_known = true;
	item->digest = entry.digest;
	item->size = entry.size;
	return 0;
}

static int ask_records(struct pulling *g, struct err *e)
{
	const struct bucket_events events = { .damaged = on_damaged, .context = g };
	cleanup_strv struct strv names = { 0 };

	for (size_t i = 0; i < g->count; i++)
		if (!g->items[i].digest_known && strv_take(&names, pull_record_name(g->items[i].url, e), e) < 0)
			return -1;
	if (pull_names(g->pull->bucket, &names, g->incoming.dir, &events, e) < 0)
		return -1;
	if (g->broken)
		return *e = g->failure, -1;
	for (size_t k = 0; k + 1 < g->damaged.len; k += 2)
		log_printf(g->pull->cache->log, LOG_WARNING, "bucket '%s': '%s': %s", bucket_shown(g->pull->bucket),
			   g->damaged.items[k], g->damaged.items[k + 1]);
	for (size_t i = 0; i < g->count; i++)
		if (!g->items[i].digest_known && read_bucket_record(g, &g->items[i], e) < 0)
			return -1;
	return 0;
}

int pull_items(struct pull *p, struct pull_item *items, size_t n, struct err *e)
{
	struct pulling g = { .pull = p, .items = items, .count = n, .incoming = { .lock = -1 } };

	if (!n)
		return 0;
	if (incoming_open(p->cache, &g.incoming, e) < 0)
		return -1;
	int result = ask_records(&g, e);
	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0; i < n; i++) {
		items[i].end = PULL_ABSENT;
		if (items[i].size_known && !(i && digest_equal(&items[i].digest, &items[i - 1].digest)))
			g.total += items[i].size;
	}
	if (result == 0)
		result = ask_contents(&g, e);
	incoming_close(&g.incoming);
	strv_release(&g.damaged);
	return result;
}

/* --- for a fetch --- */

int pull_item_of(struct cache *c, const struct cache_request *request, size_t tag, struct pull_item *ret, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	*ret = (struct pull_item){
		.tag = tag,
		.url = request->url,
		.digest_known = request->digest_known,
		.digest = request->digest,
		.size_known = request->size_known,
		.size = request->size,
	};
	int recorded = request->digest_known ? 0 : cache_read_record(c, request->url, &entry, e);
	if (recorded > 0) {
		ret->digest_known = ret->size_known = true;
		ret->digest = entry.digest;
		ret->size = entry.size;
	}
	return recorded < 0 ? -1 : 0;
}

static int compare_tags(const void *a, const void *b)
{
	size_t x = ((const struct pull_item *)a)->tag, y = ((const struct pull_item *)b)->tag;

	return x < y ? -1 : x > y;
}

int pull_missing(struct pull *p, const struct cache_request *items, size_t *missing, size_t *count, struct err *e)
{
	size_t n = *count;
	struct err why;
	cleanup_free struct pull_item *wanted = calloc(n ? n : 1, sizeof(*wanted));

	if (!wanted)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++)
		if (pull_item_of(p->cache, &items[missing[i]], missing[i], &wanted[i], e) < 0)
			return -1;
	if (pull_items(p, wanted, n, &why) < 0) {
		if (why.kind == ERR_CANCELLED || why.kind == ERR_SYSTEM)
			return *e = why, -1;
		log_printf(p->cache->log, LOG_WARNING, "%s; trying the mirrors", why.message);
	}
	qsort(wanted, n, sizeof(*wanted), compare_tags);
	*count = 0;
	for (size_t i = 0; i < n; i++)
		if (wanted[i].end != PULL_MOVED)
			missing[(*count)++] = wanted[i].tag;
	return 0;
}
