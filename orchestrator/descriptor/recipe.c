#include "descriptor/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/folder.h"
#include "descriptor/shape.h"
#include "kernel/template.h"
#include "kernel/version.h"
#include "stream/digest.h"

#define DIGEST_PREFIX "sha256:"

static const char *const how_names[RECIPE_HOW_COUNT] = {
	[RECIPE_BOOTSTRAP] = "bootstrap",
	[RECIPE_PULL] = "pull",
	[RECIPE_BUILD] = "build",
};

/* --- bootstrap --- */

/* Package names, suites and components become arguments of programs: no leading dash, no blanks, no commas. */
static int rule_word(const char *text, struct err *e)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+./:~_-");
	if (text[len] || text[0] == '-')
		return err_set(e, ERR_INPUT, "'%s': expected letters, digits and +./:~_- only, no dash first", text);
	return 0;
}

static const struct field bootstrap_fields[] = {
	{ .key = "mirror",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe_bootstrap, mirror),
	  .rule = rule_name },
	{ .key = "suite",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe_bootstrap, suite),
	  .rule = rule_word },
	{ .key = "urls",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe_bootstrap, urls),
	  .rule = rule_base_url },
	{ .key = "components", .type = FIELD_TEXTS, .offset = offsetof(struct recipe_bootstrap, components), .rule = rule_word },
	{ .key = "packages",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe_bootstrap, packages),
	  .rule = rule_word },
	{ .key = "accept-expired-release",
	  .type = FIELD_BOOL,
	  .offset = offsetof(struct recipe_bootstrap, accept_expired_release) },
	{ .key = "keyring", .type = FIELD_TEXT, .offset = offsetof(struct recipe_bootstrap, keyring), .rule = rule_word },
	{ 0 },
};
static const struct shape bootstrap_shape = { .what = "bootstrap section", .fields = bootstrap_fields };

/* --- pull, build --- */

static int rule_pinned_reference(const char *text, struct err *e)
{
	const char *at = strstr(text, "@sha256:");
	struct digest digest;
	struct err unwanted = { 0 };
	if (!at || at == text || strpbrk(text, " \t\n") || digest_parse(at + strlen("@sha256:"), &digest, &unwanted) < 0)
		return err_set(e, ERR_INPUT, "'%s': expected a reference by digest: NAME@sha256:<64 hex digits>", text);
	return 0;
}

static const struct field pull_fields[] = {
	{ .key = "reference", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .rule = rule_pinned_reference },
	{ 0 },
};
static const struct shape pull_shape = { .what = "pull section", .fields = pull_fields };

static int rule_file_name(const char *text, struct err *e)
{
	if (!path_is_plain(text) || strchr(text, '/') || text[0] == '.')
		return err_set(e, ERR_INPUT, "'%s': expected the name of a file in the image's folder", text);
	return 0;
}

/* As engines take it: a host or not, lower-case path parts, a tag or not. The digest has a key of its own. */
static int rule_base(const char *text, struct err *e)
{
	size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./:_-");
	if (text[len] || text[0] == '-' || strstr(text, "//"))
		return err_set(e, ERR_INPUT, "'%s': expected the name of an image, NAME or NAME:TAG, without digest", text);
	return 0;
}

static int rule_digest(const char *text, struct err *e)
{
	struct digest digest;
	struct err unwanted = { 0 };
	if (!str_starts(text, DIGEST_PREFIX) || digest_parse(text + strlen(DIGEST_PREFIX), &digest, &unwanted) < 0)
		return err_set(e, ERR_INPUT, "'%s': expected sha256:<64 hex digits>", text);
	return 0;
}

#define BUILD_FIELD(name) (offsetof(struct recipe, build.name) - offsetof(struct recipe, build))
static const struct field build_fields[] = {
	{ .key = "dockerfile",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = BUILD_FIELD(dockerfile),
	  .rule = rule_file_name },
	{ .key = "base", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = BUILD_FIELD(base), .rule = rule_base },
	{ .key = "digest", .type = FIELD_TEXT, .offset = BUILD_FIELD(digest), .rule = rule_digest },
	{ 0 },
};
static const struct shape build_shape = { .what = "build section", .fields = build_fields };

/* --- the whole --- */

static int rule_variable_name(const char *text, struct err *e)
{
	if (text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] || (text[0] >= '0' && text[0] <= '9'))
		return err_set(e, ERR_INPUT, "'%s': expected the name of a variable, A-Z, 0-9 and `_`", text);
	return 0;
}

static const struct field variable_value = { .type = FIELD_TEXT,
					     .offset = offsetof(struct recipe_variable, value),
					     .empty_ok = true };
static const struct shape variable_shape = {
	.what = "variable", .size = sizeof(struct recipe_variable), .value = &variable_value, .key_rule = rule_variable_name
};

/* `gcc:` is one major or an ascending list of them. */
static int bind_gcc(const char *file, const struct node *node, void *target, struct err *e)
{
	struct recipe *r = target;
	bool is_list = node->kind == NODE_LIST;
	if (is_list && (node->count == 0 || node->count > RECIPE_GCC_MAX))
		return node_error(file, node, e, "expected 1 to %d majors of gcc", RECIPE_GCC_MAX);
	for (size_t i = 0; i < (is_list ? node->count : 1); i++) {
		const struct node *item = is_list ? node->entries[i].value : node;
		if (node_number(file, item, &r->gcc[i], e) < 0)
			return -1;
		if (i > 0 && r->gcc[i] <= r->gcc[i - 1])
			return node_error(file, item, e, "majors of gcc must ascend");
		r->gcc_count = i + 1;
	}
	return 0;
}

static int check_recipe(const void *target, struct err *e)
{
	const struct recipe *r = target;
	bool any = false;
	for (size_t i = 0; i < RECIPE_HOW_COUNT; i++)
		any = any || r->has[i];
	if (!any)
		return err_set(e, ERR_INPUT, "an image needs at least one of 'bootstrap', 'pull' and 'build'");
	for (size_t i = 0; i < r->env_count; i++) {
		cleanup_free char *value = recipe_expand(r, r->env[i].value, r->gcc[0], e);
		if (!value)
			return err_wrap(e, "variable '%s'", r->env[i].name);
	}
	return 0;
}

static const struct field recipe_fields[] = {
	{ .key = "name", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct recipe, name), .rule = rule_name },
	{ .key = "architecture",
	  .type = FIELD_BY_HAND,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe, arch),
	  .binder = bind_arch },
	{ .key = "gcc", .type = FIELD_BY_HAND, .need = FIELD_REQUIRED, .binder = bind_gcc },
	{ .key = "clang", .type = FIELD_NUMBER, .offset = offsetof(struct recipe, clang) },
	{ .key = "glibc",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct recipe, glibc),
	  .rule = rule_floor },
	{ .key = "pahole", .type = FIELD_BOOL, .offset = offsetof(struct recipe, pahole) },
	{ .key = "lld", .type = FIELD_BOOL, .offset = offsetof(struct recipe, lld) },
	{ .key = "bootstrap",
	  .type = FIELD_MAP,
	  .offset = offsetof(struct recipe, bootstrap),
	  .given_offset = offsetof(struct recipe, has[RECIPE_BOOTSTRAP]),
	  .shape = &bootstrap_shape },
	{ .key = "pull",
	  .type = FIELD_MAP,
	  .offset = offsetof(struct recipe, pull.reference),
	  .given_offset = offsetof(struct recipe, has[RECIPE_PULL]),
	  .shape = &pull_shape },
	{ .key = "build",
	  .type = FIELD_MAP,
	  .offset = offsetof(struct recipe, build),
	  .given_offset = offsetof(struct recipe, has[RECIPE_BUILD]),
	  .shape = &build_shape },
	{ .key = "env",
	  .type = FIELD_DICT,
	  .offset = offsetof(struct recipe, env),
	  .count_offset = offsetof(struct recipe, env_count),
	  .shape = &variable_shape },
	{ 0 },
};
static const struct shape recipe_shape = { .what = "toolchain image", .fields = recipe_fields, .check = check_recipe };

/* Fills *r as far as it goes, also on failure. */
static int parse(const char *bytes, size_t len, const char *name, struct strv *findings, struct recipe *r, struct err *e)
{
	cleanup_of(node) struct node *root = NULL;
	if (node_parse(bytes, len, name, findings, &root, e) < 0)
		return -1;
	if (shape_bind(&recipe_shape, name, root, r, e) < 0 && node_gather(root, e) < 0)
		return -1;
	if (r->has[RECIPE_BOOTSTRAP] && r->bootstrap.components.len == 0)
		return strv_add(&r->bootstrap.components, "main", e);
	return 0;
}

int recipe_parse(const char *bytes, size_t len, const char *name, struct recipe *ret, struct err *e)
{
	cleanup_recipe struct recipe r = { 0 };
	if (parse(bytes, len, name, NULL, &r, e) < 0)
		return -1;
	*ret = r;
	r = (struct recipe){ 0 };
	return 0;
}

/* As recipe_check; findings NULL: the first mistake is the error. */
static int load(const char *dir, struct recipe *ret, struct strv *findings, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	cleanup_recipe struct recipe r = { 0 };
	cleanup_free char *path = path_join(dir, "image.yaml", e);
	if (!path || file_read(path, NODE_MAX_BYTES, &text, e) < 0 || parse(buf_text(&text), text.len, path, findings, &r, e) < 0)
		return -1;
	if (r.name && strcmp(path_base(dir), r.name) != 0) {
		err_set(e, ERR_INPUT, "%s:1: the name in it is '%s', so the folder should be '%s'", path, r.name, r.name);
		if (!findings || strv_add(findings, e->message, e) < 0)
			return -1;
	}
	if (findings && findings->len)
		return err_set(e, ERR_INPUT, "%s", findings->items[0]);
	if (!(r.dir = str_dup(dir, e)))
		return -1;
	*ret = r;
	r = (struct recipe){ 0 };
	return 0;
}

int recipe_load(const char *dir, struct recipe *ret, struct err *e)
{
	return load(dir, ret, NULL, e);
}

int recipe_check(const char *dir, struct recipe *ret, struct strv *findings, struct err *e)
{
	return load(dir, ret, findings, e);
}

void recipe_release(struct recipe *r)
{
	free(r->name);
	free(r->dir);
	free(r->glibc);
	free(r->bootstrap.mirror);
	free(r->bootstrap.suite);
	strv_release(&r->bootstrap.urls);
	strv_release(&r->bootstrap.components);
	strv_release(&r->bootstrap.packages);
	free(r->bootstrap.keyring);
	free(r->pull.reference);
	free(r->build.dockerfile);
	free(r->build.base);
	free(r->build.digest);
	for (size_t i = 0; i < r->env_count; i++) {
		free(r->env[i].name);
		free(r->env[i].value);
	}
	free(r->env);
	*r = (struct recipe){ 0 };
}

static int compare_recipes(const void *a, const void *b)
{
	return version_compare_natural(((const struct recipe *)a)->name, ((const struct recipe *)b)->name);
}

int recipe_load_dir(const char *dir, struct recipe_set *ret, struct err *e)
{
	cleanup_strv struct strv names = { 0 };
	cleanup_recipe_set struct recipe_set set = { 0 };
	if (folder_names(dir, "", &names, e) < 0)
		return -1;
	set.items = calloc(names.len ? names.len : 1, sizeof(*set.items));
	if (!set.items)
		return err_no_memory(e);
	for (size_t i = 0; i < names.len; i++) {
		cleanup_free char *folder = path_join(dir, names.items[i], e);
		cleanup_free char *path = folder ? path_join(folder, "image.yaml", e) : NULL;
		int exists = path ? path_exists(path, e) : -1;
		if (exists < 0 || (exists && recipe_load(folder, &set.items[set.count], e) < 0))
			return -1;
		set.count += (size_t)exists;
	}
	qsort(set.items, set.count, sizeof(*set.items), compare_recipes);
	*ret = set;
	set = (struct recipe_set){ 0 };
	return 0;
}

void recipe_set_release(struct recipe_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		recipe_release(&set->items[i]);
	free(set->items);
	*set = (struct recipe_set){ 0 };
}

const struct recipe *recipe_find(const struct recipe_set *set, const char *name, struct err *e)
{
	cleanup_strv struct strv names = { 0 };
	for (size_t i = 0; i < set->count; i++) {
		if (strcmp(set->items[i].name, name) == 0)
			return &set->items[i];
		if (strv_add(&names, set->items[i].name, e) < 0)
			return NULL;
	}
	folder_unknown("toolchain image", name, &names, e);
	return NULL;
}

const char *recipe_how_name(enum recipe_how how)
{
	return how_names[how];
}

int recipe_how_parse(const char *name, enum recipe_how *ret, struct err *e)
{
	for (int i = 0; i < RECIPE_HOW_COUNT; i++) {
		if (strcmp(how_names[i], name) == 0) {
			*ret = (enum recipe_how)i;
			return 0;
		}
	}
	return err_set(e, ERR_USAGE, "unknown way '%s' to have an image: expected 'bootstrap', 'pull' or 'build'", name);
}

enum recipe_how recipe_default_how(const struct recipe *r)
{
	int how = 0;
	while (how < RECIPE_HOW_COUNT - 1 && !r->has[how])
		how++;
	return (enum recipe_how)how;
}

bool recipe_needs_registry(const struct recipe *r)
{
	return !r->has[RECIPE_BOOTSTRAP];
}

const char *recipe_registry_reference(const struct recipe *r)
{
	if (!recipe_needs_registry(r))
		return NULL;
	return r->has[RECIPE_PULL] ? r->pull.reference : r->build.base;
}

/* --- templates --- */

struct recipe_values {
	const char *arch;
	char gcc[16], clang[16];
};

static const char *lookup_value(const void *context, const char *name, size_t *ret_len)
{
	const struct recipe_values *values = context;
	const struct {
		const char *name, *value;
	} table[] = { { "gcc", values->gcc }, { "clang", values->clang }, { "arch", values->arch } };
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		*ret_len = strlen(table[i].value);
		return table[i].value;
	}
	return NULL;
}

char *recipe_expand(const struct recipe *r, const char *value, unsigned gcc, struct err *e)
{
	struct recipe_values values = { .arch = r->arch->name };
	snprintf(values.gcc, sizeof(values.gcc), "%u", gcc);
	if (r->clang)
		snprintf(values.clang, sizeof(values.clang), "%u", r->clang);
	return template_expand(value, lookup_value, &values, e);
}
