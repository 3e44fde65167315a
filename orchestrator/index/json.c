/* JSON documents (RFC 8259), by the steps of the rules. The only kind that is held whole. */
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "index/choice.h"
#include "index/parse.h"
#include "index/reference.h"
#include "kernel/pattern.h"
#include "kernel/template.h"
#include "stream/source.h"

enum {
	JSON_MAX_BYTES = 64 << 20,
	HOLES_MAX = 16, /* in one reference */
};

struct walk {
	const struct json_step *step;
	bool last;
	unsigned level;
	struct item_out *out;
	struct choice choice;
	struct pattern **where;
	uint64_t entries;
	/* of the node at hand */
	const json_t *node;
	struct buf text, reference, name;
	struct buf values[HOLES_MAX];
	size_t value_count;
	struct err problem; /* of a hole */
};

/* --- reading --- */

struct input {
	struct source *source;
	uint64_t seen;
	struct err *e;
	bool failed;
};

static size_t read_some(void *bytes, size_t len, void *context)
{
	struct input *in = context;

	ssize_t n = source_read(in->source, bytes, len, in->e);
	if (n > 0 && (in->seen += (uint64_t)n) > JSON_MAX_BYTES)
		n = err_set(in->e, ERR_LIMIT, "is larger than %d bytes", JSON_MAX_BYTES);
	in->failed = n < 0;
	return n < 0 ? (size_t)-1 : (size_t)n;
}

static json_t *read_document(struct source *source, struct err *e)
{
	struct input in = { .source = source, .e = e };
	json_error_t problem;

	json_t *root = json_load_callback(read_some, &in, JSON_REJECT_DUPLICATES, &problem);
	if (!root && !in.failed) {
		if (json_error_code(&problem) == json_error_out_of_memory)
			err_no_memory(e);
		else
			err_set(e, ERR_CORRUPT, "line %d: %s", problem.line, problem.text);
	}
	return root;
}

/* --- nodes --- */

static const json_t *member_of(const json_t *node, const char *name)
{
	unsigned long long index;

	if (json_is_array(node))
		return str_to_u64(name, SIZE_MAX, &index, NULL) < 0 ? NULL : json_array_get(node, (size_t)index);
	return json_object_get(node, name);
}

/* A text, number or boolean as text: 1; anything else: 0. */
static int scalar_text(const json_t *value, struct buf *ret, struct err *e)
{
	buf_clear(ret);
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return buf_puts(ret, json_string_value(value), e) < 0 ? -1 : 1;
	case JSON_INTEGER:
		return buf_printf(ret, e, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) < 0 ? -1 : 1;
	case JSON_REAL:
		return buf_printf(ret, e, "%.17g", json_real_value(value)) < 0 ? -1 : 1;
	case JSON_TRUE:
	case JSON_FALSE:
		return buf_puts(ret, json_is_true(value) ? "true" : "false", e) < 0 ? -1 : 1;
	default:
		return 0;
	}
}

static int conditions_hold(struct walk *w, struct err *e)
{
	int rc = 1;

	for (size_t i = 0; rc > 0 && i < w->step->where_count; i++) {
		rc = scalar_text(member_of(w->node, w->step->where[i].member), &w->text, e);
		if (rc > 0)
			rc = pattern_match(w->where[i], buf_text(&w->text), e);
	}
	return rc;
}

/* A value may be a path, but a plain one only: it must not reach beyond where the template puts it. */
static int add_value(struct walk *w, const json_t *value, const char *name, struct buf *ret, struct err *e)
{
	int rc = scalar_text(value, &w->text, e);

	if (rc == 0)
		return err_set(e, ERR_CORRUPT, "a node has no text or number '%s'", name);
	if (rc > 0 && !path_is_plain(buf_text(&w->text)))
		return err_set(e, ERR_HOSTILE, "'%s' is '%.200s', which is no plain path", name, w->text.data);
	return rc < 0 ? -1 : reference_encode(ret, REFERENCE_PATH, w->text.data, e);
}

static const char *look_up(const void *context, const char *name, size_t *ret_len)
{
	struct walk *w = *(struct walk *const *)context;

	if (w->value_count == HOLES_MAX) {
		err_set(&w->problem, ERR_LIMIT, "a reference has more than %d holes", HOLES_MAX);
		return NULL;
	}
	struct buf *value = &w->values[w->value_count++];
	buf_clear(value);
	const json_t *from = strcmp(name, "value") == 0 && !json_is_object(w->node) ? w->node : member_of(w->node, name);
	if (add_value(w, from, name, value, &w->problem) < 0)
		return NULL;
	*ret_len = value->len;
	return value->data;
}

static int make_reference(struct walk *w, struct err *e)
{
	const char *template = w->step->reference, *hole = strstr(template, "${");

	w->value_count = 0;
	err_clear(&w->problem);
	cleanup_free char *text = template_expand(template, look_up, &w, e);
	if (!text) {
		if (w->problem.kind != ERR_NONE && e)
			*e = w->problem;
		return -1;
	}
	buf_clear(&w->reference);
	if (buf_puts(&w->reference, text, e) < 0)
		return -1;
	/* A value in the first segment is no scheme. */
	return hole && !memchr(template, '/', (size_t)(hole - template)) ? reference_guard(&w->reference, 0, e) : 0;
}

static int file_name_is_taken(struct walk *w, struct err *e)
{
	const char *text = w->reference.data;
	const char *base = text;
	size_t len = strcspn(text, "?#");

	for (size_t i = 0; i < len; i++)
		if (text[i] == '/')
			base = text + i + 1;
	int rc = reference_decode(base, (size_t)(text + len - base), &w->name, e);
	return rc <= 0 ? rc : choice_takes(&w->choice, buf_text(&w->name), e);
}

static int take_node(struct walk *w, const json_t *node, struct err *e)
{
	w->entries++;
	w->node = node;
	int rc = conditions_hold(w, e);
	if (rc > 0)
		rc = make_reference(w, e) < 0 ? -1 : 1;
	if (rc > 0 && w->last)
		rc = file_name_is_taken(w, e);
	if (rc <= 0)
		return rc;
	const struct index_item item = {
		.is_package = w->last,
		.chosen = w->last,
		.document = w->last ? 0 : DOCUMENT_JSON,
		.level = w->last ? 0 : w->level + 1,
		.reference = w->reference.data,
	};
	return w->out->put(w->out, &item, e);
}

/* --- the way to them --- */

static int follow(struct walk *w, size_t depth, const json_t *node, struct err *e);

static int follow_keys(struct walk *w, size_t depth, const json_t *object, struct err *e)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach((json_t *)object, key, value)
	{
		json_t *text = json_string(key);
		rc = text ? follow(w, depth, text, e) : err_no_memory(e);
		json_decref(text);
		if (rc < 0)
			break;
	}
	return rc;
}

static int follow_each(struct walk *w, size_t depth, const json_t *node, struct err *e)
{
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach(node, i, value)
	{
		if (follow(w, depth, value, e) < 0)
			return -1;
	}
	json_object_foreach((json_t *)node, key, value)
	{
		if (follow(w, depth, value, e) < 0)
			return -1;
	}
	return 0;
}

/* A path that goes on where the document does not is no error: `entries` says that nothing was found. */
static int follow(struct walk *w, size_t depth, const json_t *node, struct err *e)
{
	if (depth == w->step->path.len)
		return take_node(w, node, e);
	const char *part = w->step->path.items[depth];
	if (strcmp(part, "*") == 0)
		return follow_each(w, depth + 1, node, e);
	if (strcmp(part, "@") == 0)
		return follow_keys(w, depth + 1, node, e);
	const json_t *next = json_object_get(node, part);
	return next ? follow(w, depth + 1, next, e) : 0;
}

static int compile_conditions(struct walk *w, struct err *e)
{
	if (!w->step->where_count)
		return 0;
	w->where = calloc(w->step->where_count, sizeof(*w->where));
	if (!w->where)
		return err_no_memory(e);
	for (size_t i = 0; i < w->step->where_count; i++)
		if (pattern_new(w->step->where[i].pattern, &w->where[i], e) < 0)
			return -1;
	return 0;
}

static void walk_release(struct walk *w)
{
	choice_release(&w->choice);
	for (size_t i = 0; w->where && i < w->step->where_count; i++)
		pattern_free(w->where[i]);
	free(w->where);
	buf_release(&w->text);
	buf_release(&w->reference);
	buf_release(&w->name);
	for (size_t i = 0; i < HOLES_MAX; i++)
		buf_release(&w->values[i]);
}

int index_parse_json(struct source *in, const struct index_rules *rules, unsigned level, struct item_out *out,
		     struct document_facts *ret, struct err *e)
{
	if (level >= rules->step_count)
		return err_set(e, ERR_INPUT, "there is no step %u", level + 1);
	struct walk w = { .step = &rules->steps[level], .last = level + 1 == rules->step_count, .level = level, .out = out };

	int rc = choice_init(&w.choice, rules, e);
	if (rc == 0)
		rc = compile_conditions(&w, e);
	json_t *root = rc == 0 ? read_document(in, e) : NULL;
	rc = root ? follow(&w, 0, root, e) : -1;
	if (rc == 0)
		*ret = (struct document_facts){ .entries = w.entries };
	json_decref(root);
	walk_release(&w);
	return rc;
}
