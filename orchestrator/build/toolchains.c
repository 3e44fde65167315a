#include "build/toolchains.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "toolchain/toolchain.h"

struct one {
	pthread_mutex_t lock; /* held while it is looked for or made */
	const struct recipe *recipe;
	struct toolchains *all;
	struct toolchain_image image;
	bool looked;
	struct err failed;
};

struct toolchains {
	struct toolchains_options options;
	struct one *ones;
	const struct recipe **recipes;
	size_t count;
	pthread_mutex_t make_lock; /* one is made at a time: each is busy on all cores, and the mirror table is for one thread */
};

int toolchains_new(const struct toolchains_options *options, struct toolchains **ret, struct err *e)
{
	size_t count = options->recipes->count;
	cleanup_of(toolchains) struct toolchains *t = calloc(1, sizeof(*t));

	if (!t)
		return err_no_memory(e);
	t->options = *options;
	pthread_mutex_init(&t->make_lock, NULL);
	t->ones = calloc(count ? count : 1, sizeof(*t->ones));
	t->recipes = calloc(count ? count : 1, sizeof(*t->recipes));
	if (!t->ones || !t->recipes)
		return err_no_memory(e);
	for (; t->count < count; t->count++) {
		struct one *one = &t->ones[t->count];
		pthread_mutex_init(&one->lock, NULL);
		one->recipe = t->recipes[t->count] = &options->recipes->items[t->count];
		one->all = t;
	}
	*ret = steal_ptr(&t);
	return 0;
}

void toolchains_free(struct toolchains *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++) {
		toolchain_image_release(&t->ones[i].image);
		pthread_mutex_destroy(&t->ones[i].lock);
	}
	pthread_mutex_destroy(&t->make_lock);
	free(t->ones);
	free(t->recipes);
	free(t);
}

static struct one *one_of(struct toolchains *t, const struct recipe *recipe)
{
	return &t->ones[recipe - t->options.recipes->items];
}

/* With the lock held. 1 there, 0 not. */
static int look(struct one *one, struct err *e)
{
	if (one->image.id)
		return 1;
	if (one->looked || !one->all->options.engine)
		return 0;
	if (toolchain_find(one->all->options.engine, one->recipe, &one->image, e) == 0)
		return 1;
	if (e->kind != ERR_NOT_FOUND)
		return -1;
	one->looked = true;
	return 0;
}

int toolchains_find(struct toolchains *t, const struct recipe *recipe, const char **ret_id, struct err *e)
{
	struct one *one = one_of(t, recipe);

	pthread_mutex_lock(&one->lock);
	int result = look(one, e);
	if (result == 1)
		*ret_id = one->image.id;
	pthread_mutex_unlock(&one->lock);
	return result;
}

/* 1 yes, 0 no. */
static int can_be_had(struct toolchains *t, struct one *one, struct err *e)
{
	if (!recipe_needs_registry(one->recipe) || (t->options.pull && toolchain_way_of(one->recipe) == TOOLCHAIN_BY_REGISTRY))
		return 1;
	pthread_mutex_lock(&one->lock);
	int result = look(one, e);
	pthread_mutex_unlock(&one->lock);
	return result;
}

/* Behind text (of the given size): what the better one would need. */
static void tell_better(const struct toolchains *t, const struct toolchain_choice *better, char *text, size_t size)
{
	const struct recipe *recipe = better->recipe;
	size_t len = strlen(text);

	snprintf(text + len, size - len, "; '%s' has %s %d but needs %s%s", recipe->name, better->clang ? "clang" : "gcc",
		 better->clang ? better->clang : better->gcc, recipe_registry_reference(recipe),
		 toolchain_way_of(recipe) == TOOLCHAIN_UNPINNED ? ", which is not pinned (toolchain pin)"
		 : t->options.pull				? ""
								: " (--pull)");
}

int toolchains_choose(struct toolchains *t, const struct toolchain_want *want, struct toolchain_choice *ret, struct err *e)
{
	cleanup_free const struct recipe **had = calloc(t->count + 1, sizeof(*had));
	struct toolchain_choice best;
	size_t count = 0;

	if (!had)
		return err_no_memory(e);
	for (size_t i = 0; i < t->count; i++) {
		int can = can_be_had(t, &t->ones[i], e);
		if (can < 0)
			return -1;
		if (can)
			had[count++] = t->recipes[i];
	}
	int chosen = toolchain_choose(want, had, count, ret, e);
	if (chosen < 0 && e->kind != ERR_NOT_FOUND)
		return -1;
	struct err unwanted;
	if (toolchain_choose(want, t->recipes, t->count, &best, &unwanted) < 0)
		return chosen;
	if (chosen < 0)
		tell_better(t, &best, e->message, sizeof(e->message));
	else if (best.gcc != ret->gcc || best.clang != ret->clang)
		tell_better(t, &best, ret->why, sizeof(ret->why));
	return chosen;
}

static void forward_line(void *context, const char *line)
{
	struct one *one = context;

	event_send(one->all->options.listener,
		   &(struct event){ .kind = EVENT_TOOLCHAIN_LINE, .name = one->recipe->name, .text = line });
}

static int make(struct one *one, struct err *e)
{
	const struct toolchains_options *o = &one->all->options;
	const struct toolchain_options options = {
		.mirrors = o->mirrors,
		.scratch = o->scratch,
		.log = o->log,
		.progress = forward_line,
		.context = one,
		.cancel = o->cancel,
	};

	pthread_mutex_lock(&one->all->make_lock);
	int64_t started = clock_now_ms();
	event_send(o->listener, &(struct event){ .kind = EVENT_TOOLCHAIN_START, .name = one->recipe->name });
	int result = toolchain_make(o->engine, one->recipe, &options, &one->image, e);
	if (result < 0)
		err_wrap(e, "toolchain '%s'", one->recipe->name);
	event_send(o->listener, &(struct event){ .kind = EVENT_TOOLCHAIN_DONE,
						 .name = one->recipe->name,
						 .failed = result < 0,
						 .text = result < 0 ? e->message : NULL,
						 .seconds = (double)(clock_now_ms() - started) / 1000 });
	pthread_mutex_unlock(&one->all->make_lock);
	return result;
}

int toolchains_ensure(struct toolchains *t, const struct recipe *recipe, const char **ret_id, struct err *e)
{
	struct one *one = one_of(t, recipe);

	pthread_mutex_lock(&one->lock);
	int result = 1;
	if (one->failed.kind != ERR_NONE) {
		*e = one->failed;
		result = -1;
	} else {
		result = look(one, e);
		if (result == 0 && make(one, e) < 0) {
			/* A cancel is no verdict on the recipe. */
			if (e->kind != ERR_CANCELLED)
				one->failed = *e;
			result = -1;
		}
	}
	if (result >= 0)
		*ret_id = one->image.id;
	pthread_mutex_unlock(&one->lock);
	return result < 0 ? -1 : 0;
}
