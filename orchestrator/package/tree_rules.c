#include "package/tree_rules.h"

#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"

void tree_rules_release(struct tree_rules *rules)
{
	if (!rules)
		return;
	free(rules->build_dir);
	strv_release(&rules->drop);
	strv_release(&rules->keep);
	for (size_t i = 0; i < rules->rewrite_count; i++) {
		free(rules->rewrites[i].file);
		free(rules->rewrites[i].from);
		free(rules->rewrites[i].to);
	}
	free(rules->rewrites);
	*rules = (struct tree_rules){ 0 };
}

/* Takes the texts over, also on failure; a NULL among them (a failed allocation) is -1. */
static int take_rewrite(struct tree_rules *rules, char *file, char *from, char *to, struct err *e)
{
	struct tree_rewrite *grown = NULL;

	if (file && from && to)
		grown = reallocarray(rules->rewrites, rules->rewrite_count + 1, sizeof(*grown));
	if (!grown) {
		free(file);
		free(from);
		free(to);
		return err_no_memory(e);
	}
	rules->rewrites = grown;
	grown[rules->rewrite_count++] = (struct tree_rewrite){ file, from, to };
	return 0;
}

int tree_rules_add_rewrite(struct tree_rules *rules, const char *file, const char *from, const char *to, struct err *e)
{
	if (!*from)
		return err_set(e, ERR_INPUT, "rewrite of '%s': the text to replace is empty", file);
	return take_rewrite(rules, strdup(file), strdup(from), strdup(to), e);
}

static const char *const fix_up_names[TREE_FIX_UPS + 1] = { [TREE_DROP_DANGLING_LINKS] = "drop-dangling-links", NULL };

int tree_rules_add_fix_up(struct tree_rules *rules, const char *name, struct err *e)
{
	for (size_t i = 0; i < TREE_FIX_UPS; i++)
		if (strcmp(fix_up_names[i], name) == 0) {
			rules->fix_ups[i] = true;
			return 0;
		}
	const char *near = str_nearest(name, fix_up_names);
	return err_set(e, ERR_INPUT, "no fix-up '%s'%s%s%s", name, near ? ", did you mean '" : "", near ? near : "",
		       near ? "'?" : "");
}

/* Most globs begin with a long literal part, and comparing that is far cheaper than fnmatch. */
static bool glob_matches(const char *glob, const char *path)
{
	size_t literal = strcspn(glob, "*?[\\");

	return strncmp(glob, path, literal) == 0 && fnmatch(glob + literal, path + literal, 0) == 0;
}

static bool any_glob_matches(const struct strv *globs, const char *path)
{
	for (size_t i = 0; i < globs->len; i++)
		if (glob_matches(globs->items[i], path))
			return true;
	return false;
}

bool tree_rules_drop(const struct tree_rules *rules, const char *path)
{
	return any_glob_matches(&rules->drop, path) && !any_glob_matches(&rules->keep, path);
}

bool tree_rules_rewrites(const struct tree_rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->rewrite_count; i++)
		if (glob_matches(rules->rewrites[i].file, path))
			return true;
	return false;
}

static int replace_all(struct buf *bytes, const char *from, const char *to, struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	const char *p = buf_text(bytes), *end = p + bytes->len;
	size_t from_len = strlen(from);
	const char *hit;

	while ((hit = memmem(p, (size_t)(end - p), from, from_len))) {
		if (buf_append(&out, p, (size_t)(hit - p), e) < 0 || buf_puts(&out, to, e) < 0)
			return -1;
		p = hit + from_len;
	}
	if (p == bytes->data || !bytes->data)
		return 0;
	if (buf_append(&out, p, (size_t)(end - p), e) < 0)
		return -1;
	struct buf before = *bytes;
	*bytes = out;
	out = before;
	return 0;
}

int tree_rules_rewrite(const struct tree_rules *rules, const char *path, struct buf *bytes, struct err *e)
{
	for (size_t i = 0; i < rules->rewrite_count; i++) {
		const struct tree_rewrite *r = &rules->rewrites[i];
		if (glob_matches(r->file, path) && replace_all(bytes, r->from, r->to, e) < 0)
			return -1;
		if (bytes->len > TREE_REWRITE_MAX)
			return err_set(e, ERR_LIMIT, "'%s' grows beyond %d bytes by its rewrites", path, TREE_REWRITE_MAX);
	}
	return 0;
}

struct values {
	const char *const *names, *const *values;
};

static int append_value(struct buf *out, const char *value, bool glob, struct err *e)
{
	for (const char *p = value; *p; p++) {
		if (glob && strchr("*?[\\", *p) && buf_append(out, "\\", 1, e) < 0)
			return -1;
		if (buf_append(out, p, 1, e) < 0)
			return -1;
	}
	return 0;
}

/* NULL with *e on failure. Caller frees. */
static char *expand(const char *text, const struct values *v, bool glob, struct err *e)
{
	cleanup_buf struct buf out = { 0 };
	const char *hole;

	for (; (hole = strstr(text, "${")); text = strchr(hole, '}') + 1) {
		const char *end = strchr(hole, '}');
		size_t i = 0;
		if (!end) {
			err_set(e, ERR_INPUT, "'%s' has no closing brace", hole);
			return NULL;
		}
		cleanup_free char *name = strndup(hole + 2, (size_t)(end - hole - 2));
		if (!name) {
			err_no_memory(e);
			return NULL;
		}
		while (v->names[i] && strcmp(v->names[i], name) != 0)
			i++;
		if (!v->names[i]) {
			const char *near = str_nearest(name, v->names);
			err_set(e, ERR_INPUT, "no value named '%s'%s%s%s", name, near ? ", did you mean '" : "", near ? near : "",
				near ? "'" : "");
			return NULL;
		}
		if (buf_append(&out, text, (size_t)(hole - text), e) < 0 || append_value(&out, v->values[i], glob, e) < 0)
			return NULL;
	}
	if (buf_puts(&out, text, e) < 0)
		return NULL;
	return buf_steal(&out);
}

static int expand_globs(const struct strv *in, const struct values *v, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < in->len; i++) {
		char *glob = expand(in->items[i], v, true, e);
		if (!glob || strv_take(out, glob, e) < 0)
			return -1;
	}
	return 0;
}

int tree_rules_expand(const struct tree_rules *in, const char *const *names, const char *const *values, struct tree_rules *ret,
		      struct err *e)
{
	struct values v = { names, values };
	cleanup_tree_rules struct tree_rules out = { 0 };

	out.build_dir = expand(in->build_dir ? in->build_dir : "", &v, false, e);
	if (!out.build_dir || expand_globs(&in->drop, &v, &out.drop, e) < 0 || expand_globs(&in->keep, &v, &out.keep, e) < 0)
		return -1;
	for (size_t i = 0; i < in->rewrite_count; i++) {
		const struct tree_rewrite *r = &in->rewrites[i];
		cleanup_free char *file = expand(r->file, &v, true, e);
		cleanup_free char *from = file ? expand(r->from, &v, false, e) : NULL;
		cleanup_free char *to = from ? expand(r->to, &v, false, e) : NULL;
		if (!to || take_rewrite(&out, steal_ptr(&file), steal_ptr(&from), steal_ptr(&to), e) < 0)
			return -1;
	}
	memcpy(out.fix_ups, in->fix_ups, sizeof(out.fix_ups));
	*ret = out;
	out = (struct tree_rules){ 0 };
	return 0;
}

bool tree_text_names(const char *text, const char *const *names)
{
	for (; (text = strstr(text, "${")); text += 2)
		for (size_t i = 0; names[i]; i++) {
			size_t len = strlen(names[i]);
			if (strncmp(text + 2, names[i], len) == 0 && text[2 + len] == '}')
				return true;
		}
	return false;
}

static int copy_globs_without(const struct strv *in, const char *const *names, struct strv *out, struct err *e)
{
	for (size_t i = 0; i < in->len; i++)
		if (!tree_text_names(in->items[i], names) && strv_add(out, in->items[i], e) < 0)
			return -1;
	return 0;
}

int tree_rules_without(const struct tree_rules *in, const char *const *names, struct tree_rules *ret, struct err *e)
{
	cleanup_tree_rules struct tree_rules out = { .build_dir = str_dup("", e) };

	if (!out.build_dir || copy_globs_without(&in->drop, names, &out.drop, e) < 0 ||
	    copy_globs_without(&in->keep, names, &out.keep, e) < 0)
		return -1;
	for (size_t i = 0; i < in->rewrite_count; i++) {
		const struct tree_rewrite *r = &in->rewrites[i];
		if (tree_text_names(r->file, names) || tree_text_names(r->from, names) || tree_text_names(r->to, names))
			continue;
		if (tree_rules_add_rewrite(&out, r->file, r->from, r->to, e) < 0)
			return -1;
	}
	*ret = out;
	out = (struct tree_rules){ 0 };
	return 0;
}

static json_t *encode_globs(const struct strv *globs)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < globs->len; i++) {
		if (json_array_append_new(list, json_string(globs->items[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Not there at all without a fix-up: so the text, and every build key made from it, stays what it was before there were any. */
static int encode_fix_ups(const struct tree_rules *rules, json_t *object)
{
	json_t *list = NULL;

	for (size_t i = 0; i < TREE_FIX_UPS; i++) {
		if (!rules->fix_ups[i])
			continue;
		if (!list && json_object_set_new(object, "fix_ups", list = json_array()) < 0)
			return -1;
		if (json_array_append_new(list, json_string(fix_up_names[i])) < 0)
			return -1;
	}
	return 0;
}

char *tree_rules_encode(const struct tree_rules *rules, struct err *e)
{
	json_t *rewrites = json_array();
	char *text = NULL;

	for (size_t i = 0; rewrites && i < rules->rewrite_count; i++) {
		const struct tree_rewrite *r = &rules->rewrites[i];
		json_t *item = json_pack("{s:s, s:s, s:s}", "file", r->file, "from", r->from, "to", r->to);
		if (json_array_append_new(rewrites, item) < 0) {
			json_decref(rewrites);
			rewrites = NULL;
		}
	}
	/* json_pack frees what it was given (o) also when it fails; a NULL among them is a failure. */
	json_t *object = json_pack("{s:s, s:o, s:o, s:o}", "build_dir", rules->build_dir ? rules->build_dir : "", "drop",
				   encode_globs(&rules->drop), "keep", encode_globs(&rules->keep), "rewrites", rewrites);
	if (object && encode_fix_ups(rules, object) == 0)
		text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	if (!text)
		err_set(e, ERR_INPUT, "tree rules: text that is not UTF-8, or out of memory");
	return text;
}

static int decode_globs(const json_t *list, struct strv *ret, struct err *e)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return err_set(e, ERR_INPUT, "tree rules: a glob is not a string");
		if (strv_add(ret, json_string_value(item), e) < 0)
			return -1;
	}
	return 0;
}

static int decode_object(json_t *root, struct tree_rules *out, struct err *e)
{
	json_t *drop = NULL, *keep = NULL, *rewrites = NULL, *fix_ups = NULL;
	const char *build_dir = NULL;
	json_error_t je;
	json_t *item;
	size_t i;

	if (json_unpack_ex(root, &je, JSON_STRICT, "{s:s, s:o, s:o, s:o, s?o}", "build_dir", &build_dir, "drop", &drop, "keep",
			   &keep, "rewrites", &rewrites, "fix_ups", &fix_ups) < 0)
		return err_set(e, ERR_INPUT, "tree rules: %s", je.text);
	out->build_dir = str_dup(build_dir, e);
	if (!out->build_dir || decode_globs(drop, &out->drop, e) < 0 || decode_globs(keep, &out->keep, e) < 0)
		return -1;
	json_array_foreach(rewrites, i, item)
	{
		const char *file, *from, *to;
		if (json_unpack_ex(item, &je, JSON_STRICT, "{s:s, s:s, s:s}", "file", &file, "from", &from, "to", &to) < 0)
			return err_set(e, ERR_INPUT, "tree rules: rewrite %zu: %s", i, je.text);
		if (tree_rules_add_rewrite(out, file, from, to, e) < 0)
			return -1;
	}
	json_array_foreach(fix_ups, i, item)
	{
		if (!json_is_string(item))
			return err_set(e, ERR_INPUT, "tree rules: a fix-up is not a string");
		if (tree_rules_add_fix_up(out, json_string_value(item), e) < 0)
			return -1;
	}
	return 0;
}

int tree_rules_decode(const char *json, struct tree_rules *ret, struct err *e)
{
	cleanup_tree_rules struct tree_rules out = { 0 };
	json_error_t je;

	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return err_set(e, ERR_INPUT, "tree rules: %s", je.text);
	int rc = decode_object(root, &out, e);
	json_decref(root);
	if (rc < 0)
		return -1;
	*ret = out;
	out = (struct tree_rules){ 0 };
	return 0;
}
