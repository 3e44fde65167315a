#include "descriptor/indexes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fetch/url.h"
#include "kernel/lines.h"

enum { SHRINK_DEFAULT_PERCENT = 10 };

/* --- rules of single texts --- */

static int rule_keyring(const char *text, struct err *e)
{
	if (text[0] != '/' && !path_is_plain(text))
		return err_set(e, ERR_INPUT, "'%s': expected an absolute path or one below the project's directory, without '..'",
			       text);
	return 0;
}

/* A document of its own, so a query may belong to it. */
static int rule_document_url(const char *text, struct err *e)
{
	if (!url_is_fetchable(text) || url_problem(text, strlen(text)) || strchr(text, '#'))
		return err_set(e, ERR_INPUT, "'%s': expected an http, https or file URL of a document", text);
	return 0;
}

/* Environments are asked for these; lower case is for the system's own. */
static int rule_variable(const char *text, struct err *e)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	if (text[len] || (text[0] >= '0' && text[0] <= '9'))
		/* Not shown: it may be the secret itself. */
		return err_set(e, ERR_INPUT, "expected the name of an environment variable (A-Z, 0-9 and `_`), not a value");
	return 0;
}

/* One part of a path: dists/<suite>, <component>/binary-<architecture>. A suite may have slashes. */
static int rule_path_part(const char *text, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-/";

	if (!path_is_plain(text) || strspn(text, allowed) != strlen(text))
		return err_set(e, ERR_INPUT, "'%s': expected letters, digits and `._+~-/`", text);
	return 0;
}

/* --- the kinds --- */

#define URLS(rule_)                                                                                                                \
	{                                                                                                                          \
		.key = "urls", .type = FIELD_TEXTS, .need = FIELD_REQUIRED, .offset = offsetof(struct index_rules, urls),          \
		.rule = rule_,                                                                                                     \
	}

#define KEYRING                                                                                                                    \
	{                                                                                                                          \
		.key = "keyring", .type = FIELD_TEXT, .offset = offsetof(struct index_rules, keyring), .rule = rule_keyring,       \
	}

static const char *const expiry_words[] = { [EXPIRY_REFUSE] = "refuse", [EXPIRY_ACCEPT] = "accept", NULL };

static const struct field apt_fields[] = {
	URLS(rule_base_url),
	{ .key = "suites",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, suites),
	  .rule = rule_path_part },
	{ .key = "components",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, components),
	  .rule = rule_path_part },
	{ .key = "architectures",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, architectures),
	  .rule = rule_path_part },
	{ .key = "depends", .type = FIELD_TEXTS, .offset = offsetof(struct index_rules, depends), .rule = rule_pattern },
	KEYRING,
	{ .key = "expired", .type = FIELD_WORD, .offset = offsetof(struct index_rules, expiry), .words = expiry_words },
	{ 0 },
};
static const struct shape apt_shape = { .what = "apt index", .fields = apt_fields };

static const struct field yum_fields[] = {
	{ .key = "urls", .type = FIELD_TEXTS, .offset = offsetof(struct index_rules, urls), .rule = rule_base_url },
	{ .key = "mirror-list",
	  .type = FIELD_TEXT,
	  .offset = offsetof(struct index_rules, mirror_list),
	  .rule = rule_document_url },
	KEYRING,
	{ 0 },
};
static const struct shape yum_shape = { .what = "yum index", .fields = yum_fields };

static const struct field html_fields[] = {
	URLS(rule_base_url),
	{ .key = "descend", .type = FIELD_TEXTS, .offset = offsetof(struct index_rules, descend), .rule = rule_pattern },
	{ 0 },
};
static const struct shape html_shape = { .what = "html index", .fields = html_fields };

static const struct field bucket_fields[] = {
	URLS(rule_base_url),
	{ .key = "prefix", .type = FIELD_TEXT, .offset = offsetof(struct index_rules, prefix) },
	{ 0 },
};
static const struct shape bucket_shape = { .what = "bucket index", .fields = bucket_fields };

static const struct field condition_value = { .type = FIELD_TEXT,
					      .offset = offsetof(struct json_condition, pattern),
					      .rule = rule_pattern };
static const struct shape condition_shape = { .what = "condition",
					      .size = sizeof(struct json_condition),
					      .value = &condition_value };

static const struct field step_fields[] = {
	{ .key = "path", .type = FIELD_TEXTS, .need = FIELD_REQUIRED, .offset = offsetof(struct json_step, path) },
	{ .key = "where",
	  .type = FIELD_DICT,
	  .offset = offsetof(struct json_step, where),
	  .count_offset = offsetof(struct json_step, where_count),
	  .shape = &condition_shape },
	{ .key = "reference", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct json_step, reference) },
	{ 0 },
};
static const struct shape step_shape = { .what = "step", .size = sizeof(struct json_step), .fields = step_fields };

static const struct field json_fields[] = {
	URLS(rule_document_url),
	{ .key = "steps",
	  .type = FIELD_LIST,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, steps),
	  .count_offset = offsetof(struct index_rules, step_count),
	  .shape = &step_shape },
	{ 0 },
};
static const struct shape json_shape = { .what = "json index", .fields = json_fields };

/* Where the index begins stands in its kind's map, so a kind has been bound when one of these is there. */
static bool has_kind(const struct index_rules *r)
{
	return r->urls.len || r->mirror_list;
}

static int bind_kind(enum index_kind kind, const struct shape *shape, const char *file, const struct node *node, void *target,
		     struct err *e)
{
	struct index_rules *r = target;

	if (has_kind(r))
		return node_error(file, node, e, "this index has a kind already; put the other one into an index of its own");
	r->kind = kind;
	if (shape_bind(shape, file, node, r, e) < 0)
		return -1;
	return has_kind(r) ? 0 : node_error(file, node, e, "this %s lacks the key 'urls'", shape->what);
}

static int bind_apt(const char *file, const struct node *node, void *target, struct err *e)
{
	return bind_kind(INDEX_APT, &apt_shape, file, node, target, e);
}

static int bind_yum(const char *file, const struct node *node, void *target, struct err *e)
{
	return bind_kind(INDEX_YUM, &yum_shape, file, node, target, e);
}

static int bind_html(const char *file, const struct node *node, void *target, struct err *e)
{
	return bind_kind(INDEX_HTML, &html_shape, file, node, target, e);
}

static int bind_bucket(const char *file, const struct node *node, void *target, struct err *e)
{
	return bind_kind(INDEX_BUCKET, &bucket_shape, file, node, target, e);
}

static int bind_json(const char *file, const struct node *node, void *target, struct err *e)
{
	return bind_kind(INDEX_JSON, &json_shape, file, node, target, e);
}

/* --- the index --- */

static const char *const token_words[] = { [TOKEN_BEARER] = "bearer", [TOKEN_BASIC] = "basic", [TOKEN_QUERY] = "query", NULL };

static int check_access(const void *target, struct err *e)
{
	const struct index_access *a = target;

	if (!a->token && !a->certificate)
		return err_set(e, ERR_INPUT, "expected a 'token' or a 'certificate'");
	/* A certificate's file may hold its key as well. */
	if (a->key && !a->certificate)
		return err_set(e, ERR_INPUT, "a 'key' needs its 'certificate'");
	if (a->token_user && a->token_as != TOKEN_BASIC)
		return err_set(e, ERR_INPUT, "'user' goes with `as: basic` only");
	return 0;
}

static const struct field access_fields[] = {
	{ .key = "token", .type = FIELD_TEXT, .offset = offsetof(struct index_access, token), .rule = rule_variable },
	{ .key = "as", .type = FIELD_WORD, .offset = offsetof(struct index_access, token_as), .words = token_words },
	{ .key = "user", .type = FIELD_TEXT, .offset = offsetof(struct index_access, token_user) },
	{ .key = "certificate", .type = FIELD_TEXT, .offset = offsetof(struct index_access, certificate), .rule = rule_variable },
	{ .key = "key", .type = FIELD_TEXT, .offset = offsetof(struct index_access, key), .rule = rule_variable },
	{ .key = "authority", .type = FIELD_TEXT, .offset = offsetof(struct index_access, authority), .rule = rule_variable },
	{ 0 },
};
static const struct shape access_shape = { .what = "access section", .fields = access_fields, .check = check_access };

static int bind_shrink_limit(const char *file, const struct node *node, void *target, struct err *e)
{
	unsigned *percent = target;

	if (node_number(file, node, percent, e) < 0)
		return -1;
	return *percent <= 100 ? 0 : node_error(file, node, e, "expected percent, 1 to 100, found %u", *percent);
}

static const struct field index_fields[] = {
	{ .key = "name",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, name),
	  .rule = rule_name },
	{ .key = "apt", .type = FIELD_BY_HAND, .binder = bind_apt, .shape = &apt_shape },
	{ .key = "yum", .type = FIELD_BY_HAND, .binder = bind_yum, .shape = &yum_shape },
	{ .key = "html", .type = FIELD_BY_HAND, .binder = bind_html, .shape = &html_shape },
	{ .key = "bucket", .type = FIELD_BY_HAND, .binder = bind_bucket, .shape = &bucket_shape },
	{ .key = "json", .type = FIELD_BY_HAND, .binder = bind_json, .shape = &json_shape },
	{ .key = "packages",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct index_rules, packages),
	  .rule = rule_pattern },
	{ .key = "exclude", .type = FIELD_TEXTS, .offset = offsetof(struct index_rules, exclude), .rule = rule_pattern },
	{ .key = "shrink-limit",
	  .type = FIELD_BY_HAND,
	  .offset = offsetof(struct index_rules, shrink_percent),
	  .binder = bind_shrink_limit },
	{ .key = "access", .type = FIELD_MAP, .offset = offsetof(struct index_rules, access), .shape = &access_shape },
	{ 0 },
};
const struct shape index_shape = { .what = "index", .size = sizeof(struct index_rules), .fields = index_fields };

static int check_name(const struct index_list *list, const struct index_rules *r, const char *file, const struct node *node,
		      struct err *e)
{
	for (size_t i = 0; &list->items[i] < r; i++)
		if (list->items[i].name && strcmp(list->items[i].name, r->name) == 0)
			return node_error(file, node, e, "there is an index '%s' before this one", r->name);
	return 0;
}

static int bind_index(struct index_list *list, const char *file, const struct node *node, struct err *e)
{
	struct index_rules *r = &list->items[list->count++];

	if (shape_bind(&index_shape, file, node, r, e) < 0)
		return -1;
	if (!has_kind(r))
		return node_error(file, node, e, "this index lacks its kind: one of 'apt', 'yum', 'html', 'bucket', 'json'");
	if (!r->shrink_percent)
		r->shrink_percent = SHRINK_DEFAULT_PERCENT;
	if (check_name(list, r, file, node, e) < 0)
		return -1;
	return index_rules_check(r, e) < 0 ? node_wrap(file, node, e) : 0;
}

int bind_indexes(const char *file, const struct node *node, void *target, struct err *e)
{
	struct index_list *list = target;

	if (node->kind != NODE_LIST || node->count == 0)
		return node_error(file, node, e, "expected a list of indexes; leave the key out when the list is made by hand");
	list->items = calloc(node->count, sizeof(*list->items));
	if (!list->items)
		return err_no_memory(e);
	int result = 0;
	for (size_t i = 0; i < node->count; i++) {
		if (bind_index(list, file, node->entries[i].value, e) == 0)
			continue;
		if (node_gather(node, e) < 0)
			return -1;
		result = -1;
	}
	return result;
}

void index_list_release(struct index_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		index_rules_release(&list->items[i]);
	free(list->items);
	*list = (struct index_list){ 0 };
}
