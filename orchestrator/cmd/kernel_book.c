#include "cmd/kernel_book.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/facts_find.h"

struct kernel_book {
	struct context *context;
	struct inputs inputs;
	struct cache *cache; /* NULL: there is none */
};

void kernel_book_close(struct kernel_book *b)
{
	if (!b)
		return;
	cache_close(b->cache);
	inputs_release(&b->inputs);
	free(b);
}

/* Nothing is made on disk where nothing is. */
static int open_cache(struct kernel_book *b, struct err *e)
{
	int there = path_exists(b->context->cache_path, e);

	return there <= 0 ? there : cache_open(b->context->cache_path, &b->context->log, &b->cache, e);
}

int kernel_book_open(struct context *c, struct kernel_book **ret, struct err *e)
{
	cleanup_of(kernel_book) struct kernel_book *b = calloc(1, sizeof(*b));
	cleanup_free char *distros = path_join(c->root, "distros", e);
	const struct strv all = { 0 };
	const struct inputs_options options = { .root = c->root, .distros = &all };

	if (!b)
		return err_no_memory(e);
	b->context = c;
	int there = distros ? path_exists(distros, e) : -1;
	if (there < 0)
		return -1;
	/* What is left over in the lists is said by those who build. */
	if (there && (inputs_load(&options, NULL, &b->inputs, e) < 0 || open_cache(b, e) < 0))
		return -1;
	if (!there)
		log_printf(&c->log, LOG_INFO, "'%s' is no checkout: kernels are known by the files' names alone", c->root);
	*ret = steal_ptr(&b);
	return 0;
}

static bool ends_in(const char *stem, size_t len, const char *id)
{
	size_t id_len = strlen(id);

	return id_len < len && stem[len - id_len - 1] == '-' && memcmp(stem + len - id_len, id, id_len) == 0;
}

/* The longest id: one may end in another. */
static bool find_kernel(const struct kernel_book *b, const char *stem, size_t len, struct job *ret)
{
	struct job found = { 0 };

	for (size_t d = 0; d < b->inputs.chosen_count; d++)
		for (size_t k = 0; k < b->inputs.chosen[d].kernels.count; k++) {
			const struct kernel *kernel = &b->inputs.chosen[d].kernels.kernels[k];
			if (ends_in(stem, len, kernel->id) && (!found.kernel || strlen(kernel->id) > strlen(found.kernel->id)))
				found = (struct job){ .distro = &b->inputs.chosen[d], .kernel = kernel };
		}
	*ret = found;
	return found.kernel;
}

int kernel_book_find(struct kernel_book *b, const char *path, const char *suffix, struct job *ret, struct err *e)
{
	const struct plan_options options = { .cache_dir = b->context->cache_path, .cache = b->cache };
	const char *name = path_base(path);
	struct job job = { 0 };

	if (!str_ends(name, suffix) || !find_kernel(b, name, strlen(name) - strlen(suffix), &job))
		return 0;
	if (facts_find(&options, &job, &b->context->cancel, e) < 0) {
		job_release(&job);
		return -1;
	}
	*ret = job;
	return 1;
}
