#include "cache/storer.h"

#include <pthread.h>
#include <stdlib.h>

#include "cache/content.h"
#include "cache/record.h"

enum { THREADS = 6, UNDER_WAY_MAX = 32 };

/* First in, first out. */
struct queue {
	struct storing *first, **end;
};

struct storer {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct queue waiting, stored;
	size_t under_way; /* put and not yet stored */
	bool stopping;
	pthread_t threads[THREADS];
	size_t thread_count;
};

static void queue_push(struct queue *q, struct storing *w)
{
	w->next = NULL;
	*q->end = w;
	q->end = &w->next;
}

static struct storing *queue_pop(struct queue *q)
{
	struct storing *w = q->first;

	if (!w)
		return NULL;
	q->first = w->next;
	if (!q->first)
		q->end = &q->first;
	return w;
}

void storing_free(struct storing *w)
{
	if (!w)
		return;
	partial_release(&w->partial);
	free(w->content);
	free(w->record);
	cache_entry_release(&w->entry);
	free(w);
}

/* The record first: whoever finds the partial file gone, and so free to begin, finds everything in place. */
static int store(struct storing *w)
{
	struct err *e = &w->failure;

	if (content_make_parent(w->content, e) < 0 || record_write(w->record, &w->entry, e) < 0 ||
	    partial_commit(&w->partial, w->content, 0444, e) < 0)
		return err_wrap(e, "storing '%s'", w->entry.name);
	return 0;
}

static void *run(void *context)
{
	struct storer *s = context;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct storing *w = queue_pop(&s->waiting);
		if (!w && s->stopping)
			break;
		if (!w) {
			pthread_cond_wait(&s->changed, &s->lock);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		w->outcome = store(w);
		pthread_mutex_lock(&s->lock);
		queue_push(&s->stored, w);
		s->under_way--;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int storer_new(struct storer **ret, struct err *e)
{
	struct storer *s = calloc(1, sizeof(*s));

	if (!s)
		return err_no_memory(e);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->waiting.end = &s->waiting.first;
	s->stored.end = &s->stored.first;
	for (; s->thread_count < THREADS; s->thread_count++) {
		int errnum = pthread_create(&s->threads[s->thread_count], NULL, run, s);
		if (errnum) {
			storer_free(s);
			return err_system(e, errnum, "starting a thread");
		}
	}
	*ret = s;
	return 0;
}

void storer_put(struct storer *s, struct storing *w)
{
	pthread_mutex_lock(&s->lock);
	while (s->under_way >= UNDER_WAY_MAX)
		pthread_cond_wait(&s->changed, &s->lock);
	s->under_way++;
	queue_push(&s->waiting, w);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

struct storing *storer_take(struct storer *s, bool wait)
{
	pthread_mutex_lock(&s->lock);
	while (wait && !s->stored.first && s->under_way)
		pthread_cond_wait(&s->changed, &s->lock);
	struct storing *w = queue_pop(&s->stored);
	pthread_mutex_unlock(&s->lock);
	return w;
}

void storer_free(struct storer *s)
{
	struct storing *w;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->thread_count; i++)
		pthread_join(s->threads[i], NULL);
	while ((w = queue_pop(&s->stored)))
		storing_free(w);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
