#include "kernel/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/group_index.h"
#include "kernel/version.h"

struct grouping {
	const struct group_rules *rules;
	const struct kernel_list *list;
	struct group_index *index;
	struct kernel_set set;
	size_t leftover_room;
	struct err *e;
};

static void grouping_release(struct grouping *g)
{
	group_index_free(g->index);
	kernel_set_release(&g->set);
}

static void kernel_release(struct kernel *k)
{
	free(k->id);
	free(k->release);
	free(k->base);
	free(k->version);
	for (size_t i = 0; i < k->package_count; i++) {
		free(k->packages[i].url);
		free(k->packages[i].file_name);
		free(k->packages[i].version);
	}
	free(k->packages);
}

void kernel_set_release(struct kernel_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		kernel_release(&set->kernels[i]);
	free(set->kernels);
	for (size_t i = 0; i < set->leftover_count; i++) {
		free(set->leftovers[i].url);
		free(set->leftovers[i].reason);
	}
	free(set->leftovers);
	*set = (struct kernel_set){ 0 };
}

size_t kernel_set_remove(struct kernel_set *set, bool (*unwanted)(const struct kernel *k, void *context), void *context)
{
	size_t kept = 0, count = set->count;
	for (size_t i = 0; i < count; i++) {
		if (unwanted(&set->kernels[i], context))
			kernel_release(&set->kernels[i]);
		else
			set->kernels[kept++] = set->kernels[i];
	}
	set->count = kept;
	return count - kept;
}

bool kernel_name_is_safe(const char *name)
{
	size_t len = strlen(name);
	if (len == 0 || len > KERNEL_NAME_MAX || name[0] == '.' || name[0] == '-')
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-") == len;
}

/* Takes reason over; NULL (out of memory, *e is set) is -1. */
static int add_leftover(struct grouping *g, const struct kernel_url *source, bool stands_elsewhere, char *reason)
{
	cleanup_free char *owned = reason;
	if (!reason)
		return -1;
	struct kernel_set *set = &g->set;
	if (set->leftover_count == g->leftover_room) {
		size_t room = g->leftover_room ? 2 * g->leftover_room : 16;
		struct kernel_leftover *grown = realloc(set->leftovers, room * sizeof(*grown));
		if (!grown)
			return err_no_memory(g->e);
		set->leftovers = grown;
		g->leftover_room = room;
	}
	char *url = str_dup(source->url, g->e);
	if (!url)
		return -1;
	set->leftovers[set->leftover_count++] = (struct kernel_leftover){
		.url = url,
		.reason = steal_ptr(&owned),
		.stands_elsewhere = stands_elsewhere,
		.line = source->line,
		.uncrawled = source->uncrawled,
	};
	return 0;
}

static int read_list(struct grouping *g)
{
	for (size_t i = 0; i < g->list->count; i++) {
		struct item *item;
		char *reason = NULL;
		bool again;
		if (group_index_add(g->index, &g->list->urls[i], &item, &reason, &again, g->e) < 0)
			return -1;
		if (item)
			continue;
		if (add_leftover(g, &g->list->urls[i], again, reason) < 0)
			return -1;
		g->set.leftovers[g->set.leftover_count - 1].unknown = !again;
	}
	group_index_sort(g->index);
	return 0;
}

/* "kernel '6.1.0-22-amd64' is incomplete: no 'common' package with base=6.1.0-22, rt=, version 6.1.94-1" */
static char *missing_reason(struct grouping *g, const struct item *kernel, size_t rule_number)
{
	const struct package_rule *rule = &g->rules->packages[rule_number];
	const struct strv *keys = &kernel->keys[rule_number];
	cleanup_buf struct buf text = { 0 };
	if (buf_printf(&text, g->e, "kernel '%s' is incomplete: no '%s' package with ", kernel->id, rule->role) < 0)
		return NULL;
	for (size_t i = 0; i < keys->len; i++)
		if ((i && buf_puts(&text, "or ", g->e) < 0) || group_key_print(keys->items[i], &text, g->e) < 0)
			return NULL;
	if (rule->version == VERSION_NEWEST ? buf_puts(&text, "any version", g->e) < 0
					    : buf_printf(&text, g->e, "version %s%s", kernel->version,
							 rule->version == VERSION_SAME_OR_NEWER ? " or newer" : "") < 0)
		return NULL;
	return buf_steal(&text);
}

static int fill_package(struct kernel_package *package, const struct package_rule *rule, const struct item *item, struct err *e)
{
	package->role = rule->role;
	package->has_config = rule->has_config;
	package->has_tools = rule->has_tools;
	package->shared = rule->shared;
	package->file_as = rule->file_as;
	package->url = str_dup(item->source->url, e);
	package->file_name = str_dup(path_base(item->name), e);
	package->version = str_dup(item->version, e);
	return package->url && package->file_name && package->version ? 0 : -1;
}

static int fill_kernel(struct grouping *g, struct kernel *k, struct item *const *parts)
{
	k->arch = g->rules->arch;
	k->id = str_dup(parts[0]->id, g->e);
	k->release = str_dup(parts[0]->release, g->e);
	k->base = str_dup(parts[0]->base, g->e);
	k->version = version_leading(parts[0]->release, g->e);
	k->packages = calloc(g->rules->package_count, sizeof(*k->packages));
	if (!k->id || !k->release || !k->base || !k->version || !k->packages)
		return err_no_memory(g->e);
	for (size_t i = 0; i < g->rules->package_count; i++) {
		if (!parts[i])
			continue;
		if (fill_package(&k->packages[k->package_count++], &g->rules->packages[i], parts[i], g->e) < 0)
			return -1;
		parts[i]->used = true;
	}
	return 0;
}

static const char *name_problem(const struct group_rules *rules, const struct item *item)
{
	bool told = *item->release || rules->id.len == 0;
	if (!kernel_name_is_safe(item->id) || (told && (!kernel_name_is_safe(item->release) || !kernel_name_is_safe(item->base))))
		return "is no name for a file: letters, digits and ._+~- only, 128 bytes at most";
	if (told && (item->release[0] < '0' || item->release[0] > '9'))
		return "does not start with a version";
	return NULL;
}

/* 1 when the candidate became a kernel, 0 when it became a leftover. `parts` has room for all packages. */
static int complete_kernel(struct grouping *g, struct item *candidate, struct item **parts)
{
	const char *problem = name_problem(g->rules, candidate);
	if (problem)
		return add_leftover(g, candidate->source, false, str_printf(g->e, "kernel '%s' %s", candidate->id, problem));
	parts[0] = candidate;
	for (size_t i = 1; i < g->rules->package_count; i++) {
		parts[i] = group_index_find(g->index, candidate, i);
		if (!parts[i] && !g->rules->packages[i].optional)
			return add_leftover(g, candidate->source, false, missing_reason(g, candidate, i));
	}
	/* Room for every candidate was made beforehand. */
	return fill_kernel(g, &g->set.kernels[g->set.count++], parts) < 0 ? -1 : 1;
}

/* By id, highest version first, then as in the list. */
static int compare_candidates(const void *a, const void *b, void *version_order_of)
{
	const struct item *ia = *(struct item *const *)a, *ib = *(struct item *const *)b;
	int order = strcmp(ia->id, ib->id);
	if (!order)
		order = (*(version_order *const *)version_order_of)(ib->version, ia->version);
	if (!order)
		order = ia->source->line < ib->source->line ? -1 : ia->source->line > ib->source->line;
	return order;
}

/* Why a candidate is not the kernel that another one is already. */
static char *loser_reason(const struct item *winner, const struct item *loser, version_order *order, struct err *e)
{
	if (order(winner->version, loser->version) == 0)
		return str_printf(e, "the same kernel as in line %u", winner->source->line);
	return str_printf(e, "superseded by '%s'", winner->name);
}

static int complete_kernels(struct grouping *g, struct item **candidates, size_t count)
{
	cleanup_free struct item **parts = calloc(g->rules->package_count, sizeof(*parts));
	g->set.kernels = calloc(count ? count : 1, sizeof(*g->set.kernels));
	if (!parts || !g->set.kernels)
		return err_no_memory(g->e);
	version_order *order = g->rules->order ? g->rules->order : version_compare_deb;
	qsort_r(candidates, count, sizeof(*candidates), compare_candidates, &order);
	const struct item *winner = NULL;
	for (size_t i = 0; i < count; i++) {
		struct item *candidate = candidates[i];
		if (winner && strcmp(winner->id, candidate->id) == 0) {
			if (add_leftover(g, candidate->source, true, loser_reason(winner, candidate, order, g->e)) < 0)
				return -1;
			continue;
		}
		int complete = complete_kernel(g, candidate, parts);
		if (complete < 0)
			return -1;
		if (complete)
			winner = candidate;
	}
	return 0;
}

static int group_items(struct grouping *g)
{
	size_t count, candidate_count = 0;
	struct item *const *items = group_index_items(g->index, &count);
	cleanup_free struct item **candidates = calloc(count ? count : 1, sizeof(*candidates));
	if (!candidates)
		return err_no_memory(g->e);
	for (size_t i = 0; i < count; i++)
		if (items[i]->rule == 0)
			candidates[candidate_count++] = items[i];
	if (complete_kernels(g, candidates, candidate_count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (items[i]->used || items[i]->rule == 0)
			continue;
		char *reason =
			str_printf(g->e, "no complete kernel needs this '%s' package", g->rules->packages[items[i]->rule].role);
		if (add_leftover(g, items[i]->source, false, reason) < 0)
			return -1;
	}
	return 0;
}

static int compare_kernels(const void *a, const void *b)
{
	return version_compare_natural(((const struct kernel *)a)->id, ((const struct kernel *)b)->id);
}

static int compare_leftovers(const void *a, const void *b)
{
	const struct kernel_leftover *la = a, *lb = b;
	if (la->uncrawled != lb->uncrawled)
		return la->uncrawled ? 1 : -1;
	return la->line < lb->line ? -1 : la->line > lb->line;
}

int kernel_group(const struct group_rules *rules, const struct kernel_list *list, struct kernel_set *ret, struct err *e)
{
	cleanup_of(ready_rules) struct ready_rules *ready = NULL;
	if (ready_rules_new(rules, &ready, e) < 0)
		return -1;
	/* Declared after the rules: the index is gone before them. */
	__attribute__((cleanup(grouping_release))) struct grouping g = { .rules = rules, .list = list, .e = e };
	if (group_index_new(ready, &g.index, e) < 0 || read_list(&g) < 0 || group_items(&g) < 0)
		return -1;
	qsort(g.set.kernels, g.set.count, sizeof(*g.set.kernels), compare_kernels);
	if (g.set.leftover_count)
		qsort(g.set.leftovers, g.set.leftover_count, sizeof(*g.set.leftovers), compare_leftovers);
	*ret = g.set;
	g.set = (struct kernel_set){ 0 };
	return 0;
}
