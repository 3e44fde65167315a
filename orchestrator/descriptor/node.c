#include "descriptor/node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct loader {
	yaml_parser_t parser;
	const char *bytes;
	size_t len;
	const char *name;
	size_t nodes;
	struct strv *findings;
	struct err *e;
};

static int gather(struct strv *findings, struct err *e)
{
	if (!findings || (e->kind != ERR_NONE && e->kind != ERR_INPUT && e->kind != ERR_LIMIT))
		return -1;
	/* A cleared one has been put there further in. */
	if (e->kind != ERR_NONE && strv_add(findings, e->message, e) < 0)
		return -1;
	err_clear(e);
	return 0;
}

int node_gather(const struct node *node, struct err *e)
{
	return gather(node->findings, e);
}

static void event_release(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define cleanup_event __attribute__((cleanup(event_release)))

void node_free(struct node *node)
{
	if (!node)
		return;
	free(node->text);
	for (size_t i = 0; i < node->count; i++) {
		free(node->entries[i].key);
		node_free(node->entries[i].value);
	}
	free(node->entries);
	free(node);
}

static int refuse(const struct loader *l, enum err_kind kind, const yaml_mark_t *at, const char *problem)
{
	return err_set(l->e, kind, "%s:%zu:%zu: %s", l->name, at->line + 1, at->column + 1, problem);
}

/* The reader (bad UTF-8) knows an offset only. */
static yaml_mark_t mark_of_offset(const struct loader *l, size_t offset)
{
	yaml_mark_t mark = { 0 };
	for (size_t i = 0; i < offset && i < l->len; i++) {
		bool newline = l->bytes[i] == '\n';
		mark.line += newline;
		mark.column = newline ? 0 : mark.column + 1;
	}
	return mark;
}

static int next_event(struct loader *l, yaml_event_t *event)
{
	if (yaml_parser_parse(&l->parser, event))
		return 0;
	const yaml_parser_t *p = &l->parser;
	if (p->error == YAML_MEMORY_ERROR)
		return err_no_memory(l->e);
	if (p->error == YAML_READER_ERROR) {
		yaml_mark_t mark = mark_of_offset(l, p->problem_offset);
		return refuse(l, ERR_INPUT, &mark, p->problem);
	}
	refuse(l, ERR_INPUT, &p->problem_mark, p->problem ? p->problem : "not YAML");
	return p->context ? err_append(l->e, "%s from line %zu", p->context, p->context_mark.line + 1) : -1;
}

/* Anchors and tags have no use in a descriptor, and aliases make a small file a large one. */
static int check_plainness(const struct loader *l, const yaml_event_t *event)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	if (event->type == YAML_ALIAS_EVENT)
		return refuse(l, ERR_INPUT, &event->start_mark, "aliases are not taken: write the value out");
	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	}
	if (anchor && refuse(l, ERR_INPUT, &event->start_mark, "anchors are not taken") < 0 && gather(l->findings, l->e) < 0)
		return -1;
	if (tag && refuse(l, ERR_INPUT, &event->start_mark, "tags are not taken") < 0 && gather(l->findings, l->e) < 0)
		return -1;
	return 0;
}

/* The text of a scalar event. NULL with the error set. */
static char *copy_text(const struct loader *l, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	if (len > NODE_MAX_TEXT) {
		refuse(l, ERR_LIMIT, &event->start_mark, "a text of more than 8192 bytes");
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f) {
			refuse(l, ERR_INPUT, &event->start_mark, "a text with a control byte in it");
			return NULL;
		}
	}
	char *copy = strndup(text, len);
	if (!copy)
		err_no_memory(l->e);
	return copy;
}

/* One more entry at the end, zeroed. */
static struct node_entry *add_entry(const struct loader *l, struct node *node)
{
	/* Doubling at powers of two needs no field for the room. */
	if ((node->count & (node->count - 1)) == 0) {
		struct node_entry *grown = realloc(node->entries, (node->count ? 2 * node->count : 1) * sizeof(*grown));
		if (!grown) {
			err_no_memory(l->e);
			return NULL;
		}
		node->entries = grown;
	}
	struct node_entry *entry = &node->entries[node->count++];
	*entry = (struct node_entry){ 0 };
	return entry;
}

static int set_key(const struct loader *l, struct node_entry *entry, const yaml_event_t *event)
{
	if (check_plainness(l, event) < 0)
		return -1;
	if (event->type != YAML_SCALAR_EVENT || event->data.scalar.length == 0)
		return refuse(l, ERR_INPUT, &event->start_mark, "a key must be a text");
	entry->key_line = (unsigned)event->start_mark.line + 1;
	entry->key_column = (unsigned)event->start_mark.column + 1;
	entry->key = copy_text(l, event);
	if (!entry->key)
		return -1;
	return 0;
}

/* Where mistakes are gathered, an entry whose key was there before is taken out again. */
static int drop_repeated(const struct loader *l, struct node *map)
{
	struct node_entry *entry = &map->entries[map->count - 1];
	const struct node_entry *other = map->entries;
	while (strcmp(other->key, entry->key) != 0)
		other++;
	if (other == entry)
		return 0;
	err_set(l->e, ERR_INPUT, "%s:%u:%u: key '%s' was there before, in line %u", l->name, entry->key_line, entry->key_column,
		entry->key, other->key_line);
	if (gather(l->findings, l->e) < 0)
		return -1;
	free(entry->key);
	node_free(entry->value);
	map->count--;
	return 0;
}

static int load_node(struct loader *l, const yaml_event_t *first, unsigned depth, struct node **ret);

static int load_entries(struct loader *l, struct node *node, yaml_event_type_t end, unsigned depth)
{
	for (;;) {
		cleanup_event yaml_event_t event = { 0 };
		if (next_event(l, &event) < 0)
			return -1;
		if (event.type == end)
			return 0;
		struct node_entry *entry = add_entry(l, node);
		if (!entry)
			return -1;
		if (node->kind == NODE_MAP) {
			if (set_key(l, entry, &event) < 0)
				return -1;
			yaml_event_delete(&event);
			if (next_event(l, &event) < 0)
				return -1;
		}
		if (load_node(l, &event, depth, &entry->value) < 0)
			return -1;
		if (node->kind == NODE_MAP && drop_repeated(l, node) < 0)
			return -1;
	}
}

static int load_node(struct loader *l, const yaml_event_t *first, unsigned depth, struct node **ret)
{
	if (check_plainness(l, first) < 0)
		return -1;
	if (depth >= NODE_MAX_DEPTH)
		return refuse(l, ERR_LIMIT, &first->start_mark, "nested more than 12 deep");
	if (++l->nodes > NODE_MAX_NODES)
		return refuse(l, ERR_LIMIT, &first->start_mark, "more than 20000 values");
	cleanup_of(node) struct node *node = calloc(1, sizeof(*node));
	if (!node)
		return err_no_memory(l->e);
	node->line = (unsigned)first->start_mark.line + 1;
	node->column = (unsigned)first->start_mark.column + 1;
	node->findings = l->findings;
	int failed = 0;
	if (first->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = NODE_LIST;
		failed = load_entries(l, node, YAML_SEQUENCE_END_EVENT, depth + 1);
	} else if (first->type == YAML_MAPPING_START_EVENT) {
		node->kind = NODE_MAP;
		failed = load_entries(l, node, YAML_MAPPING_END_EVENT, depth + 1);
	} else {
		node->kind = NODE_TEXT;
		node->plain = first->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		node->text = copy_text(l, first);
		failed = node->text ? 0 : -1;
	}
	if (failed)
		return -1;
	*ret = steal_ptr(&node);
	return 0;
}

/* The next event, which must be of this type. */
static int expect_event(struct loader *l, yaml_event_type_t type, const char *otherwise)
{
	cleanup_event yaml_event_t event = { 0 };
	if (next_event(l, &event) < 0)
		return -1;
	return event.type == type ? 0 : refuse(l, ERR_INPUT, &event.start_mark, otherwise);
}

static int load_document(struct loader *l, struct node **ret)
{
	if (expect_event(l, YAML_STREAM_START_EVENT, "not YAML") < 0 ||
	    expect_event(l, YAML_DOCUMENT_START_EVENT, "the file is empty") < 0)
		return -1;
	cleanup_event yaml_event_t event = { 0 };
	if (next_event(l, &event) < 0)
		return -1;
	cleanup_of(node) struct node *root = NULL;
	if (load_node(l, &event, 0, &root) < 0)
		return -1;
	if (expect_event(l, YAML_DOCUMENT_END_EVENT, "expected the end of the document") < 0 ||
	    expect_event(l, YAML_STREAM_END_EVENT, "a second document; there may be one only") < 0)
		return -1;
	*ret = steal_ptr(&root);
	return 0;
}

static int parse(struct loader *l, struct node **ret)
{
	if (l->len > NODE_MAX_BYTES)
		return err_set(l->e, ERR_LIMIT, "%s:1:1: more than %d bytes", l->name, NODE_MAX_BYTES);
	if (!yaml_parser_initialize(&l->parser))
		return err_no_memory(l->e);
	yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l->parser, (const unsigned char *)l->bytes, l->len);
	int failed = load_document(l, ret);
	yaml_parser_delete(&l->parser);
	return failed;
}

int node_parse(const char *bytes, size_t len, const char *name, struct strv *findings, struct node **ret, struct err *e)
{
	struct loader l = { .bytes = bytes, .len = len, .name = name, .findings = findings, .e = e };
	if (parse(&l, ret) == 0)
		return 0;
	if (findings && (e->kind == ERR_INPUT || e->kind == ERR_LIMIT)) {
		struct err unwanted = { 0 };
		if (strv_add(findings, e->message, &unwanted) < 0)
			return err_no_memory(e);
	}
	return -1;
}
