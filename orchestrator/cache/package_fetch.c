#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/content.h"
#include "cache/incoming.h"
#include "cache/pull.h"
#include "cache/record.h"
#include "cache/storer.h"
#include "fetch/download.h"
#include "fetch/mirror.h"
#include "fetch/url.h"

enum {
	ASK_AGAIN_MS = 200,
	HELD_MAX_MS = 300000, /* a partial file that another process holds and does not write to */
};

/* An item that is not there. */
struct missing {
	size_t item;
	int64_t held_since_ms; /* in another process's hand, and no longer since; 0: not held */
	uint64_t held_size;
};

/* One item on its way: what fetch borrows. */
struct errand {
	struct missing missing;
	char *name, *partial;
	struct strv urls;
	struct digest digest;
	bool digest_known, from_record;
	int64_t last_seen; /* published, seconds since 1970; 0: not known */
	uint64_t counted;  /* what it adds to bytes_total */
};

struct fetching {
	struct cache *cache;
	const struct cache_request *items;
	const struct cache_fetch_options *options;
	struct cache_fetched result;
	struct storer *storer;
	struct missing *missing; /* a ring: what is in another hand goes to its end */
	size_t first, count, room;
	size_t held_in_row;
	int64_t ask_ms;
	uint64_t total, pulled; /* bytes; pulled: of the bucket, of what on_progress tells */
};

static void errand_free(struct errand *r)
{
	if (!r)
		return;
	free(r->name);
	free(r->partial);
	strv_release(&r->urls);
	free(r);
}

DEFINE_CLEANUP(errand, struct errand, errand_free)

static void item_done(struct fetching *g, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	if (failure)
		g->result.failed++;
	if (g->options->on_done)
		g->options->on_done(g->options->context, i, entry, failure);
}

/* --- what is there --- */

/* Reports an item that is there. 1 it is, 0 it is not. */
static int report_if_there(struct fetching *g, size_t i, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	int there = cache_find(g->cache, &g->items[i], &entry, e);
	if (there > 0) {
		g->result.present++;
		item_done(g, i, &entry, NULL);
	}
	return there;
}

static void push_missing(struct fetching *g, const struct missing *m)
{
	g->missing[(g->first + g->count++) % g->room] = *m;
}

static int find_missing(struct fetching *g, size_t n, struct err *e)
{
	g->room = n ? n : 1;
	g->missing = calloc(g->room, sizeof(*g->missing));
	if (!g->missing)
		return err_no_memory(e);
	for (size_t i = 0; i < n; i++) {
		if (cancel_check(g->options->cancel, e) < 0)
			return -1;
		int there = report_if_there(g, i, e);
		if (there < 0)
			return -1;
		if (!there)
			push_missing(g, &(struct missing){ .item = i });
	}
	return 0;
}

/* --- what the bucket has --- */

static void pull_ended(void *context, const struct pull_item *item, const struct cache_entry *entry, const struct err *why)
{
	struct fetching *g = context;

	if (!entry) {
		log_printf(g->cache->log, LOG_WARNING, "%s; trying the mirrors", why->message);
		return;
	}
	g->result.pulled++;
	item_done(g, item->tag, entry, NULL);
}

/* In one go, before anything else. */
static int ask_bucket(struct fetching *g, struct err *e)
{
	struct pull how = { .cache = g->cache,
			    .bucket = g->cache->upstream.bucket,
			    .ended = pull_ended,
			    .progress = g->options->on_progress,
			    .progress_context = g->options->context,
			    .context = g };
	size_t left = g->count;
	cleanup_free size_t *wanted = calloc(left ? left : 1, sizeof(*wanted));

	if (!wanted)
		return err_no_memory(e);
	for (size_t i = 0; i < left; i++)
		wanted[i] = g->missing[i].item;
	if (pull_missing(&how, g->items, wanted, &left, e) < 0)
		return -1;
	g->result.bytes_pulled = g->pulled = how.bytes;
	g->first = g->count = 0;
	for (size_t i = 0; i < left; i++)
		push_missing(g, &(struct missing){ .item = wanted[i] });
	return 0;
}

/* --- fetch's questions --- */

static uint64_t partial_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The digest that the bytes must have: the caller's, else what this URL gave before. */
static int set_expectation(struct fetching *g, struct errand *r, struct err *e)
{
	const struct cache_request *item = &g->items[r->missing.item];
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	if (item->digest_known) {
		r->digest_known = true;
		r->digest = item->digest;
		return 0;
	}
	int recorded = cache_read_record(g->cache, item->url, &entry, e);
	if (recorded <= 0)
		return recorded;
	r->digest_known = r->from_record = true;
	r->digest = entry.digest;
	return 0;
}

/* When the URL was last known to give something: as we are told, or as the record of an earlier fetch has it. */
static int learn_last_seen(struct fetching *g, struct errand *r, struct err *e)
{
	const struct cache_upstream *u = &g->cache->upstream;
	const char *url = g->items[r->missing.item].url;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	if (!u->archive_count)
		return 0;
	r->last_seen = u->last_seen ? u->last_seen(u->context, url) : 0;
	int recorded = cache_read_record(g->cache, url, &entry, e);
	if (recorded > 0 && url_is_fetchable(entry.from) && entry.fetched > r->last_seen)
		r->last_seen = entry.fetched;
	return recorded < 0 ? -1 : 0;
}

static struct errand *errand_new(struct fetching *g, const struct missing *m, struct err *e)
{
	const struct cache_request *item = &g->items[m->item];
	cleanup_of(errand) struct errand *r = calloc(1, sizeof(*r));

	if (!r) {
		err_no_memory(e);
		return NULL;
	}
	r->missing = *m;
	r->name = url_file_name(item->url, e);
	r->partial = cache_partial_path(g->cache, item->url, e);
	if (!r->name || !r->partial || set_expectation(g, r, e) < 0 || learn_last_seen(g, r, e) < 0)
		return NULL;
	if (cache_candidates(g->cache, g->options->mirrors, item->url, r->digest_known ? &r->digest : NULL, r->last_seen, &r->urls,
			     e) < 0)
		return NULL;
	if (item->size_known) {
		uint64_t have = partial_size(r->partial);
		r->counted = item->size - (have < item->size ? have : item->size);
		g->total += r->counted;
	}
	return steal_ptr(&r);
}

/* Reports what the storer is done with; wait: until nothing is under way there. -1 when something could not be stored: the disk
 * fails. */
static int report_stored(struct fetching *g, bool wait, struct err *e)
{
	struct storing *taken;
	int outcome = 0;

	while ((taken = storer_take(g->storer, wait))) {
		cleanup_of(storing) struct storing *w = taken;
		if (w->outcome < 0) {
			item_done(g, w->item, NULL, &w->failure);
			*e = w->failure;
			outcome = -1;
			continue;
		}
		g->result.fetched++;
		item_done(g, w->item, &w->entry, NULL);
	}
	return outcome;
}

/* 1 *ret is the next piece of work, 0 there is none, 2 all that is left is in other hands. */
static int next(void *context, struct fetch_job *ret, struct err *e)
{
	struct fetching *g = context;
	struct err why;

	if (report_stored(g, false, e) < 0)
		return -1;
	while (g->count) {
		if (clock_now_ms() < g->ask_ms)
			return 2;
		struct missing m = g->missing[g->first];
		g->first = (g->first + 1) % g->room;
		g->count--;
		const struct cache_request *item = &g->items[m.item];
		/* Who held it may be done with it. */
		int there = m.held_since_ms ? report_if_there(g, m.item, e) : 0;
		if (there < 0)
			return -1;
		if (there)
			continue;
		struct errand *r = errand_new(g, &m, &why);
		if (!r && why.kind == ERR_INPUT) {
			item_done(g, m.item, NULL, &why);
			continue;
		}
		if (!r) {
			*e = why;
			return -1;
		}
		*ret = (struct fetch_job){
			.tag = r,
			.name = r->name,
			.urls = &r->urls,
			.partial_path = r->partial,
			.digest = r->digest_known ? &r->digest : NULL,
			.size_known = item->size_known,
			.size = item->size,
			.access = g->options->mirrors ? mirror_access(g->options->mirrors, item->url) : NULL,
		};
		return 1;
	}
	return 0;
}

/* Another process, or an equal item before this one, may have got it since we looked. */
static bool wanted(void *context, const struct fetch_job *job)
{
	struct fetching *g = context;
	const struct errand *r = job->tag;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct err ignored;

	if (cache_lookup(g->cache, g->items[r->missing.item].url, &entry, &ignored) <= 0)
		return true;
	return r->digest_known && !digest_equal(&entry.digest, &r->digest);
}

static int store(struct fetching *g, struct errand *r, const struct fetch_result *result, struct partial *p, struct err *e)
{
	struct cache *c = g->cache;
	const char *url = g->items[r->missing.item].url;
	cleanup_of(storing) struct storing *w = calloc(1, sizeof(*w));

	if (!w)
		return err_no_memory(e);
	w->item = r->missing.item;
	w->partial = *p;
	*p = (struct partial){ .fd = -1 };
	w->entry = (struct cache_entry){
		.fd = -1, .digest = result->digest, .size = result->size, .fetched = time(NULL), .present = true, .fresh = true
	};
	w->entry.url = str_dup(url, e);
	w->entry.name = steal_ptr(&r->name);
	w->entry.from = url_shown(result->url, e);
	w->content = cache_content_path(c, &result->digest, e);
	w->record = cache_record_path(c, url, e);
	if (!w->entry.url || !w->entry.from || !w->content || !w->record)
		return -1;
	if (!r->digest_known)
		log_printf(c->log, LOG_DEBUG, "'%s': no digest is known for it, what it is now is trusted from here on",
			   w->entry.name);
	storer_put(g->storer, steal_ptr(&w));
	return report_stored(g, false, e);
}

/* Somebody else is at it: back into the line, unless he has stopped moving. */
static void put_off(struct fetching *g, struct errand *r)
{
	struct missing m = r->missing;
	uint64_t size = partial_size(r->partial);
	int64_t now = clock_now_ms();

	g->total -= r->counted;
	if (!m.held_since_ms || size != m.held_size) {
		m.held_since_ms = now;
		m.held_size = size;
	}
	if (now - m.held_since_ms > HELD_MAX_MS) {
		struct err why;
		err_set(&why, ERR_CONFLICT, "'%s': another process has been fetching it without getting any further for %d minutes",
			r->name, HELD_MAX_MS / 60000);
		item_done(g, m.item, NULL, &why);
		return;
	}
	push_missing(g, &m);
	if (++g->held_in_row >= g->count) {
		g->ask_ms = now + ASK_AGAIN_MS;
		g->held_in_row = 0;
	}
}

static int done(void *context, const struct fetch_job *job, const struct fetch_result *result, struct partial *p,
		const struct err *failure, struct err *e)
{
	struct fetching *g = context;
	cleanup_of(errand) struct errand *r = job->tag;

	if (result) {
		g->held_in_row = 0;
		g->ask_ms = 0;
		if (!g->items[r->missing.item].size_known)
			g->total += result->size;
		return store(g, r, result, p, e);
	}
	if (failure->kind == ERR_CANCELLED)
		return 0;
	if (failure->kind == ERR_CONFLICT) {
		put_off(g, r);
		return 0;
	}
	struct err why = *failure;
	if (why.kind == ERR_CORRUPT && r->from_record)
		err_append(&why, "this is what the same URL gave when it was first fetched");
	item_done(g, r->missing.item, NULL, &why);
	/* Our own disk or memory fails: the next item would fare no better. */
	if (why.kind == ERR_SYSTEM) {
		*e = why;
		return -1;
	}
	return 0;
}

static void rejected(void *context, const struct fetch_job *job, const char *url, struct partial *p, const struct digest *got,
		     const struct err *why)
{
	struct fetching *g = context;
	const struct errand *r = job->tag;
	struct err failed;

	cleanup_free char *shown = url_shown(url, &failed);
	cleanup_free char *reason = shown ? str_printf(&failed, "'%s' from %s: %s", r->name, shown, why->message) : NULL;
	if (!reason || content_set_aside(p->path, g->cache->bad, r->name, got, reason, &failed) < 0) {
		log_printf(g->cache->log, LOG_WARNING, "'%s': wrong bytes could not be set aside: %s", r->name, failed.message);
		return;
	}
	log_printf(g->cache->log, LOG_WARNING, "%s: set aside in %s", reason, g->cache->bad);
}

static void progress(void *context, uint64_t bytes)
{
	struct fetching *g = context;

	g->result.bytes = bytes;
	if (g->options->on_progress)
		g->options->on_progress(g->options->context, g->pulled + bytes, g->pulled + (g->total > bytes ? g->total : bytes));
}

/* Gets what is missing; more than one round only if something was put off when the feed had ended already. */
static int fetch_missing(struct fetching *g, const struct fetch_options *how, struct err *e)
{
	const struct fetch_feed feed = {
		.next = next, .wanted = wanted, .done = done, .rejected = rejected, .progress = progress, .context = g
	};
	cleanup_of(fetch) struct fetch *f = NULL;
	cleanup_of(storer) struct storer *storer = NULL;
	struct err why;
	int outcome = 0;

	if (fetch_new(how, &f, e) < 0 || storer_new(&storer, e) < 0)
		return -1;
	g->storer = storer;
	while (outcome == 0 && g->count)
		outcome = fetch_all(f, &feed, e);
	/* What has come is stored and told, also after a cancel. */
	if (report_stored(g, true, &why) < 0 && outcome == 0) {
		*e = why;
		outcome = -1;
	}
	return outcome;
}

int cache_fetch(struct cache *c, const struct cache_request *items, size_t n, const struct cache_fetch_options *options,
		struct cache_fetched *ret, struct err *e)
{
	struct fetching g = { .cache = c, .items = items, .options = options };
	const struct fetch_options how = {
		.parallel = options->parallel,
		.per_host = options->parallel,
		.tries = options->tries,
		.backoff_ms = options->backoff_ms,
		.stall_seconds = options->stall_seconds,
		.connect_timeout_ms = options->connect_timeout_ms,
		.log = c->log,
		.cancel = options->cancel,
	};

	int outcome = cache_make_dirs(c, e);
	if (c->upstream.bucket)
		incoming_salvage(c);
	if (outcome == 0)
		outcome = find_missing(&g, n, e);
	if (outcome == 0 && g.count && c->upstream.bucket)
		outcome = ask_bucket(&g, e);
	if (outcome == 0 && g.count)
		outcome = fetch_missing(&g, &how, e);
	free(g.missing);
	*ret = g.result;
	return outcome;
}
