#include "crawl/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WAITING_PER_THREAD = 8 };

struct task_queue {
	struct pool_task *first, **end;
	size_t count;
};

struct pool {
	void (*work)(struct pool_task *task);
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t *threads;
	unsigned thread_count;
	struct task_queue waiting, done;
	int event_fd;
	bool ending;
};

static void queue_init(struct task_queue *q)
{
	q->end = &q->first;
}

static void queue_put(struct task_queue *q, struct pool_task *task)
{
	task->next = NULL;
	*q->end = task;
	q->end = &task->next;
	q->count++;
}

static struct pool_task *queue_take(struct task_queue *q)
{
	struct pool_task *task = q->first;

	if (!task)
		return NULL;
	q->first = task->next;
	if (!q->first)
		q->end = &q->first;
	q->count--;
	return task;
}

static void *run(void *context)
{
	struct pool *p = context;

	pthread_mutex_lock(&p->lock);
	while (!p->ending) {
		struct pool_task *task = queue_take(&p->waiting);
		if (!task) {
			pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		p->work(task);
		pthread_mutex_lock(&p->lock);
		queue_put(&p->done, task);
		/* It can't overflow, and nothing else can go wrong with it. */
		if (eventfd_write(p->event_fd, 1) < 0)
			continue;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int start(struct pool *p, unsigned threads, struct err *e)
{
	p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event_fd < 0)
		return err_system(e, errno, "creating an event descriptor");
	p->threads = calloc(threads, sizeof(*p->threads));
	if (!p->threads)
		return err_no_memory(e);
	for (; p->thread_count < threads; p->thread_count++) {
		int rc = pthread_create(&p->threads[p->thread_count], NULL, run, p);
		if (rc)
			return err_system(e, rc, "starting a thread");
	}
	return 0;
}

int pool_new(unsigned threads, void (*work)(struct pool_task *task), struct pool **ret, struct err *e)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (!p)
		return err_no_memory(e);
	p->work = work;
	queue_init(&p->waiting);
	queue_init(&p->done);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (start(p, threads, e) < 0) {
		pool_free(p);
		return -1;
	}
	*ret = p;
	return 0;
}

struct pool_task *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	*p->waiting.end = p->done.first;
	struct pool_task *left = p->waiting.first;
	free(p->threads);
	if (p->event_fd >= 0)
		close(p->event_fd);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return left;
}

void pool_put(struct pool *p, struct pool_task *task)
{
	pthread_mutex_lock(&p->lock);
	queue_put(&p->waiting, task);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
}

struct pool_task *pool_take(struct pool *p)
{
	eventfd_t ignored;

	pthread_mutex_lock(&p->lock);
	struct pool_task *task = queue_take(&p->done);
	/* Emptied only together with the queue, so that the descriptor and the queue never disagree. */
	if (!p->done.count && eventfd_read(p->event_fd, &ignored) < 0)
		ignored = 0;
	pthread_mutex_unlock(&p->lock);
	return task;
}

int pool_fd(const struct pool *p)
{
	return p->event_fd;
}

bool pool_is_full(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	bool full = p->waiting.count >= (size_t)WAITING_PER_THREAD * p->thread_count;
	pthread_mutex_unlock(&p->lock);
	return full;
}
