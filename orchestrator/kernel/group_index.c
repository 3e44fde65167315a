#define HASH_NONFATAL_OOM 1

#include "kernel/group_index.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "kernel/template.h"
#include "kernel/version.h"

/* A key is `<role>`, then `\n<capture>=<value>` for each match of the rule: no file name has an LF in it, so keys of different
 * values differ. */

/* All packages of one rule with the same values of its match captures. */
struct bucket {
	UT_hash_handle hh;
	char *key;
	struct item **items; /* after group_index_sort: ascending versions, then lines */
	size_t count, room;
};

struct named_item {
	UT_hash_handle hh;
	struct item item;
};

struct group_index {
	const struct ready_rules *rules;
	struct named_item *by_name;
	version_order *order;
	struct bucket *buckets;
	struct item **items;
	size_t count, room;
};

static void named_item_free(struct named_item *named, size_t rule_count)
{
	struct item *item = &named->item;
	free(item->name);
	free(item->version);
	free(item->id);
	free(item->release);
	free(item->base);
	for (size_t i = 0; item->keys && i < rule_count; i++)
		strv_release(&item->keys[i]);
	free(item->keys);
	free(named);
}

void group_index_free(struct group_index *index)
{
	if (!index)
		return;
	struct bucket *bucket, *next_bucket;
	HASH_ITER(hh, index->buckets, bucket, next_bucket)
	{
		HASH_DEL(index->buckets, bucket);
		free(bucket->key);
		free(bucket->items);
		free(bucket);
	}
	struct named_item *named, *next_named;
	HASH_ITER(hh, index->by_name, named, next_named)
	{
		HASH_DEL(index->by_name, named);
		named_item_free(named, index->rules->rules->package_count);
	}
	free(index->items);
	free(index);
}

int group_index_new(const struct ready_rules *rules, struct group_index **ret, struct err *e)
{
	struct group_index *index = calloc(1, sizeof(*index));
	if (!index)
		return err_no_memory(e);
	index->rules = rules;
	index->order = rules->rules->order ? rules->rules->order : version_compare_deb;
	*ret = index;
	return 0;
}

static int push_item(struct item ***items, size_t *count, size_t *room, struct item *item, struct err *e)
{
	if (*count == *room) {
		size_t more = *room ? 2 * *room : 4;
		struct item **grown = realloc(*items, more * sizeof(*grown));
		if (!grown)
			return err_no_memory(e);
		*items = grown;
		*room = more;
	}
	(*items)[(*count)++] = item;
	return 0;
}

static struct bucket *bucket_for(struct group_index *index, const char *key, struct err *e)
{
	struct bucket *bucket = NULL;
	HASH_FIND_STR(index->buckets, key, bucket);
	if (bucket)
		return bucket;
	bucket = calloc(1, sizeof(*bucket));
	char *copy = str_dup(key, e);
	if (!bucket || !copy) {
		err_no_memory(e);
		goto failed;
	}
	bucket->key = copy;
	HASH_ADD_KEYPTR(hh, index->buckets, copy, strlen(copy), bucket);
	if (!bucket->hh.tbl) {
		err_no_memory(e);
		goto failed;
	}
	return bucket;
failed:
	free(copy);
	free(bucket);
	return NULL;
}

static char *key_start(const struct group_index *index, size_t rule, struct err *e)
{
	return str_printf(e, "%s", index->rules->rules->packages[rule].role);
}

/* Replaces *key by *key with `name=value` behind it. */
static int key_extend(char **key, const char *name, const char *value, size_t len, struct err *e)
{
	char *longer = str_printf(e, "%s\n%s=%.*s", *key, name, (int)len, value);
	if (!longer)
		return -1;
	free(*key);
	*key = longer;
	return 0;
}

/* Files the item under what its own name captures. */
static int file_item(struct group_index *index, struct item *item, const struct role_match *match, struct err *e)
{
	const struct package_rule *rule = &index->rules->rules->packages[item->rule];
	cleanup_free char *key = key_start(index, item->rule, e);
	if (!key)
		return -1;
	for (size_t i = 0; i < rule->match_count; i++) {
		size_t len;
		const char *value = role_match_lookup(match, rule->matches[i].name, &len);
		if (key_extend(&key, rule->matches[i].name, value, len, e) < 0)
			return -1;
	}
	struct bucket *bucket = bucket_for(index, key, e);
	return bucket ? push_item(&bucket->items, &bucket->count, &bucket->room, item, e) : -1;
}

/* One key from one choice of values: digit i of `choice` (mixed base) picks the value of match i, the last match turning fastest.
 */
static char *choice_key(const struct group_index *index, size_t rule_number, const struct role_match *match, size_t choice,
			struct err *e)
{
	const struct package_rule *rule = &index->rules->rules->packages[rule_number];
	size_t left = 1;
	for (size_t i = 0; i < rule->match_count; i++)
		left *= rule->matches[i].values.len;
	cleanup_free char *key = key_start(index, rule_number, e);
	for (size_t i = 0; key && i < rule->match_count; i++) {
		const struct strv *values = &rule->matches[i].values;
		left /= values->len;
		cleanup_free char *value = template_expand(values->items[choice / left % values->len], role_match_lookup, match, e);
		if (!value || key_extend(&key, rule->matches[i].name, value, strlen(value), e) < 0)
			return NULL;
	}
	return steal_ptr(&key);
}

int group_key_print(const char *key, struct buf *out, struct err *e)
{
	for (const char *at = strchr(key, '\n'); at; at = strchr(at + 1, '\n'))
		if (buf_printf(out, e, "%.*s, ", (int)strcspn(at + 1, "\n"), at + 1) < 0)
			return -1;
	return 0;
}

static int expand_keys(const struct group_index *index, size_t rule_number, const struct role_match *match, struct strv *ret,
		       struct err *e)
{
	const struct package_rule *rule = &index->rules->rules->packages[rule_number];
	size_t choices = 1;
	for (size_t i = 0; i < rule->match_count; i++)
		choices *= rule->matches[i].values.len;
	for (size_t choice = 0; choice < choices; choice++)
		if (strv_take(ret, choice_key(index, rule_number, match, choice, e), e) < 0)
			return -1;
	return 0;
}

/* Looks names up in a match and notes whether all of them had a value. */
struct full_lookup {
	const struct role_match *match;
	bool full;
};

static const char *full_lookup(const void *context, const char *name, size_t *ret_len)
{
	/* The template only hands the context through. */
	struct full_lookup *lookup = (struct full_lookup *)context;
	const char *value = role_match_lookup(lookup->match, name, ret_len);
	lookup->full = lookup->full && *ret_len > 0;
	return value;
}

/* The first template of which every capture is set, else the last. */
static char *expand_first(const struct strv *templates, const struct role_match *match, struct err *e)
{
	cleanup_free char *text = NULL;
	struct full_lookup lookup = { .match = match };
	for (size_t i = 0; i < templates->len && !lookup.full; i++) {
		free(text);
		lookup.full = true;
		text = template_expand(templates->items[i], full_lookup, &lookup, e);
		if (!text)
			return NULL;
	}
	return text ? steal_ptr(&text) : str_dup("", e);
}

/* Fills what only the package that names a kernel has. */
static int name_kernel(const struct group_index *index, struct item *item, const struct role_match *match, struct err *e)
{
	const struct group_rules *rules = index->rules->rules;
	item->release = expand_first(&rules->release, match, e);
	item->base = item->release ? expand_first(rules->base.len ? &rules->base : &rules->release, match, e) : NULL;
	item->id = item->base ? expand_first(rules->id.len ? &rules->id : &rules->release, match, e) : NULL;
	if (!item->id)
		return -1;
	item->keys = calloc(rules->package_count, sizeof(*item->keys));
	if (!item->keys)
		return err_no_memory(e);
	for (size_t i = 1; i < rules->package_count; i++)
		if (expand_keys(index, i, match, &item->keys[i], e) < 0)
			return -1;
	return 0;
}

/* The first rule and pattern that match: 1, 0 none, -1 error. */
static int match_rules(const struct ready_rules *ready, const char *name, size_t *ret_rule, struct role_match *ret, struct err *e)
{
	for (size_t i = 0; i < ready->rules->package_count; i++) {
		const struct role_patterns *role = &ready->roles[i];
		for (size_t j = 0; j < role->count; j++) {
			int matches = pattern_match(role->items[j], name, e);
			if (matches < 0)
				return -1;
			if (matches == 0)
				continue;
			*ret_rule = i;
			*ret = (struct role_match){ .role = role, .pattern = role->items[j] };
			return 1;
		}
	}
	return 0;
}

static int fill_item(struct group_index *index, struct item *item, const struct role_match *match, struct err *e)
{
	size_t len;
	const char *version = pattern_capture(match->pattern, "version", &len);
	item->version = str_printf(e, "%.*s", (int)len, version);
	if (!item->version || push_item(&index->items, &index->count, &index->room, item, e) < 0)
		return -1;
	return item->rule == 0 ? name_kernel(index, item, match, e) : file_item(index, item, match, e);
}

int group_index_add(struct group_index *index, const struct kernel_url *source, struct item **ret, char **ret_reason,
		    bool *ret_again, struct err *e)
{
	struct err unusable = { 0 };
	unsigned parts = index->rules->rules->path_parts;
	cleanup_free char *name = kernel_url_tail(source->url, parts ? parts : 1, &unusable);
	*ret = NULL;
	*ret_again = false;
	if (!name) {
		*ret_reason = str_dup(unusable.message, e);
		return *ret_reason ? 0 : -1;
	}
	struct named_item *named = NULL;
	HASH_FIND_STR(index->by_name, name, named);
	if (named) {
		*ret_again = true;
		*ret_reason = str_printf(e, "the same package as in line %u", named->item.source->line);
		return *ret_reason ? 0 : -1;
	}
	size_t rule;
	struct role_match match;
	int matches = match_rules(index->rules, name, &rule, &match, &unusable);
	if (matches <= 0) {
		*ret_reason = matches < 0 ? str_dup(unusable.message, e) : str_printf(e, "no package rule knows '%s'", name);
		return *ret_reason ? 0 : -1;
	}
	named = calloc(1, sizeof(*named));
	if (!named)
		return err_no_memory(e);
	named->item.name = steal_ptr(&name);
	named->item.source = source;
	named->item.rule = rule;
	HASH_ADD_KEYPTR(hh, index->by_name, named->item.name, strlen(named->item.name), named);
	if (!named->hh.tbl) {
		named_item_free(named, 0);
		return err_no_memory(e);
	}
	*ret = &named->item;
	return fill_item(index, &named->item, &match, e);
}

struct item *const *group_index_items(const struct group_index *index, size_t *ret_count)
{
	*ret_count = index->count;
	return index->items;
}

static int compare_items(const void *a, const void *b, void *version_order_of)
{
	const struct item *ia = *(struct item *const *)a, *ib = *(struct item *const *)b;
	int order = (*(version_order *const *)version_order_of)(ia->version, ib->version);
	if (order)
		return order;
	return ia->source->line < ib->source->line ? -1 : ia->source->line > ib->source->line;
}

void group_index_sort(struct group_index *index)
{
	for (struct bucket *bucket = index->buckets; bucket; bucket = bucket->hh.next)
		qsort_r(bucket->items, bucket->count, sizeof(struct item *), compare_items, &index->order);
}

/* The first item whose version is not below, by bisection; count when there is none. */
static size_t lower_bound(const struct bucket *bucket, const char *version, version_order *order)
{
	size_t low = 0, high = bucket->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order(bucket->items[middle]->version, version) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct item *pick(const struct bucket *bucket, enum version_rule rule, const char *version, version_order *order)
{
	if (rule == VERSION_NEWEST)
		return bucket->items[bucket->count - 1];
	size_t at = lower_bound(bucket, version, order);
	if (at == bucket->count)
		return NULL;
	struct item *item = bucket->items[at];
	if (rule == VERSION_SAME && order(item->version, version) != 0)
		return NULL;
	return item;
}

struct item *group_index_find(const struct group_index *index, const struct item *kernel, size_t rule)
{
	enum version_rule version = index->rules->rules->packages[rule].version;
	for (size_t i = 0; i < kernel->keys[rule].len; i++) {
		struct bucket *bucket = NULL;
		HASH_FIND_STR(index->buckets, kernel->keys[rule].items[i], bucket);
		struct item *item = bucket ? pick(bucket, version, kernel->version, index->order) : NULL;
		if (item)
			return item;
	}
	return NULL;
}
