#include "build/shared_trees.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum tree_state { TREE_MAKING, TREE_READY, TREE_FAILED, TREE_REMOVING };

struct tree {
	struct shared_place place; /* first: what callers hold is this */
	enum tree_state state;
	unsigned holders, waiters; /* waiters: of its maker */
	bool gone;		   /* its builder is */
	struct err failed;	   /* TREE_FAILED: no longer in the list, the last waiter frees it */
	struct tree *next;
};

struct expectation {
	char *need;
	unsigned jobs;
	struct expectation *next;
};

struct shared_trees {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Newest first: jobs that share are next to each other. */
	struct tree *trees;
	struct expectation *expected;
	unsigned jobs; /* of all expectations */
	bool stopped;
};

int shared_trees_new(struct shared_trees **ret, struct err *e)
{
	struct shared_trees *t = calloc(1, sizeof(*t));
	pthread_condattr_t monotonic;

	if (!t)
		return err_no_memory(e);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*ret = t;
	return 0;
}

static void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	free(tree->place.container);
	free(tree->place.path);
	free(tree->place.need);
	if (tree->place.captures_fd >= 0)
		close(tree->place.captures_fd);
	free(tree);
}

void shared_trees_free(struct shared_trees *t)
{
	if (!t)
		return;
	for (struct tree *tree = t->trees, *next; tree; tree = next) {
		next = tree->next;
		tree_free(tree);
	}
	for (struct expectation *x = t->expected, *next; x; x = next) {
		next = x->next;
		free(x->need);
		free(x);
	}
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- with the lock held --- */

static void unlink_tree(struct shared_trees *t, struct tree *tree)
{
	struct tree **link = &t->trees;

	while (*link != tree)
		link = &(*link)->next;
	*link = tree->next;
}

static void drop_if_gone(struct shared_trees *t, struct tree *tree)
{
	if (!tree->gone || tree->state != TREE_READY || tree->holders || tree->waiters)
		return;
	unlink_tree(t, tree);
	tree_free(tree);
}

static struct tree *find(const struct shared_trees *t, const char *container, const char *path)
{
	struct tree *tree = t->trees;

	while (tree && (strcmp(tree->place.path, path) != 0 || strcmp(tree->place.container, container) != 0))
		tree = tree->next;
	return tree;
}

static struct expectation **find_expectation(struct shared_trees *t, const char *need)
{
	struct expectation **link = &t->expected;

	while (*link && strcmp((*link)->need, need) != 0)
		link = &(*link)->next;
	return link;
}

/* A place for the caller to make the tree at. */
static int add(struct shared_trees *t, const char *container, const char *path, const char *need, unsigned slot,
	       struct shared_place **ret, struct err *e)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return err_no_memory(e);
	tree->state = TREE_MAKING;
	tree->holders = 1;
	tree->place = (struct shared_place){ .container = str_dup(container, e),
					     .path = str_dup(path, e),
					     .need = str_dup(need, e),
					     .slot = slot,
					     .captures_fd = -1 };
	if (!tree->place.container || !tree->place.path || !tree->place.need) {
		tree_free(tree);
		return -1;
	}
	tree->next = t->trees;
	t->trees = tree;
	*ret = &tree->place;
	return 0;
}

static int wait_for_change(struct shared_trees *t, int64_t deadline_ms, struct err *e)
{
	const struct timespec until = { .tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000 };

	if (t->stopped)
		return err_set(e, ERR_CANCELLED, "cancelled");
	if (deadline_ms && clock_now_ms() >= deadline_ms)
		return err_set(e, ERR_TIMEOUT, "waiting for what it shares with other kernels took too long");
	if (deadline_ms)
		pthread_cond_timedwait(&t->changed, &t->lock, &until);
	else
		pthread_cond_wait(&t->changed, &t->lock);
	return 0;
}

/* While another makes it. 0: look again. */
static int await_maker(struct shared_trees *t, struct tree *tree, int64_t deadline_ms, struct err *e)
{
	int result = 0;

	tree->waiters++;
	while (tree->state == TREE_MAKING && result == 0)
		result = wait_for_change(t, deadline_ms, e);
	tree->waiters--;
	if (tree->state != TREE_FAILED)
		return result;
	*e = tree->failed;
	if (!tree->waiters)
		tree_free(tree);
	return -1;
}

static int get(struct shared_trees *t, const char *container, const char *path, const char *need, unsigned slot,
	       int64_t deadline_ms, struct shared_place **ret, struct err *e)
{
	struct tree *tree;

	for (;;) {
		if (t->stopped)
			return err_set(e, ERR_CANCELLED, "cancelled");
		tree = find(t, container, path);
		if (!tree)
			return add(t, container, path, need, slot, ret, e) < 0 ? -1 : 1;
		if (tree->state == TREE_READY)
			break;
		int waited = tree->state == TREE_MAKING ? await_maker(t, tree, deadline_ms, e) : wait_for_change(t, deadline_ms, e);
		if (waited < 0)
			return -1;
	}
	if (tree->gone) {
		drop_if_gone(t, tree);
		return err_set(e, ERR_TEMPORARY, "the builder died before it built this kernel");
	}
	tree->holders++;
	*ret = &tree->place;
	return 0;
}

/* --- */

int shared_trees_expect(struct shared_trees *t, const char *need, struct err *e)
{
	int result = 0;

	pthread_mutex_lock(&t->lock);
	struct expectation *x = *find_expectation(t, need);
	if (!x && (x = calloc(1, sizeof(*x)))) {
		x->need = strdup(need);
		x->next = t->expected;
		t->expected = x;
	}
	if (x && x->need) {
		x->jobs++;
		t->jobs++;
	} else {
		result = err_no_memory(e);
		if (x)
			t->expected = x->next;
		free(x);
	}
	pthread_mutex_unlock(&t->lock);
	return result;
}

void shared_trees_leave(struct shared_trees *t, const char *need)
{
	pthread_mutex_lock(&t->lock);
	struct expectation **link = find_expectation(t, need), *x = *link;
	if (x) {
		t->jobs--;
		if (--x->jobs == 0) {
			*link = x->next;
			free(x->need);
			free(x);
		}
	}
	pthread_mutex_unlock(&t->lock);
}

int shared_trees_get(struct shared_trees *t, const char *container, const char *path, const char *need, unsigned slot,
		     int64_t deadline_ms, struct shared_place **ret, struct err *e)
{
	pthread_mutex_lock(&t->lock);
	int result = get(t, container, path, need, slot, deadline_ms, ret, e);
	pthread_mutex_unlock(&t->lock);
	return result;
}

void shared_trees_made(struct shared_trees *t, struct shared_place *place)
{
	pthread_mutex_lock(&t->lock);
	((struct tree *)place)->state = TREE_READY;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void shared_trees_failed(struct shared_trees *t, struct shared_place *place, const struct err *why)
{
	struct tree *tree = (struct tree *)place;

	pthread_mutex_lock(&t->lock);
	unlink_tree(t, tree);
	tree->state = TREE_FAILED;
	tree->failed = *why;
	if (!tree->waiters)
		tree_free(tree);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void shared_trees_put(struct shared_trees *t, struct shared_place *place)
{
	struct tree *tree = (struct tree *)place;

	pthread_mutex_lock(&t->lock);
	tree->holders--;
	drop_if_gone(t, tree);
	pthread_mutex_unlock(&t->lock);
}

void shared_trees_forget(struct shared_trees *t, const char *container)
{
	pthread_mutex_lock(&t->lock);
	for (struct tree *tree = t->trees, *next; tree; tree = next) {
		next = tree->next;
		if (strcmp(tree->place.container, container) != 0)
			continue;
		tree->gone = true;
		drop_if_gone(t, tree);
	}
	pthread_mutex_unlock(&t->lock);
}

void shared_trees_stop(struct shared_trees *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopped = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static bool is_unneeded(struct shared_trees *t, const struct tree *tree)
{
	return tree->state == TREE_READY && !tree->gone && !tree->holders && !tree->waiters &&
	       !*find_expectation(t, tree->place.need);
}

int shared_trees_unneeded(struct shared_trees *t, struct shared_place **ret)
{
	pthread_mutex_lock(&t->lock);
	struct tree *tree = t->jobs ? t->trees : NULL;
	while (tree && !is_unneeded(t, tree))
		tree = tree->next;
	if (tree) {
		tree->state = TREE_REMOVING;
		*ret = &tree->place;
	}
	pthread_mutex_unlock(&t->lock);
	return tree ? 1 : 0;
}

void shared_trees_removed(struct shared_trees *t, struct shared_place *place)
{
	struct tree *tree = (struct tree *)place;

	pthread_mutex_lock(&t->lock);
	unlink_tree(t, tree);
	tree_free(tree);
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}
