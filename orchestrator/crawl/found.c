#include "crawl/found.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void package_release(struct found_package *p)
{
	free(p->url);
	free(p->package);
	strv_release(&p->depends);
	*p = (struct found_package){ 0 };
}

void found_release(struct found *f)
{
	for (size_t i = 0; i < f->count; i++)
		package_release(&f->items[i]);
	free(f->items);
	*f = (struct found){ 0 };
}

int found_add(struct found *f, struct found_package *p, struct err *e)
{
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct found_package *grown = reallocarray(f->items, room, sizeof(*grown));
		if (!grown) {
			package_release(p);
			return err_no_memory(e);
		}
		f->items = grown;
		f->room = room;
	}
	f->items[f->count++] = *p;
	*p = (struct found_package){ 0 };
	return 0;
}

/* Keeps those for which `keep` holds, in their order. */
static void sift(struct found *f, bool (*keep)(const struct found_package *p, const void *context), const void *context)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (!keep(&f->items[i], context)) {
			package_release(&f->items[i]);
			continue;
		}
		if (kept != i) {
			f->items[kept] = f->items[i];
			f->items[i] = (struct found_package){ 0 };
		}
		kept++;
	}
	f->count = kept;
}

static bool is_of_another(const struct found_package *p, const void *context)
{
	return p->index != *(const size_t *)context;
}

void found_drop(struct found *f, size_t index)
{
	sift(f, is_of_another, &index);
}

size_t found_count(const struct found *f, size_t index)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += f->items[i].index == index;
	return count;
}

/* --- the closure --- */

static int compare_names(const struct found_package *p, size_t index, const char *name)
{
	return p->index != index ? (p->index > index ? 1 : -1) : strcmp(p->package, name);
}

static int compare_packages(const void *a, const void *b)
{
	const struct found_package *const *x = a, *const *y = b;

	return compare_names(*x, (*y)->index, (*y)->package);
}

/* The candidates by index and name. */
struct candidates {
	struct found_package **items;
	size_t count;
};

static size_t lower_bound(const struct candidates *c, size_t index, const char *name)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_names(c->items[middle], index, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* All that bear this name: an archive may have several versions. The newly chosen are appended to the work. */
static void choose(const struct candidates *c, size_t index, const char *name, struct found_package **work, size_t *work_count)
{
	for (size_t i = lower_bound(c, index, name); i < c->count && compare_names(c->items[i], index, name) == 0; i++) {
		if (c->items[i]->chosen)
			continue;
		c->items[i]->chosen = true;
		work[(*work_count)++] = c->items[i];
	}
}

static int close_over(struct found *f, struct err *e)
{
	/* Each package gets into the work at most once. */
	cleanup_free struct found_package **work = calloc(f->count + 1, sizeof(struct found_package *));
	cleanup_free struct found_package **named = calloc(f->count + 1, sizeof(struct found_package *));
	struct candidates c = { .items = named };
	size_t work_count = 0;

	if (!work || !named)
		return err_no_memory(e);
	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].chosen)
			work[work_count++] = &f->items[i];
		else if (f->items[i].package)
			c.items[c.count++] = &f->items[i];
	}
	qsort(c.items, c.count, sizeof(struct found_package *), compare_packages);
	while (work_count) {
		const struct found_package *p = work[--work_count];
		for (size_t i = 0; i < p->depends.len; i++)
			choose(&c, p->index, p->depends.items[i], work, &work_count);
	}
	return 0;
}

static bool is_chosen(const struct found_package *p, const void *context)
{
	(void)context;
	return p->chosen;
}

static int compare_places(const void *a, const void *b)
{
	const struct found_package *x = a, *y = b;
	int order = strcmp(x->url, y->url);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Of those with the same URL and index, which stand together, the last. */
static bool is_last_of_its_kind(const struct found_package *p, const void *context)
{
	const struct found *f = context;

	return p + 1 == f->items + f->count || compare_places(p, p + 1) != 0;
}

int found_close(struct found *f, struct err *e)
{
	if (close_over(f, e) < 0)
		return -1;
	sift(f, is_chosen, NULL);
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), compare_places);
	sift(f, is_last_of_its_kind, f);
	return 0;
}
