/* The packages of a list, found by what their names say. For group.c. */
#ifndef ORCHESTRATE_KERNEL_GROUP_INDEX_H
#define ORCHESTRATE_KERNEL_GROUP_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "kernel/group_rules.h"

/* One package of the list that a rule knows. */
struct item {
	const struct kernel_url *source; /* borrowed from the list */
	char *name;			 /* the end of the URL's path that the patterns see */
	char *version;
	size_t rule;
	bool used;
	/* Items of the first rule only: the kernel's names, and for every rule the keys to look under, in order of preference.
	 * keys[0] is empty. */
	char *id, *release, *base;
	struct strv *keys;
};

struct group_index;

must_check int group_index_new(const struct ready_rules *rules, struct group_index **ret, struct err *e);
void group_index_free(struct group_index *index);
/* Adds a URL. NULL and *ret_reason (caller frees) when no rule wants it, or, *ret_again, when its package was added before; else
 * the item, borrowed. -1: error. */
must_check int group_index_add(struct group_index *index, const struct kernel_url *source, struct item **ret, char **ret_reason,
			       bool *ret_again, struct err *e);
/* All items, in the order in which they were added. */
struct item *const *group_index_items(const struct group_index *index, size_t *ret_count);
/* To be called once, after the last add and before the first find. */
void group_index_sort(struct group_index *index);
/* The item for rule number `rule` of a kernel named by item `kernel`, or NULL. */
struct item *group_index_find(const struct group_index *index, const struct item *kernel, size_t rule);

/* Appends a key of item->keys for people: "base=6.1.0-22, rt=, ". */
must_check int group_key_print(const char *key, struct buf *out, struct err *e);

DEFINE_CLEANUP(group_index, struct group_index, group_index_free)

#endif
