#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cache/cache.h"
#include "cache/content.h"
#include "cache/package_upkeep.h"
#include "cache/record.h"
#include "cache/walk.h"

DEFINE_CLEANUP(hasher, struct hasher, hasher_free)

enum { CHUNK = 256 * 1024, PROGRESS_MS = 200, JOBS_MAX = 256 };

struct file {
	struct digest digest;
	uint64_t size;
	bool bad;
};

struct verify {
	struct cache *cache;
	const struct cache_verify_options *options;
	struct cache_verified result;
	struct file *files; /* largest first: the last one to end should be a small one */
	size_t count, room;
	uint64_t total;
	/* of the threads */
	atomic_size_t next;
	atomic_uint_fast64_t hashed;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned running;
	bool broken; /* under lock, with failure */
	struct err failure;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	return x->size < y->size ? 1 : x->size > y->size ? -1 : 0;
}

/* A file in the contents that is not named by a digest, such as the temporary file of a program that was killed, is nothing of
 * ours to judge. */
static int collect(void *context, const char *path, struct err *e)
{
	struct verify *v = context;
	struct file found = { 0 };
	struct stat st;

	if (!cache_content_digest(path, &found.digest) || lstat(path, &st) < 0)
		return 0;
	if (v->count == v->room) {
		size_t room = v->room ? v->room * 2 : 1024;
		struct file *files = reallocarray(v->files, room, sizeof(*files));
		if (!files)
			return err_no_memory(e);
		v->files = files;
		v->room = room;
	}
	found.size = (uint64_t)st.st_size;
	v->files[v->count++] = found;
	v->total += found.size;
	return 0;
}

/* --- in the threads --- */

static void fail(struct verify *v, const struct err *why)
{
	pthread_mutex_lock(&v->lock);
	if (!v->broken)
		v->failure = *why;
	v->broken = true;
	pthread_mutex_unlock(&v->lock);
	atomic_store(&v->stop, true);
}

/* 0 hashed, 1 told to stop, -1. */
static int hash(struct verify *v, int fd, struct hasher *hasher, char *chunk, struct digest *ret, struct err *e)
{
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (;;) {
		if (atomic_load_explicit(&v->stop, memory_order_relaxed))
			return 1;
		ssize_t n = read(fd, chunk, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, errno, "reading");
		if (n == 0)
			return hasher_finish(hasher, ret, e);
		if (hasher_update(hasher, chunk, (size_t)n, e) < 0)
			return -1;
		atomic_fetch_add_explicit(&v->hashed, (uint64_t)n, memory_order_relaxed);
	}
}

static int check(struct verify *v, struct file *file, struct hasher *hasher, char *chunk, struct err *e)
{
	struct digest found;
	cleanup_free char *path = cache_content_path(v->cache, &file->digest, e);
	cleanup_close int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

	if (!path)
		return -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	/* A link in the place of a package. */
	if (fd < 0 && errno == ELOOP) {
		file->bad = true;
		return 0;
	}
	if (fd < 0)
		return err_system(e, errno, "opening '%s'", path);
	int outcome = hash(v, fd, hasher, chunk, &found, e);
	if (outcome < 0)
		return err_wrap(e, "'%s'", path);
	file->bad = outcome == 0 && !digest_equal(&found, &file->digest);
	return 0;
}

static void *work(void *context)
{
	struct verify *v = context;
	struct err e;
	cleanup_of(hasher) struct hasher *hasher = hasher_new(&e);
	cleanup_free char *chunk = malloc(CHUNK);
	size_t i;

	if (hasher && !chunk)
		err_no_memory(&e);
	if (!hasher || !chunk)
		fail(v, &e);
	else
		while (!atomic_load(&v->stop) && (i = atomic_fetch_add(&v->next, 1)) < v->count)
			if (check(v, &v->files[i], hasher, chunk, &e) < 0)
				fail(v, &e);
	pthread_mutex_lock(&v->lock);
	v->running--;
	pthread_cond_signal(&v->changed);
	pthread_mutex_unlock(&v->lock);
	return NULL;
}

/* --- in the caller's --- */

static void report(struct verify *v)
{
	if (v->options->on_progress)
		v->options->on_progress(v->options->context, atomic_load(&v->hashed), v->total);
}

/* Sleeps and reports until all threads have ended. */
static void watch(struct verify *v)
{
	pthread_mutex_lock(&v->lock);
	while (v->running) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&v->changed, &v->lock, &until);
		if (cancel_is_set(v->options->cancel))
			atomic_store(&v->stop, true);
		pthread_mutex_unlock(&v->lock);
		report(v);
		pthread_mutex_lock(&v->lock);
	}
	pthread_mutex_unlock(&v->lock);
}

static int hash_all(struct verify *v, struct err *e)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned jobs = v->options->jobs ? v->options->jobs : cores > 0 ? (unsigned)cores : 1;
	pthread_t threads[JOBS_MAX];
	unsigned started = 0;

	if (jobs > JOBS_MAX)
		jobs = JOBS_MAX;
	if (jobs > v->count)
		jobs = (unsigned)v->count;
	for (; started < jobs; started++) {
		pthread_mutex_lock(&v->lock);
		v->running++;
		pthread_mutex_unlock(&v->lock);
		int errnum = pthread_create(&threads[started], NULL, work, v);
		if (!errnum)
			continue;
		struct err why;
		err_system(&why, errnum, "starting a thread");
		pthread_mutex_lock(&v->lock);
		v->running--;
		pthread_mutex_unlock(&v->lock);
		fail(v, &why);
		break;
	}
	watch(v);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (v->broken)
		return *e = v->failure, -1;
	return cancel_check(v->options->cancel, e);
}

/* --- what was found --- */

/* A bad content, and who named it. */
struct condemned {
	struct digest digest;
	struct strv urls;
	char *name; /* of the package; NULL: no record names it */
};

struct court {
	struct condemned *items; /* by digest */
	size_t count;
};

static void court_release(struct court *c)
{
	for (size_t i = 0; i < c->count; i++) {
		strv_release(&c->items[i].urls);
		free(c->items[i].name);
	}
	free(c->items);
}

#define cleanup_court __attribute__((cleanup(court_release)))

static int compare_digests(const void *a, const void *b)
{
	return memcmp(((const struct condemned *)a)->digest.bytes, ((const struct condemned *)b)->digest.bytes, DIGEST_BYTES);
}

static int fill_court(const struct verify *v, struct court *c, struct err *e)
{
	size_t bad = 0;

	for (size_t i = 0; i < v->count; i++)
		bad += v->files[i].bad;
	c->items = calloc(bad ? bad : 1, sizeof(*c->items));
	if (!c->items)
		return err_no_memory(e);
	for (size_t i = 0; i < v->count; i++)
		if (v->files[i].bad)
			c->items[c->count++].digest = v->files[i].digest;
	qsort(c->items, c->count, sizeof(*c->items), compare_digests);
	return 0;
}

static int note_owner(void *context, const struct cache_entry *entry, struct err *e)
{
	struct court *c = context;
	const struct condemned key = { .digest = entry->digest };

	struct condemned *found = bsearch(&key, c->items, c->count, sizeof(key), compare_digests);
	if (!found)
		return 0;
	if (!found->name && !(found->name = str_dup(entry->name, e)))
		return -1;
	return strv_add(&found->urls, entry->url, e);
}

static void report_bad(struct verify *v, const char *name, const struct strv *urls, const struct err *why)
{
	static const char *const none[] = { NULL };
	const struct cache_bad bad = { name, urls && urls->len ? (const char *const *)urls->items : none, why };

	if (v->options->on_bad)
		v->options->on_bad(v->options->context, &bad);
}

/* Looks at it again, since somebody may have put a good one there, then sets it aside. */
static int condemn(struct verify *v, const struct condemned *one, struct err *e)
{
	char hex[DIGEST_HEX + 1];
	struct digest found = one->digest;
	struct err why;
	cleanup_free char *path = cache_content_path(v->cache, &one->digest, e);
	cleanup_close int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

	if (!path)
		return -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && errno != ELOOP)
		return err_system(e, errno, "opening '%s'", path);
	digest_hex(&one->digest, hex);
	const char *name = one->name ? one->name : hex;
	if (fd < 0)
		err_set(&why, ERR_CORRUPT, "it is a link, not a file");
	else if (content_verify(fd, &one->digest, NULL, &found, NULL, &why) == 0)
		return 0;
	if (why.kind != ERR_CORRUPT)
		return *e = why, -1;
	err_wrap(&why, "package '%s' in the cache is damaged", name);
	cache_set_aside(v->cache, path, name, &found, &why);
	v->result.bad++;
	report_bad(v, name, &one->urls, &why);
	return 0;
}

static int condemn_all(struct verify *v, struct err *e)
{
	cleanup_court struct court court = { 0 };

	if (fill_court(v, &court, e) < 0)
		return -1;
	if (court.count && cache_list(v->cache, note_owner, &court, e) < 0)
		return -1;
	for (size_t i = 0; i < court.count; i++)
		if (condemn(v, &court.items[i], e) < 0)
			return -1;
	return 0;
}

static int check_record(void *context, const char *path, struct err *e)
{
	struct verify *v = context;
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	struct digest url;
	struct stat st;
	struct err why;

	if (!str_ends(path, ".json"))
		return 0;
	int got = record_read(path, NULL, &entry, &why);
	if (got == 0)
		return 0;
	cleanup_free char *place = got > 0 ? cache_record_path(v->cache, entry.url, e) : NULL;
	if (got > 0 && !place)
		return -1;
	if (got > 0 && strcmp(place, path) != 0)
		got = err_set(&why, ERR_CORRUPT, "'%s' is the record of another URL", path);
	cleanup_free char *content = got > 0 ? cache_content_path(v->cache, &entry.digest, e) : NULL;
	if (got > 0 && !content)
		return -1;
	bool there = got > 0 && lstat(content, &st) == 0;
	/* All contents have been hashed by now: it is the record that is wrong. */
	if (there && (uint64_t)st.st_size != entry.size)
		got = err_set(&why, ERR_CORRUPT, "'%s' says another size than its package has", path);
	if (got < 0 && why.kind != ERR_CORRUPT && why.kind != ERR_LIMIT)
		return *e = why, -1;
	if (got < 0) {
		if (digest_of(path, strlen(path), &url, e) < 0)
			return -1;
		cache_set_aside(v->cache, path, path_base(path), &url, &why);
		v->result.bad_records++;
		report_bad(v, path_base(path), NULL, &why);
		return 0;
	}
	v->result.missing += !there;
	return 0;
}

int cache_verify(struct cache *c, const struct cache_verify_options *options, struct cache_verified *ret, struct err *e)
{
	struct verify v = { .cache = c, .options = options };

	pthread_mutex_init(&v.lock, NULL);
	pthread_cond_init(&v.changed, NULL);
	int outcome = walk_files(c->contents, collect, &v, e);
	if (outcome == 0 && v.count)
		qsort(v.files, v.count, sizeof(*v.files), compare_sizes);
	if (outcome == 0)
		outcome = hash_all(&v, e);
	/* What has been found so far is set aside also after a cancel. */
	struct err why;
	if (condemn_all(&v, &why) < 0 && outcome == 0) {
		*e = why;
		outcome = -1;
	}
	if (outcome == 0)
		outcome = walk_files(c->urls, check_record, &v, e);
	report(&v);
	v.result.good = v.count - v.result.bad;
	v.result.bytes = atomic_load(&v.hashed);
	*ret = v.result;
	free(v.files);
	pthread_cond_destroy(&v.changed);
	pthread_mutex_destroy(&v.lock);
	return outcome;
}
