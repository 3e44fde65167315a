#include "index/rules.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "index/parse.h"

static const char *const kind_names[INDEX_KIND_COUNT] = { "apt", "yum", "html", "bucket", "json" };
static const char *const expiry_names[] = { "refuse", "accept" };

/* The members that travel. decides: part of what a document gives, so of the digest; the keyring is, since other keys must look at
 * the document anew. */
struct member {
	const char *name;
	size_t offset;
	bool decides;
};

static const struct member texts[] = {
	{ "name", offsetof(struct index_rules, name), false },
	{ "keyring", offsetof(struct index_rules, keyring), true },
	{ "mirror_list", offsetof(struct index_rules, mirror_list), false },
	{ "prefix", offsetof(struct index_rules, prefix), true },
};

static const struct member lists[] = {
	{ "urls", offsetof(struct index_rules, urls), false },
	{ "packages", offsetof(struct index_rules, packages), true },
	{ "exclude", offsetof(struct index_rules, exclude), true },
	{ "suites", offsetof(struct index_rules, suites), false },
	{ "components", offsetof(struct index_rules, components), true },
	{ "architectures", offsetof(struct index_rules, architectures), true },
	{ "depends", offsetof(struct index_rules, depends), true },
	{ "descend", offsetof(struct index_rules, descend), true },
};

static void *member_of(const struct index_rules *r, const struct member *m)
{
	return (char *)r + m->offset;
}

static void step_release(struct json_step *step)
{
	strv_release(&step->path);
	for (size_t i = 0; i < step->where_count; i++) {
		free(step->where[i].member);
		free(step->where[i].pattern);
	}
	free(step->where);
	free(step->reference);
}

void index_rules_release(struct index_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(*(char **)member_of(r, &texts[i]));
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_release(member_of(r, &lists[i]));
	for (size_t i = 0; i < r->step_count; i++)
		step_release(&r->steps[i]);
	free(r->steps);
	free(r->access.token);
	free(r->access.token_user);
	free(r->access.certificate);
	free(r->access.key);
	free(r->access.authority);
	*r = (struct index_rules){ 0 };
}

static json_t *strv_to_json(const struct strv *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->len; i++)
		if (json_array_append_new(array, json_string(v->items[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *steps_to_json(const struct index_rules *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->step_count; i++) {
		const struct json_step *step = &r->steps[i];
		json_t *where = json_array();
		for (size_t j = 0; j < step->where_count; j++)
			if (json_array_append_new(where, json_pack("[s, s]", step->where[j].member, step->where[j].pattern)) < 0) {
				json_decref(where);
				json_decref(array);
				return NULL;
			}
		if (json_array_append_new(array, json_pack("{s:o, s:o, s:s}", "path", strv_to_json(&step->path), "where", where,
							   "reference", step->reference)) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int add_members(json_t *object, const struct index_rules *r, bool deciding)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const char *text = *(char **)member_of(r, &texts[i]);
		if (text && (!deciding || texts[i].decides) && json_object_set_new(object, texts[i].name, json_string(text)) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct strv *v = member_of(r, &lists[i]);
		if (v->len && (!deciding || lists[i].decides) && json_object_set_new(object, lists[i].name, strv_to_json(v)) < 0)
			return -1;
	}
	return json_object_set_new(object, "kind", json_string(kind_names[r->kind])) ||
			       (r->step_count && json_object_set_new(object, "steps", steps_to_json(r)))
		       ? -1
		       : 0;
}

/* Takes object over. */
static char *dump(json_t *object, struct err *e)
{
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	if (!text)
		err_set(e, ERR_INPUT, "rules of an index: not UTF-8, or out of memory");
	return text;
}

char *index_rules_encode(const struct index_rules *r, struct err *e)
{
	json_t *object = json_object();

	if (add_members(object, r, false) < 0 || json_object_set_new(object, "expiry", json_string(expiry_names[r->expiry])) < 0 ||
	    json_object_set_new(object, "shrink_percent", json_integer(r->shrink_percent)) < 0) {
		json_decref(object);
		object = NULL;
	}
	return dump(object, e);
}

int index_rules_digest(const struct index_rules *r, struct digest *ret, struct err *e)
{
	json_t *object = json_object();

	if (add_members(object, r, true) < 0 || json_object_set_new(object, "parsers", json_integer(INDEX_PARSERS_VERSION)) < 0) {
		json_decref(object);
		object = NULL;
	}
	cleanup_free char *text = dump(object, e);
	return text ? digest_of(text, strlen(text), ret, e) : -1;
}

static int bad(struct err *e, const char *what)
{
	return err_set(e, ERR_PROTOCOL, "rules of an index: '%s' is not as expected", what);
}

static int word_of(const json_t *value, const char *const *words, size_t count, const char *what, int *ret, struct err *e)
{
	for (size_t i = 0; i < count && json_is_string(value); i++)
		if (strcmp(json_string_value(value), words[i]) == 0) {
			*ret = (int)i;
			return 0;
		}
	return bad(e, what);
}

static int text_of(const json_t *value, const char *what, char **ret, struct err *e)
{
	if (!json_is_string(value))
		return bad(e, what);
	*ret = str_dup(json_string_value(value), e);
	return *ret ? 0 : -1;
}

static int strv_of(const json_t *value, const char *what, struct strv *ret, struct err *e)
{
	if (!json_is_array(value))
		return bad(e, what);
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *item = json_array_get(value, i);
		if (!json_is_string(item))
			return bad(e, what);
		if (strv_add(ret, json_string_value(item), e) < 0)
			return -1;
	}
	return 0;
}

static int where_of(const json_t *array, struct json_step *step, struct err *e)
{
	size_t count = json_array_size(array);

	if (!json_is_array(array))
		return bad(e, "where");
	step->where = calloc(count ? count : 1, sizeof(*step->where));
	if (!step->where)
		return err_no_memory(e);
	for (; step->where_count < count; step->where_count++) {
		const json_t *pair = json_array_get(array, step->where_count);
		struct json_condition *c = &step->where[step->where_count];
		if (text_of(json_array_get(pair, 0), "where", &c->member, e) < 0)
			return -1;
		if (text_of(json_array_get(pair, 1), "where", &c->pattern, e) < 0) {
			free(c->member);
			return -1;
		}
	}
	return 0;
}

static int steps_of(const json_t *array, struct index_rules *r, struct err *e)
{
	size_t count = json_array_size(array);

	if (count == 0)
		return bad(e, "steps");
	r->steps = calloc(count, sizeof(*r->steps));
	if (!r->steps)
		return err_no_memory(e);
	while (r->step_count < count) {
		const json_t *object = json_array_get(array, r->step_count);
		struct json_step *step = &r->steps[r->step_count++];
		if (strv_of(json_object_get(object, "path"), "path", &step->path, e) < 0 ||
		    where_of(json_object_get(object, "where"), step, e) < 0 ||
		    text_of(json_object_get(object, "reference"), "reference", &step->reference, e) < 0)
			return -1;
	}
	return 0;
}

static int fill(struct index_rules *r, const char *key, const json_t *value, struct err *e)
{
	int word = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(key, texts[i].name) == 0)
			return text_of(value, key, member_of(r, &texts[i]), e);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (strcmp(key, lists[i].name) == 0)
			return strv_of(value, key, member_of(r, &lists[i]), e);
	if (strcmp(key, "steps") == 0)
		return steps_of(value, r, e);
	if (strcmp(key, "shrink_percent") == 0 && json_is_integer(value)) {
		r->shrink_percent = (unsigned)json_integer_value(value);
		return 0;
	}
	if (strcmp(key, "kind") == 0 && word_of(value, kind_names, INDEX_KIND_COUNT, key, &word, e) == 0) {
		r->kind = (enum index_kind)word;
		return 0;
	}
	if (strcmp(key, "expiry") == 0 && word_of(value, expiry_names, ARRAY_LEN(expiry_names), key, &word, e) == 0) {
		r->expiry = (enum index_expiry)word;
		return 0;
	}
	return bad(e, key);
}

int index_rules_decode(const char *json, struct index_rules *ret, struct err *e)
{
	cleanup_index_rules struct index_rules r = { 0 };
	const char *key;
	json_t *value;
	int rc = 0;

	json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object) || !json_object_get(object, "kind"))
		rc = bad(e, "kind");
	else
		json_object_foreach(object, key, value) if (!rc) rc = fill(&r, key, value, e);
	json_decref(object);
	if (rc < 0)
		return -1;
	*ret = r;
	r = (struct index_rules){ 0 };
	return 0;
}
