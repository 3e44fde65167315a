#include "descriptor/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

enum { NUMBER_MAX = 1000000, KEYS_MAX = 32 };

int node_error(const char *file, const struct node *node, struct err *e, const char *format, ...)
{
	char text[ERR_MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(e, ERR_INPUT, "%s:%u:%u: %s", file, node->line, node->column, text);
}

int node_wrap(const char *file, const struct node *node, struct err *e)
{
	return err_wrap(e, "%s:%u:%u", file, node->line, node->column);
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(*words, text) == 0)
			return true;
	return false;
}

/* What YAML 1.1 takes a plain scalar for, in words; NULL when it is text. */
static const char *plain_type(const char *text)
{
	static const char *const nothing[] = { "", "~", "null", NULL };
	static const char *const booleans[] = { "true", "false", "yes", "no", "on", "off", "y", "n", NULL };
	if (is_one_of(text, nothing))
		return "nothing";
	if (is_one_of(text, booleans))
		return "a boolean";
	char *end;
	if (!strchr("+-.0123456789", text[0]))
		return NULL;
	(void)strtod(text, &end);
	return *end ? NULL : "a number";
}

/* What a node is, for messages. */
static const char *node_type(const struct node *node)
{
	static const char *const names[] = { [NODE_TEXT] = "text", [NODE_LIST] = "a list", [NODE_MAP] = "a map" };
	const char *plain = node->kind == NODE_TEXT && node->plain ? plain_type(node->text) : NULL;
	return plain ? plain : names[node->kind];
}

const char *node_text(const char *file, const struct node *node, struct err *e)
{
	const char *type = node_type(node);
	if (node->kind != NODE_TEXT || strcmp(type, "nothing") == 0) {
		node_error(file, node, e, "expected text, found %s", type);
		return NULL;
	}
	if (strcmp(type, "text") != 0) {
		node_error(file, node, e, "expected text, found %s; put quotes around it: \"%s\"", type, node->text);
		return NULL;
	}
	return node->text;
}

int node_number(const char *file, const struct node *node, unsigned *ret, struct err *e)
{
	unsigned long long number;
	struct err unwanted = { 0 };
	if (node->kind != NODE_TEXT || !node->plain || str_to_u64(node->text, NUMBER_MAX, &number, &unwanted) < 0 || number == 0)
		return node_error(file, node, e, "expected a number from 1 to %d, found %s", NUMBER_MAX, node_type(node));
	*ret = (unsigned)number;
	return 0;
}

static int bind_text(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	const char *text = node_text(file, node, e);
	if (!text)
		return -1;
	if (!*text && !f->empty_ok)
		return node_error(file, node, e, "expected text, found an empty one");
	if (f->rule && f->rule(text, e) < 0)
		return node_wrap(file, node, e);
	char *copy = str_dup(text, e);
	if (!copy)
		return -1;
	*(char **)target = copy;
	return 0;
}

static int bind_bool(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	(void)f;
	bool is_true = node->kind == NODE_TEXT && node->plain && strcmp(node->text, "true") == 0;
	if (!is_true && (node->kind != NODE_TEXT || !node->plain || strcmp(node->text, "false") != 0))
		return node_error(file, node, e, "expected true or false, found %s",
				  node->kind == NODE_TEXT ? node->text : node_type(node));
	*(bool *)target = is_true;
	return 0;
}

static int bind_number(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	(void)f;
	return node_number(file, node, target, e);
}

/* unknown `what` 'word'`where`: the one that was meant, or all there are. */
static int unknown_word(const char *file, const struct node *at, const char *what, const char *word, const char *where,
			const char *const *words, struct err *e)
{
	const char *nearest = str_nearest(word, words);
	if (nearest)
		return node_error(file, at, e, "unknown %s '%s'%s: did you mean '%s'?", what, word, where, nearest);
	cleanup_buf struct buf list = { 0 };
	for (size_t i = 0; words[i]; i++)
		if (buf_printf(&list, e, "%s'%s'", i ? ", " : "", words[i]) < 0)
			return -1;
	return node_error(file, at, e, "unknown %s '%s'%s: expected one of %s", what, word, where, buf_text(&list));
}

static int bind_word(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	const char *text = node_text(file, node, e);
	if (!text)
		return -1;
	for (unsigned i = 0; f->words[i]; i++) {
		if (strcmp(f->words[i], text) == 0) {
			memcpy(target, &i, sizeof(i));
			return 0;
		}
	}
	return unknown_word(file, node, "word", text, "", f->words, e);
}

static int bind_texts(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	bool is_list = node->kind == NODE_LIST;
	if (node->kind == NODE_MAP)
		return node_error(file, node, e, "expected a list of texts, found a map");
	int result = 0;
	for (size_t i = 0; i < (is_list ? node->count : 1); i++) {
		const struct node *item = is_list ? node->entries[i].value : node;
		char *text = NULL;
		if (bind_text(f, file, item, &text, e) < 0) {
			if (node_gather(item, e) < 0)
				return -1;
			result = -1;
		} else if (strv_take(target, text, e) < 0) {
			return -1;
		}
	}
	return result;
}

static int bind_map(const struct field *f, const char *file, const struct node *node, void *target, struct err *e)
{
	return shape_bind(f->shape, file, node, target, e);
}

static int bind_value(const struct field *f, const char *file, const struct node *node, void *base, struct err *e);

/* One item of a list or dictionary. */
static int bind_item(const struct field *f, const char *file, const struct node_entry *entry, void *item, struct err *e)
{
	const struct shape *shape = f->shape;
	if (f->type == FIELD_LIST)
		return shape_bind(shape, file, entry->value, item, e);
	if (shape->key_rule && shape->key_rule(entry->key, e) < 0)
		return err_wrap(e, "%s:%u:%u", file, entry->key_line, entry->key_column);
	char *key = str_dup(entry->key, e);
	if (!key)
		return -1;
	*(char **)item = key;
	return bind_value(shape->value, file, entry->value, item, e);
}

/* The array is in its place with its count while it grows, so that the owner can release a half-bound one. */
static int bind_items(const struct field *f, const char *file, const struct node *node, void *base, struct err *e)
{
	enum node_kind wanted = f->type == FIELD_LIST ? NODE_LIST : NODE_MAP;
	if (node->kind != wanted)
		return node_error(file, node, e, "expected %s of %ss, found %s", wanted == NODE_LIST ? "a list" : "a map",
				  f->shape->what, node_type(node));
	if (node->count == 0)
		return 0;
	char *items = calloc(node->count, f->shape->size);
	if (!items)
		return err_no_memory(e);
	memcpy((char *)base + f->offset, &items, sizeof(items));
	size_t *count = (size_t *)((char *)base + f->count_offset);
	int result = 0;
	while (*count < node->count) {
		size_t i = (*count)++;
		if (bind_item(f, file, &node->entries[i], items + i * f->shape->size, e) == 0)
			continue;
		if (node_gather(node, e) < 0)
			return -1;
		result = -1;
	}
	return result;
}

static int bind_value(const struct field *f, const char *file, const struct node *node, void *base, struct err *e)
{
	static int (*const binders[])(const struct field *, const char *, const struct node *, void *, struct err *) = {
		[FIELD_TEXT] = bind_text, [FIELD_BOOL] = bind_bool,   [FIELD_NUMBER] = bind_number,
		[FIELD_WORD] = bind_word, [FIELD_TEXTS] = bind_texts, [FIELD_MAP] = bind_map,
	};
	void *target = (char *)base + f->offset;
	if (f->type == FIELD_LIST || f->type == FIELD_DICT)
		return bind_items(f, file, node, base, e);
	if (f->type == FIELD_BY_HAND)
		return f->binder(file, node, target, e);
	return binders[f->type](f, file, node, target, e);
}

static const struct field *find_field(const struct shape *shape, const char *key)
{
	for (const struct field *f = shape->fields; f->key; f++)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

/* For str_nearest: NULL-terminated. */
static void list_keys(const struct shape *shape, const char *keys[KEYS_MAX + 1])
{
	size_t i = 0;
	for (; i < KEYS_MAX && shape->fields[i].key; i++)
		keys[i] = shape->fields[i].key;
	keys[i] = NULL;
}

static int unknown_key(const struct shape *shape, const char *file, const struct node_entry *entry, struct err *e)
{
	const char *keys[KEYS_MAX + 1];
	list_keys(shape, keys);
	char where[64];
	snprintf(where, sizeof(where), " in %s %s", strchr("aeiou", shape->what[0]) ? "an" : "a", shape->what);
	const struct node at = { .line = entry->key_line, .column = entry->key_column };
	return unknown_word(file, &at, "key", entry->key, where, keys, e);
}

/* Is the key there, or a misspelt one that has been taken for it? */
static bool has_key(const struct shape *shape, const struct node *node, const char *key)
{
	const char *keys[KEYS_MAX + 1];
	list_keys(shape, keys);
	for (size_t i = 0; i < node->count; i++) {
		const char *there = node->entries[i].key;
		const char *meant = find_field(shape, there) ? there : str_nearest(there, keys);
		if (meant && strcmp(meant, key) == 0)
			return true;
	}
	return false;
}

static int check_missing(const struct shape *shape, const char *file, const struct node *node, struct err *e)
{
	int result = 0;
	for (const struct field *f = shape->fields; f->key; f++) {
		if (f->need == FIELD_OPTIONAL || has_key(shape, node, f->key))
			continue;
		result = node_error(file, node, e, "this %s lacks the key '%s'", shape->what, f->key);
		if (node_gather(node, e) < 0)
			return -1;
	}
	return result;
}

static int bind_entry(const struct shape *shape, const char *file, const struct node_entry *entry, void *target, struct err *e)
{
	const struct field *f = find_field(shape, entry->key);
	if (!f)
		return unknown_key(shape, file, entry, e);
	if (bind_value(f, file, entry->value, target, e) < 0)
		return -1;
	if (f->given_offset)
		*(bool *)((char *)target + f->given_offset) = true;
	return 0;
}

int shape_bind(const struct shape *shape, const char *file, const struct node *node, void *target, struct err *e)
{
	if (node->kind != NODE_MAP)
		return node_error(file, node, e, "expected a map (a %s), found %s", shape->what, node_type(node));
	int result = 0;
	for (size_t i = 0; i < node->count; i++) {
		if (bind_entry(shape, file, &node->entries[i], target, e) == 0)
			continue;
		if (node_gather(node, e) < 0)
			return -1;
		result = -1;
	}
	if (check_missing(shape, file, node, e) < 0) {
		if (node_gather(node, e) < 0)
			return -1;
		result = -1;
	}
	/* What is looked at as a whole must have its parts. */
	if (result < 0)
		return -1;
	return shape->check && shape->check(target, e) < 0 ? node_wrap(file, node, e) : 0;
}

int shape_keys(const struct shape *shape, const char *prefix, struct strv *ret, struct err *e)
{
	for (const struct field *f = shape->fields; f->key; f++) {
		cleanup_free char *key = str_printf(e, "%s%s", prefix, f->key);
		if (!key || strv_add(ret, key, e) < 0)
			return -1;
		/* A dictionary's keys are names that the file gives. */
		if (!f->shape || !f->shape->fields)
			continue;
		cleanup_free char *below = str_printf(e, "%s.", key);
		if (!below || shape_keys(f->shape, below, ret, e) < 0)
			return -1;
	}
	return 0;
}
