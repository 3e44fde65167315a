#include "crawl/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "crawl/start.h"
#include "crawl/walker.h"
#include "fetch/url.h"

enum { DOCUMENTS_MAX = 100000 }; /* of one index */

/* Nothing that an index is made of is larger (bytes). */
#define DOCUMENT_MAX_BYTES (UINT64_C(512) << 20)

struct seen_url {
	UT_hash_handle hh;
	char url[];
};

void walk_index_release(struct walk_index *index)
{
	struct seen_url *at, *next;

	HASH_ITER(hh, index->seen, at, next)
	{
		HASH_DEL(index->seen, at);
		free(at);
	}
	for (size_t i = 0; i < index->root_count; i++)
		free(index->roots[i].url);
	free(index->roots);
	strv_release(&index->repositories);
	free(index->reason);
	free(index->keyring);
}

/* --- the queue --- */

static void queue_put(struct walk *w, struct visit *v)
{
	v->task.next = NULL;
	*w->end = &v->task;
	w->end = &v->task.next;
}

static struct visit *queue_take(struct walk *w)
{
	struct pool_task *task = w->first;

	if (!task)
		return NULL;
	w->first = task->next;
	if (!w->first)
		w->end = &w->first;
	return (struct visit *)task;
}

/* 1 it is new, 0 it was asked for before: pages may link to each other as they like. */
static int note_seen(struct walk_index *index, const char *url, struct err *e)
{
	size_t len = strlen(url);
	struct seen_url *found;

	HASH_FIND(hh, index->seen, url, len, found);
	if (found)
		return 0;
	if (HASH_COUNT(index->seen) >= DOCUMENTS_MAX)
		return err_set(e, ERR_LIMIT, "the index is made of more than %d documents", DOCUMENTS_MAX);
	struct seen_url *added = malloc(sizeof(*added) + len + 1);
	if (!added)
		return err_no_memory(e);
	memcpy(added->url, url, len + 1);
	HASH_ADD(hh, index->seen, url, len, added);
	return 1;
}

int walk_add(void *context, struct visit *v, struct err *e)
{
	struct walk *w = context;

	if (!v)
		return -1;
	int is_new = note_seen(v->index, v->url, e);
	if (is_new <= 0) {
		visit_free(v);
		return is_new;
	}
	v->program = w->options->program;
	v->cancel = w->options->cancel;
	if (v->size_known)
		w->expected += v->size;
	queue_put(w, v);
	return 1;
}

/* --- from the pool --- */

static int remember(struct walk *w, struct visit *v, struct err *e)
{
	return ledger_document_put(w->ledger, v->key, &v->index->rules_digest, &v->got, w->now, e);
}

static int take_parsed(struct walk *w, struct visit *v, struct err *e)
{
	if (v->has_failed)
		return walk_fail_visit(w, v, &v->failed, e);
	/* Also that of an index that has failed meanwhile: it is as good as it was. */
	if (remember(w, v, e) < 0) {
		visit_free(v);
		return -1;
	}
	if (visit_is_stale(v)) {
		visit_free(v);
		return 0;
	}
	return walk_give(w, v, &v->got.items, false, e);
}

static int drain_pool(struct walk *w, struct err *e)
{
	for (struct pool_task *task; (task = pool_take(w->pool));) {
		w->in_pool--;
		if (take_parsed(w, (struct visit *)task, e) < 0)
			return -1;
	}
	return 0;
}

/* --- fetch's questions --- */

/* 1 the ledger knows what these very bytes give, and v is done with; 0 it must be fetched. */
static int use_known(struct walk *w, struct visit *v, struct err *e)
{
	if (v->stage == VISIT_SIGNATURE)
		return 0;
	int there = ledger_document_get(w->ledger, v->key, &v->index->rules_digest, w->now, &v->known, e);
	if (there <= 0) {
		if (there < 0)
			visit_free(v);
		return there;
	}
	v->has_known = true;
	if (!v->digest_known || !digest_equal(&v->sha256, &v->known.sha256))
		return 0;
	return walk_give(w, v, &v->known.items, true, e) < 0 ? -1 : 1;
}

static int fill_job(struct walk *w, struct visit *v, struct fetch_job *ret, struct err *e)
{
	bool is_signature = v->stage == VISIT_SIGNATURE;
	/* Where the digest is known, what was there before is not it. */
	bool is_conditional = v->has_known && !is_signature && !v->digest_known;

	free(v->partial);
	v->partial = str_printf(e, "%s/%llu", w->scratch.path, w->partials++);
	if (!v->partial)
		return -1;
	*ret = (struct fetch_job){
		.tag = v,
		.name = is_signature ? "signature" : document_kind_name(v->kind),
		.urls = &v->candidates,
		.partial_path = v->partial,
		.digest = v->digest_known && !is_signature ? &v->sha256 : NULL,
		.size_known = v->size_known && !is_signature,
		.size = v->size,
		.max_bytes = DOCUMENT_MAX_BYTES,
		.etag = is_conditional ? v->known.etag : NULL,
		.last_modified = is_conditional ? v->known.last_modified : NULL,
		.access = mirror_access(w->options->mirrors, v->url),
	};
	return 0;
}

/* 1 job, 0 v is done with, -1. */
static int begin(struct walk *w, struct visit *v, struct fetch_job *ret, struct err *e)
{
	struct err why;

	if (visit_is_stale(v)) {
		visit_free(v);
		return 0;
	}
	if (visit_address(v, w->options->mirrors, &why) < 0)
		return walk_fail_visit(w, v, &why, e);
	int known = use_known(w, v, e);
	if (known)
		return known < 0 ? -1 : 0;
	if (fill_job(w, v, ret, e) < 0) {
		visit_free(v);
		return -1;
	}
	w->on_their_way++;
	return 1;
}

static int next(void *context, struct fetch_job *ret, struct err *e)
{
	struct walk *w = context;

	for (;;) {
		if (drain_pool(w, e) < 0)
			return -1;
		/* What has been fetched lies on the disk: no more of it than can be parsed soon. */
		if (pool_is_full(w->pool))
			return 2;
		struct visit *v = queue_take(w);
		if (!v)
			return w->on_their_way || w->in_pool ? 2 : 0;
		int begun = begin(w, v, ret, e);
		if (begun)
			return begun;
	}
}

static int parse(struct walk *w, struct visit *v)
{
	w->in_pool++;
	pool_put(w->pool, &v->task);
	return 0;
}

static int take_signature(struct walk *w, struct visit *v, int fd)
{
	v->signature_fd = fd;
	return parse(w, v);
}

static int take_document(struct walk *w, struct visit *v, const struct fetch_result *result, int fd, struct err *e)
{
	v->fd = fd;
	v->got.sha256 = result->digest;
	v->got.size = result->size;
	/* Validators are their server's own: they say nothing to another one. */
	bool is_first = result->url == v->candidates.items[0];
	if ((is_first && result->etag && !(v->got.etag = str_dup(result->etag, e))) ||
	    (is_first && result->last_modified && !(v->got.last_modified = str_dup(result->last_modified, e)))) {
		visit_free(v);
		return -1;
	}
	if (v->has_known && digest_equal(&v->known.sha256, &v->got.sha256)) {
		v->got.items = v->known.items;
		v->known.items = (struct buf){ 0 };
		if (remember(w, v, e) == 0)
			return walk_give(w, v, &v->got.items, true, e);
		visit_free(v);
		return -1;
	}
	if (v->kind != DOCUMENT_REPOMD || !visit_needs_signature(v))
		return parse(w, v);
	v->stage = VISIT_SIGNATURE;
	queue_put(w, v);
	return 0;
}

static int done(void *context, const struct fetch_job *job, const struct fetch_result *result, struct partial *p,
		const struct err *failure, struct err *e)
{
	struct walk *w = context;
	struct visit *v = job->tag;

	w->on_their_way--;
	if (failure)
		return walk_fail_visit(w, v, failure, e);
	v->index->bytes += result->received;
	if (result->unchanged)
		return walk_give(w, v, &v->known.items, true, e);
	/* The name goes, the file stays as long as it is open. */
	int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		err_system(e, errno, "keeping hold of what was fetched");
		visit_free(v);
		return -1;
	}
	partial_discard(p);
	return v->stage == VISIT_SIGNATURE ? take_signature(w, v, fd) : take_document(w, v, result, fd, e);
}

static void progress(void *context, uint64_t bytes)
{
	struct walk *w = context;

	if (w->options->on_progress)
		w->options->on_progress(w->options->context, bytes, w->expected > bytes ? w->expected : bytes);
}

/* --- the whole --- */

static int start_all(struct walk *w, struct err *e)
{
	struct err why;

	for (size_t i = 0; i < w->count; i++) {
		struct walk_index *index = &w->indexes[i];
		int prepared = index_prepare(index, w->options->root, &why);
		if (prepared < 0 && walk_fail(w, index, &why, e) < 0)
			return -1;
		if (index->state == INDEX_SKIPPED)
			log_printf(w->options->log, LOG_WARNING, "%s: index '%s' is skipped: %s", index->distro, index->rules->name,
				   index->reason);
		if (index->state == INDEX_GOOD && index_start(index, walk_add, w, e) < 0)
			return -1;
	}
	return 0;
}

/* Why a root is no good although each of its documents is; NULL: it is. An archive says under its signature that a suite is empty;
 * of the others an empty answer is only that. */
static const char *root_problem(const struct walk_index *index, const struct walk_root *root)
{
	if (index->rules->kind != INDEX_APT && root->named == 0)
		return "it names nothing at all";
	return root->chosen == 0 ? "it has no package that `packages` takes" : NULL;
}

/* Each root on its own: beside full ones an empty one would hardly be seen. */
static int check_emptiness(const struct walk_index *index, struct err *e)
{
	/* Of a mirror list and the repositories that were tried the last one is what was taken. */
	for (size_t i = index->rules->mirror_list ? index->root_count - 1 : 0; i < index->root_count; i++) {
		const char *problem = root_problem(index, &index->roots[i]);
		cleanup_free char *shown = problem ? url_shown(index->roots[i].url, e) : NULL;
		if (problem)
			return shown ? err_set(e, ERR_CORRUPT, "%s: %s", shown, problem) : -1;
	}
	return 0;
}

static int finish_all(struct walk *w, struct err *e)
{
	struct err why;

	for (size_t i = 0; i < w->count; i++) {
		struct walk_index *index = &w->indexes[i];
		if (index->state != INDEX_GOOD || check_emptiness(index, &why) == 0)
			continue;
		/* The walk is over: no other repository is tried. */
		index->attempt = index->repositories.len;
		if (walk_fail(w, index, &why, e) < 0)
			return -1;
	}
	return 0;
}

static int walk_all(struct walk *w, struct err *e)
{
	struct fetch_options fetch_options = w->options->fetch;
	cleanup_of(fetch) struct fetch *fetch = NULL;
	const struct fetch_feed feed = {
		.next = next,
		.done = done,
		.progress = progress,
		.wake_fd = pool_fd(w->pool),
		.context = w,
	};

	fetch_options.log = w->options->log;
	fetch_options.cancel = w->options->cancel;
	if (start_all(w, e) < 0 || fetch_new(&fetch_options, &fetch, e) < 0 || fetch_all(fetch, &feed, e) < 0)
		return -1;
	return cancel_check(w->options->cancel, e) < 0 ? -1 : finish_all(w, e);
}

static void free_visits(struct pool_task *task)
{
	while (task) {
		struct pool_task *following = task->next;
		visit_free((struct visit *)task);
		task = following;
	}
}

int walk_run(const struct crawl_options *options, struct ledger *ledger, struct walk_index *indexes, size_t count, struct err *e)
{
	struct walk w = { .options = options, .ledger = ledger, .indexes = indexes, .count = count, .now = time(NULL) };
	unsigned threads = options->jobs ? options->jobs : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	cleanup_scratch struct scratch scratch = { .fd = -1 };

	w.end = &w.first;
	if (scratch_open(&scratch, options->scratch_dir, e) < 0 || pool_new(threads, visit_parse, &w.pool, e) < 0)
		return -1;
	w.scratch = scratch;
	int rc = walk_all(&w, e);
	free_visits(w.first);
	/* After a failure the pool may have some yet. */
	free_visits(pool_free(w.pool));
	return rc;
}
