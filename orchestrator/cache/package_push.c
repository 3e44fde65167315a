#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/content.h"
#include "cache/package_bucket.h"
#include "cache/pull.h"

enum { BATCH = 1000 };

enum push_state { PUSH_MISSING, PUSH_THERE, PUSH_BAD };

/* One content, and the records that name it. */
struct content {
	struct digest digest;
	uint64_t size;
	char *name; /* of the package */
	enum push_state state;
};

struct record {
	struct digest url; /* of the URL's text */
	size_t content;
	bool there;
};

struct pusher {
	struct cache *cache;
	const struct cache_transfer *transfer;
	struct cache_transferred *result;
	struct content *contents; /* by digest */
	size_t content_count;
	struct record *records; /* by digest of the URL */
	size_t record_count;
	size_t room; /* of both, while they are collected */
	uint64_t total, before;
};

static void pusher_release(struct pusher *p)
{
	for (size_t i = 0; i < p->content_count; i++)
		free(p->contents[i].name);
	free(p->contents);
	free(p->records);
}

#define cleanup_pusher __attribute__((cleanup(pusher_release)))

static int compare_digests(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_BYTES);
}

static int compare_contents(const void *a, const void *b)
{
	return compare_digests(&((const struct content *)a)->digest, &((const struct content *)b)->digest);
}

static int compare_records(const void *a, const void *b)
{
	return compare_digests(&((const struct record *)a)->url, &((const struct record *)b)->url);
}

static struct content *find_content(const struct pusher *p, const struct digest *d)
{
	const struct content key = { .digest = *d };

	return p->content_count ? bsearch(&key, p->contents, p->content_count, sizeof(key), compare_contents) : NULL;
}

/* --- what the cache has --- */

static int collect(void *context, const struct cache_entry *entry, struct err *e)
{
	struct pusher *p = context;

	if (!entry->present)
		return 0;
	if (p->record_count == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		struct content *contents = reallocarray(p->contents, room, sizeof(*contents));
		if (!contents)
			return err_no_memory(e);
		p->contents = contents;
		struct record *records = reallocarray(p->records, room, sizeof(*records));
		if (!records)
			return err_no_memory(e);
		p->records = records;
		p->room = room;
	}
	struct content made = { .digest = entry->digest, .size = entry->size, .name = str_dup(entry->name, e) };
	struct record *record = &p->records[p->record_count];
	*record = (struct record){ .content = p->content_count };
	if (!made.name)
		return -1;
	if (digest_of(entry->url, strlen(entry->url), &record->url, e) < 0) {
		free(made.name);
		return -1;
	}
	p->contents[p->content_count++] = made;
	p->record_count++;
	return 0;
}

/* Sorts both; a content that several URLs gave stands there once. */
static int put_in_order(struct pusher *p, struct err *e)
{
	cleanup_free struct digest *digests = calloc(p->record_count + 1, sizeof(*digests));
	size_t kept = 0;

	if (!digests)
		return err_no_memory(e);
	for (size_t i = 0; i < p->record_count; i++)
		digests[i] = p->contents[i].digest;
	if (p->content_count)
		qsort(p->contents, p->content_count, sizeof(*p->contents), compare_contents);
	for (size_t i = 0; i < p->content_count; i++) {
		if (kept && digest_equal(&p->contents[kept - 1].digest, &p->contents[i].digest))
			free(p->contents[i].name);
		else
			p->contents[kept++] = p->contents[i];
	}
	p->content_count = kept;
	for (size_t i = 0; i < p->record_count; i++)
		p->records[i].content = (size_t)(find_content(p, &digests[i]) - p->contents);
	if (p->record_count)
		qsort(p->records, p->record_count, sizeof(*p->records), compare_records);
	return 0;
}

/* --- what the bucket has --- */

static void report_bad(struct pusher *p, struct content *content, const struct err *why)
{
	content->state = PUSH_BAD;
	p->result->bad++;
	if (p->transfer->on_bad)
		p->transfer->on_bad(p->transfer->context, content->name, why);
}

static int see_content(void *context, const char *name, uint64_t size, struct err *e)
{
	struct pusher *p = context;
	struct digest d;
	struct err why;

	struct content *content = cache_content_digest(name, &d) ? find_content(p, &d) : NULL;
	if (!content || content->state != PUSH_MISSING)
		return 0;
	/* Only what stands where a pull looks for it. */
	cleanup_free char *expected = pull_content_name(&d, e);
	if (!expected || strcmp(expected + strlen("sha256/"), name) != 0)
		return expected ? 0 : -1;
	content->state = PUSH_THERE;
	if (size == content->size) {
		p->result->there++;
		return 0;
	}
	err_set(&why, ERR_CORRUPT,
		"'%s': bucket '%s' has it with %llu bytes instead of %llu, as sha256/%s; nothing in a bucket is replaced, so that has "
		"to be removed by hand",
		content->name, bucket_shown(p->transfer->bucket), (unsigned long long)size, (unsigned long long)content->size,
		name);
	report_bad(p, content, &why);
	return 0;
}

static int see_record(void *context, const char *name, uint64_t size, struct err *e)
{
	struct pusher *p = context;
	struct record key = { 0 };
	struct err ignored;

	(void)size, (void)e;
	cleanup_free char *hex = str_printf(&ignored, "%.*s", DIGEST_HEX, path_base(name));
	if (!hex || digest_parse(hex, &key.url, &ignored) < 0 || !p->record_count)
		return 0;
	struct record *record = bsearch(&key, p->records, p->record_count, sizeof(key), compare_records);
	if (record)
		record->there = true;
	return 0;
}

/* --- moving --- */

static void on_moved(void *context, const char *name)
{
	struct pusher *p = context;
	struct digest d;

	struct content *content = cache_content_digest(name, &d) ? find_content(p, &d) : NULL;
	if (!content || content->state != PUSH_MISSING)
		return;
	content->state = PUSH_THERE;
	p->result->moved++;
	p->result->bytes += content->size;
	const struct cache_entry entry = {
		.fd = -1, .url = (char[]){ "" }, .name = content->name, .from = (char[]){ "" }, .digest = d, .size = content->size
	};
	if (p->transfer->on_moved)
		p->transfer->on_moved(p->transfer->context, &entry);
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	struct pusher *p = context;

	(void)total;
	if (p->transfer->on_progress)
		p->transfer->on_progress(p->transfer->context, p->before + done, p->total);
}

/* Nothing goes out that is not what its name says: in the bucket it would stay for ever. 1 good, 0 not. */
static int check_content(struct pusher *p, struct content *content, struct err *e)
{
	struct digest found;
	struct err why;
	cleanup_free char *path = cache_content_path(p->cache, &content->digest, e);
	cleanup_close int fd = path ? file_open(path, &why) : -1;

	if (!path)
		return -1;
	if (fd < 0 && why.kind == ERR_NOT_FOUND)
		return 0;
	if (fd < 0)
		return *e = why, -1;
	if (content_verify(fd, &content->digest, &content->size, &found, NULL, &why) == 0)
		return 1;
	if (why.kind != ERR_CORRUPT)
		return *e = why, -1;
	err_wrap(&why, "package '%s' in the cache is damaged", content->name);
	cache_set_aside(p->cache, path, content->name, &found, &why);
	report_bad(p, content, &why);
	return 0;
}

/* The next names that the bucket lacks; *ret_bytes is what they come to. */
static int next_batch(struct pusher *p, size_t *at, struct strv *ret_names, uint64_t *ret_bytes, struct err *e)
{
	for (; *at < p->content_count && ret_names->len < BATCH; ++*at) {
		struct content *content = &p->contents[*at];
		int good = content->state == PUSH_MISSING ? check_content(p, content, e) : 0;
		if (good < 0 || (good && strv_take(ret_names, pull_content_name(&content->digest, e), e) < 0))
			return -1;
		*ret_bytes += good ? content->size : 0;
	}
	return 0;
}

/* What somebody else put there meanwhile was passed over, and is not told. So is what rclone was told to leave (dry run, filters in
 * its configuration), or what has gone from the cache: the bucket itself says which. */
static int settle_untold(struct pusher *p, size_t untold, struct err *e)
{
	uint64_t settled = p->result->there + p->result->bad;

	if (bucket_list(p->transfer->bucket, "sha256", see_content, p, e) < 0)
		return -1;
	settled = p->result->there + p->result->bad - settled;
	if (settled >= untold)
		return 0;
	return err_set(e, ERR_FAILED, "bucket '%s': rclone reports no failure, but %zu packages are not there",
		       bucket_shown(p->transfer->bucket), untold - (size_t)settled);
}

static int push_contents(struct pusher *p, struct err *e)
{
	const struct bucket_events events = { .moved = on_moved, .progress = on_progress, .context = p };
	size_t untold = 0;

	for (size_t i = 0; i < p->content_count; i++)
		p->total += p->contents[i].state == PUSH_MISSING ? p->contents[i].size : 0;
	for (size_t at = 0; at < p->content_count;) {
		cleanup_strv struct strv names = { 0 };
		uint64_t bytes = 0;
		if (next_batch(p, &at, &names, &bytes, e) < 0 ||
		    bucket_put(p->transfer->bucket, &names, p->cache->root, &events, e) < 0)
			return -1;
		for (size_t i = 0; i < names.len; i++) {
			struct digest d;
			struct content *content = cache_content_digest(names.items[i], &d) ? find_content(p, &d) : NULL;
			untold += content && content->state == PUSH_MISSING;
		}
		p->before += bytes;
	}
	return untold ? settle_untold(p, untold, e) : 0;
}

/* After the contents, so that no record names what the bucket has not. */
static int push_records(struct pusher *p, struct err *e)
{
	const struct bucket_events none = { 0 };

	for (size_t at = 0; at < p->record_count;) {
		cleanup_strv struct strv names = { 0 };
		for (; at < p->record_count && names.len < BATCH; at++) {
			const struct record *record = &p->records[at];
			if (record->there || p->contents[record->content].state != PUSH_THERE)
				continue;
			if (strv_take(&names, content_path("urls", &record->url, ".json", e), e) < 0)
				return -1;
		}
		if (bucket_put(p->transfer->bucket, &names, p->cache->root, &none, e) < 0)
			return -1;
	}
	return 0;
}

int cache_push(struct cache *c, const struct cache_transfer *transfer, struct cache_transferred *ret, struct err *e)
{
	struct cache_transferred result = { 0 };
	cleanup_pusher struct pusher p = { .cache = c, .transfer = transfer, .result = &result };

	*ret = result;
	if (cache_list(c, collect, &p, e) < 0 || put_in_order(&p, e) < 0)
		return -1;
	int outcome = 0;
	if (bucket_list(transfer->bucket, "sha256", see_content, &p, e) < 0 ||
	    bucket_list(transfer->bucket, "urls", see_record, &p, e) < 0 || push_contents(&p, e) < 0 || push_records(&p, e) < 0)
		outcome = -1;
	*ret = result;
	return outcome;
}
