#include "build/supply.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* One package wanted by one job. Several jobs may want the same one; the cache fetches it once. */
struct order {
	struct job *job;
	size_t package;
};

struct orders {
	struct order *items;
	size_t len, room;
};

struct supply {
	struct supply_options options;
	struct cancel cancel; /* of the downloads */
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct orders waiting; /* under lock */
	bool ending;	       /* under lock */
	struct orders current; /* the thread's own */
	bool *reported;	       /* of current */
};

static int orders_add(struct orders *o, struct job *job, size_t package, struct err *e)
{
	if (o->len == o->room) {
		size_t room = o->room ? o->room * 2 : 64;
		struct order *items = reallocarray(o->items, room, sizeof(*items));
		if (!items)
			return err_no_memory(e);
		o->items = items;
		o->room = room;
	}
	o->items[o->len++] = (struct order){ job, package };
	return 0;
}

static void on_done(void *context, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	struct supply *s = context;

	(void)entry;
	s->reported[i] = true;
	s->options.arrived(s->options.context, s->current.items[i].job, failure);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	struct supply *s = context;

	event_send(s->options.listener,
		   &(struct event){ .kind = EVENT_FETCH, .bytes_done = bytes_done, .bytes_total = bytes_total });
}

static void fill_request(const struct order *order, struct cache_request *request)
{
	const char *url = order->job->kernel->packages[order->package].url;
	const struct package_digest *listed = digest_table_find(order->job->distro->digests, url);

	*request = (struct cache_request){ .url = url };
	if (listed) {
		request->digest_known = request->size_known = true;
		request->digest = listed->sha256;
		request->size = listed->size_bytes;
	}
}

static int fetch_current(struct supply *s, struct err *e)
{
	const struct cache_fetch_options options = {
		.mirrors = s->options.mirrors,
		.cancel = &s->cancel,
		.on_done = on_done,
		.on_progress = on_progress,
		.context = s,
	};
	struct cache_fetched fetched;
	cleanup_free struct cache_request *requests = calloc(s->current.len, sizeof(*requests));

	if (!requests)
		return err_no_memory(e);
	for (size_t i = 0; i < s->current.len; i++)
		fill_request(&s->current.items[i], &requests[i]);
	return cache_fetch(s->options.cache, requests, s->current.len, &options, &fetched, e);
}

/* Whatever happens, every order is answered. */
static void serve_current(struct supply *s)
{
	struct err e;
	int result = -1;

	s->reported = calloc(s->current.len, sizeof(*s->reported));
	if (!s->reported)
		err_no_memory(&e);
	else
		result = fetch_current(s, &e);
	for (size_t i = 0; i < s->current.len; i++)
		if (result < 0 && !(s->reported && s->reported[i]))
			s->options.arrived(s->options.context, s->current.items[i].job, &e);
	free(s->reported);
	s->reported = NULL;
}

static void *serve(void *context)
{
	struct supply *s = context;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->ending && s->waiting.len == 0)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->ending)
			break;
		free(s->current.items);
		s->current = s->waiting;
		s->waiting = (struct orders){ 0 };
		pthread_mutex_unlock(&s->lock);
		serve_current(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int supply_start(const struct supply_options *options, struct job *jobs, size_t count, struct supply **ret, struct err *e)
{
	cleanup_of(supply) struct supply *s = calloc(1, sizeof(*s));

	if (!s)
		return err_no_memory(e);
	s->options = *options;
	s->cancel.event_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	for (size_t i = 0; i < count; i++)
		for (size_t p = 0; job_has_work(&jobs[i]) && p < jobs[i].kernel->package_count; p++)
			if (orders_add(&s->waiting, &jobs[i], p, e) < 0)
				return -1;
	if (cancel_init(&s->cancel, e) < 0)
		return -1;
	int rc = pthread_create(&s->thread, NULL, serve, s);
	if (rc)
		return err_system(e, rc, "starting a thread");
	s->started = true;
	*ret = steal_ptr(&s);
	return 0;
}

int supply_again(struct supply *s, struct job *job, size_t package, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int result = orders_add(&s->waiting, job, package, e);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return result;
}

void supply_stop(struct supply *s)
{
	cancel_set(&s->cancel);
}

void supply_free(struct supply *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	if (s->started)
		cancel_set(&s->cancel);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	cancel_release(&s->cancel);
	free(s->waiting.items);
	free(s->current.items);
	free(s);
}
