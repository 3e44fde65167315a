#include "descriptor/sections.h"

#include <string.h>

#include "base/cleanup.h"
#include "descriptor/distro.h"
#include "kernel/pattern.h"
#include "kernel/template.h"

/* --- kernel --- */

/* An empty value matches a capture that is not set. */
static const struct field match_value = { .type = FIELD_TEXTS, .offset = offsetof(struct match_rule, values), .empty_ok = true };
static const struct shape match_shape = { .what = "match", .size = sizeof(struct match_rule), .value = &match_value };

static const char *const version_words[] = {
	[VERSION_SAME] = "same", [VERSION_SAME_OR_NEWER] = "same-or-newer", [VERSION_NEWEST] = "newest", NULL
};

/* `holds:` lists which of the kernel's facts are in a package. */
static int bind_holds(const char *file, const struct node *node, void *target, struct err *e)
{
	struct package_rule *rule = target;
	if (node->kind != NODE_LIST)
		return node_error(file, node, e, "expected a list of 'config' and 'tools'");
	for (size_t i = 0; i < node->count; i++) {
		const char *text = node_text(file, node->entries[i].value, e);
		if (!text)
			return -1;
		if (strcmp(text, "config") == 0)
			rule->has_config = true;
		else if (strcmp(text, "tools") == 0)
			rule->has_tools = true;
		else
			return node_error(file, node->entries[i].value, e, "expected 'config' or 'tools', found '%s'", text);
	}
	return 0;
}

static const struct field package_fields[] = {
	{ .key = "role",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct package_rule, role),
	  .rule = rule_name },
	{ .key = "file",
	  .type = FIELD_TEXTS,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct package_rule, files),
	  .rule = rule_pattern },
	{ .key = "match",
	  .type = FIELD_DICT,
	  .offset = offsetof(struct package_rule, matches),
	  .count_offset = offsetof(struct package_rule, match_count),
	  .shape = &match_shape },
	{ .key = "version", .type = FIELD_WORD, .offset = offsetof(struct package_rule, version), .words = version_words },
	{ .key = "holds", .type = FIELD_BY_HAND, .binder = bind_holds },
	{ .key = "shared", .type = FIELD_BOOL, .offset = offsetof(struct package_rule, shared) },
	{ .key = "optional", .type = FIELD_BOOL, .offset = offsetof(struct package_rule, optional) },
	{ .key = "file-as", .type = FIELD_TEXT, .offset = offsetof(struct package_rule, file_as), .rule = rule_plain_path },
	{ 0 },
};
static const struct shape package_shape = { .what = "package rule", .size = sizeof(struct package_rule), .fields = package_fields };

static int check_kernel(const void *target, struct err *e)
{
	return group_rules_check(target, e);
}

static const struct field kernel_fields[] = {
	{ .key = "release", .type = FIELD_TEXTS, .offset = offsetof(struct group_rules, release) },
	{ .key = "base", .type = FIELD_TEXTS, .offset = offsetof(struct group_rules, base) },
	{ .key = "id", .type = FIELD_TEXTS, .offset = offsetof(struct group_rules, id) },
	{ .key = "told-id", .type = FIELD_TEXT, .offset = offsetof(struct group_rules, told_id) },
	{ .key = "path-parts", .type = FIELD_NUMBER, .offset = offsetof(struct group_rules, path_parts) },
	{ .key = "packages",
	  .type = FIELD_LIST,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct group_rules, packages),
	  .count_offset = offsetof(struct group_rules, package_count),
	  .shape = &package_shape },
	{ 0 },
};
const struct shape kernel_shape = { .what = "kernel section", .fields = kernel_fields, .check = check_kernel };

/* --- tree --- */

const char *const distro_tree_names[DISTRO_TREE_NAMES + 1] = { "release", "base", "id", "version", "arch", "srcarch", NULL };

const char *const distro_own_names[] = { "release", "base", "id", NULL };

static int check_tree(const void *target, struct err *e)
{
	static const char *const any[] = { "a", "a", "a", "1", "a", "a", NULL };
	cleanup_tree_rules struct tree_rules expanded = { 0 };
	return tree_rules_expand(target, distro_tree_names, any, &expanded, e);
}

static const struct field rewrite_fields[] = {
	{ .key = "file", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct tree_rewrite, file) },
	{ .key = "from", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct tree_rewrite, from) },
	{ .key = "to", .type = FIELD_TEXT, .need = FIELD_REQUIRED, .offset = offsetof(struct tree_rewrite, to), .empty_ok = true },
	{ 0 },
};
static const struct shape rewrite_shape = { .what = "rewrite", .size = sizeof(struct tree_rewrite), .fields = rewrite_fields };

static int bind_fix_ups(const char *file, const struct node *node, void *target, struct err *e)
{
	if (node->kind != NODE_LIST)
		return node_error(file, node, e, "expected a list of names");
	for (size_t i = 0; i < node->count; i++) {
		const struct node *item = node->entries[i].value;
		const char *text = node_text(file, item, e);
		if (!text)
			return -1;
		if (tree_rules_add_fix_up(target, text, e) < 0)
			return node_wrap(file, item, e);
	}
	return 0;
}

/* "." is the tree itself. */
static int rule_build_dir(const char *text, struct err *e)
{
	return strcmp(text, ".") == 0 ? 0 : rule_plain_path(text, e);
}

static const struct field tree_fields[] = {
	{ .key = "build-dir",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct tree_rules, build_dir),
	  .rule = rule_build_dir },
	{ .key = "drop", .type = FIELD_TEXTS, .offset = offsetof(struct tree_rules, drop) },
	{ .key = "keep", .type = FIELD_TEXTS, .offset = offsetof(struct tree_rules, keep) },
	{ .key = "rewrite",
	  .type = FIELD_LIST,
	  .offset = offsetof(struct tree_rules, rewrites),
	  .count_offset = offsetof(struct tree_rules, rewrite_count),
	  .shape = &rewrite_shape },
	{ .key = "fix-ups", .type = FIELD_BY_HAND, .binder = bind_fix_ups },
	{ 0 },
};
const struct shape tree_shape = { .what = "tree section", .fields = tree_fields, .check = check_tree };

/* --- toolchain, mirrors, floors --- */

static const struct field expect_fields[] = {
	{ .key = "release",
	  .type = FIELD_TEXT,
	  .need = FIELD_REQUIRED,
	  .offset = offsetof(struct toolchain_expect, release),
	  .rule = rule_pattern },
	{ .key = "gcc", .type = FIELD_NUMBER, .need = FIELD_REQUIRED, .offset = offsetof(struct toolchain_expect, gcc) },
	{ 0 },
};
static const struct shape expect_shape = { .what = "expectation",
					   .size = sizeof(struct toolchain_expect),
					   .fields = expect_fields };

static int rule_make_variable(const char *text, struct err *e)
{
	size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	if (name == 0 || text[name] != '=' || (text[0] >= '0' && text[0] <= '9') || strpbrk(text, "\n\t"))
		return err_set(e, ERR_INPUT, "'%s': expected NAME=value on one line", text);
	return 0;
}

static const struct field toolchain_fields[] = {
	{ .key = "expect",
	  .type = FIELD_LIST,
	  .offset = offsetof(struct toolchain_rules, expect),
	  .count_offset = offsetof(struct toolchain_rules, expect_count),
	  .shape = &expect_shape },
	{ .key = "make", .type = FIELD_TEXTS, .offset = offsetof(struct toolchain_rules, make), .rule = rule_make_variable },
	{ .key = "prefer", .type = FIELD_TEXTS, .offset = offsetof(struct toolchain_rules, prefer), .rule = rule_name },
	{ 0 },
};
const struct shape toolchain_shape = { .what = "toolchain section", .fields = toolchain_fields };

static const struct field mirror_value = { .type = FIELD_TEXTS, .offset = offsetof(struct mirror, urls), .rule = rule_base_url };
const struct shape mirror_shape = {
	.what = "mirror", .size = sizeof(struct mirror), .value = &mirror_value, .key_rule = rule_name
};

/* --- snapshot --- */

static const char *snapshot_name(const void *context, const char *name, size_t *ret_len)
{
	(void)context;
	*ret_len = 0;
	return strcmp(name, "last-seen") == 0 ? "" : NULL;
}

static int rule_snapshot_url(const char *text, struct err *e)
{
	return rule_base_url(text, e) < 0 ? -1 : template_check(text, snapshot_name, NULL, e);
}

static const struct field snapshot_value = { .type = FIELD_TEXTS,
					     .offset = offsetof(struct mirror, urls),
					     .rule = rule_snapshot_url };
const struct shape snapshot_shape = {
	.what = "snapshot archive", .size = sizeof(struct mirror), .value = &snapshot_value, .key_rule = rule_name
};

static const struct field floor_fields[] = {
	{ .key = "mod", .type = FIELD_TEXT, .offset = KIND_MOD * sizeof(char *), .rule = rule_floor },
	{ .key = "bpf", .type = FIELD_TEXT, .offset = KIND_BPF * sizeof(char *), .rule = rule_floor },
	{ 0 },
};
const struct shape floor_shape = { .what = "floors section", .fields = floor_fields };

static const struct field backport_value = { .type = FIELD_TEXT, .offset = offsetof(struct backport, as), .rule = rule_floor };
static const struct shape backport_shape = {
	.what = "backport", .size = sizeof(struct backport), .value = &backport_value, .key_rule = rule_release
};

#define BACKPORT_FIELD(name, id)                                                                                                   \
	{                                                                                                                          \
		.key = name, .type = FIELD_DICT,                                                                                   \
		.offset = (id) * sizeof(struct backport_list) + offsetof(struct backport_list, items),                             \
		.count_offset = (id) * sizeof(struct backport_list) + offsetof(struct backport_list, count),                       \
		.shape = &backport_shape                                                                                           \
	}

static const struct field backports_fields[] = { BACKPORT_FIELD("mod", KIND_MOD), BACKPORT_FIELD("bpf", KIND_BPF), { 0 } };
const struct shape backports_shape = { .what = "backports section", .fields = backports_fields };
