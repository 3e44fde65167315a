#include "kernel/group_rules.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/template.h"

static void package_rule_release(struct package_rule *rule)
{
	free(rule->role);
	strv_release(&rule->files);
	for (size_t i = 0; i < rule->match_count; i++) {
		free(rule->matches[i].name);
		strv_release(&rule->matches[i].values);
	}
	free(rule->matches);
	free(rule->file_as);
}

void group_rules_release(struct group_rules *rules)
{
	strv_release(&rules->release);
	strv_release(&rules->base);
	strv_release(&rules->id);
	free(rules->told_id);
	for (size_t i = 0; i < rules->package_count; i++)
		package_rule_release(&rules->packages[i]);
	free(rules->packages);
	*rules = (struct group_rules){ 0 };
}

bool role_has_capture(const struct role_patterns *role, const char *name)
{
	for (size_t i = 0; i < role->count; i++)
		if (pattern_has_capture(role->items[i], name))
			return true;
	return false;
}

const char *role_match_lookup(const void *role_match, const char *name, size_t *ret_len)
{
	const struct role_match *match = role_match;
	*ret_len = 0;
	if (!role_has_capture(match->role, name))
		return NULL;
	return match->pattern ? pattern_capture(match->pattern, name, ret_len) : "";
}

static int compile_role(const struct package_rule *rule, struct role_patterns *ret, struct err *e)
{
	if (rule->files.len == 0)
		return err_set(e, ERR_INPUT, "package '%s' has no file pattern", rule->role);
	ret->items = calloc(rule->files.len, sizeof(*ret->items));
	if (!ret->items)
		return err_no_memory(e);
	for (; ret->count < rule->files.len; ret->count++)
		if (pattern_new(rule->files.items[ret->count], &ret->items[ret->count], e) < 0)
			return err_wrap(e, "package '%s'", rule->role);
	return 0;
}

static int check_match(const struct match_rule *match, const struct role_patterns *role, const struct role_match *first,
		       struct err *e)
{
	if (!role_has_capture(role, match->name))
		return err_set(e, ERR_INPUT, "no file pattern captures '%s'", match->name);
	for (size_t i = 0; i < match->values.len; i++)
		if (template_check(match->values.items[i], role_match_lookup, first, e) < 0)
			return err_wrap(e, "match '%s'", match->name);
	return 0;
}

/* A package rule other than the first. */
static int check_role(const struct package_rule *rule, const struct role_patterns *role, const struct role_match *first,
		      struct err *e)
{
	size_t combinations = 1;
	if (rule->shared && rule->has_config)
		return err_set(e, ERR_INPUT, "it holds the config, which is the kernel's own: it is not shared");
	for (size_t i = 0; i < rule->match_count; i++) {
		if (check_match(&rule->matches[i], role, first, e) < 0)
			return -1;
		combinations *= rule->matches[i].values.len;
		if (combinations == 0 || combinations > MATCH_COMBINATIONS_MAX)
			return err_set(e, ERR_INPUT, "match values make %s combinations", combinations ? "more than 16" : "no");
	}
	if (!role_has_capture(role, "version"))
		return err_set(e, ERR_INPUT, "no file pattern captures 'version'");
	if (rule->version != VERSION_NEWEST && !role_has_capture(first->role, "version"))
		return err_set(e, ERR_INPUT, "the first package has no capture 'version' to compare with");
	return 0;
}

static int check_templates(const struct strv *templates, const char *what, const struct role_match *first, struct err *e)
{
	for (size_t i = 0; i < templates->len; i++)
		if (template_check(templates->items[i], role_match_lookup, first, e) < 0)
			return err_wrap(e, "%s", what);
	return 0;
}

static int check_rules(const struct ready_rules *r, struct err *e)
{
	const struct group_rules *rules = r->rules;
	const struct role_match first = { .role = &r->roles[0] };
	if (rules->packages[0].shared)
		return err_set(e, ERR_INPUT, "package '%s' names the kernel: it is not shared", rules->packages[0].role);
	if (rules->packages[0].optional)
		return err_set(e, ERR_INPUT, "package '%s' names the kernel: it is not optional", rules->packages[0].role);
	if (rules->packages[0].match_count)
		return err_set(e, ERR_INPUT, "package '%s' names the kernel: it has nothing to match", rules->packages[0].role);
	if (rules->release.len == 0 && rules->id.len == 0)
		return err_set(e, ERR_INPUT, "a kernel needs a release, or an id where only its packages tell the release");
	if (check_templates(&rules->release, "release", &first, e) < 0 || check_templates(&rules->base, "base", &first, e) < 0 ||
	    check_templates(&rules->id, "id", &first, e) < 0)
		return -1;
	if (rules->told_id && template_check(rules->told_id, told_lookup, NULL, e) < 0)
		return err_wrap(e, "told-id");
	for (size_t i = 1; i < rules->package_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(rules->packages[i].role, rules->packages[j].role) == 0)
				return err_set(e, ERR_INPUT, "two package rules have the role '%s'", rules->packages[i].role);
	for (size_t i = 1; i < rules->package_count; i++)
		if (check_role(&rules->packages[i], &r->roles[i], &first, e) < 0)
			return err_wrap(e, "package '%s'", rules->packages[i].role);
	return 0;
}

int ready_rules_new(const struct group_rules *rules, struct ready_rules **ret, struct err *e)
{
	if (rules->package_count == 0)
		return err_set(e, ERR_INPUT, "a kernel needs at least one package");
	cleanup_of(ready_rules) struct ready_rules *r = calloc(1, sizeof(*r));
	if (!r)
		return err_no_memory(e);
	r->rules = rules;
	r->roles = calloc(rules->package_count, sizeof(*r->roles));
	if (!r->roles)
		return err_no_memory(e);
	for (size_t i = 0; i < rules->package_count; i++)
		if (compile_role(&rules->packages[i], &r->roles[i], e) < 0)
			return -1;
	if (check_rules(r, e) < 0)
		return -1;
	*ret = steal_ptr(&r);
	return 0;
}

void ready_rules_free(struct ready_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; r->roles && i < r->rules->package_count; i++) {
		for (size_t j = 0; j < r->roles[i].count; j++)
			pattern_free(r->roles[i].items[j]);
		free(r->roles[i].items);
	}
	free(r->roles);
	free(r);
}

int group_rules_check(const struct group_rules *rules, struct err *e)
{
	cleanup_of(ready_rules) struct ready_rules *r = NULL;
	return ready_rules_new(rules, &r, e);
}
