#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fetch/url.h"
#include "index/rules.h"
#include "kernel/pattern.h"
#include "kernel/template.h"

enum need { FOREIGN, ALLOWED, NEEDED };

/* What each kind has, in the order of enum index_kind. */
static const struct {
	const char *name; /* as a descriptor says it */
	enum { A_TEXT, A_LIST } is;
	size_t offset;
	enum need need[INDEX_KIND_COUNT];
} members[] = {
#define TEXT(name, member, ...)                                                                                                    \
	{                                                                                                                          \
		name, A_TEXT, offsetof(struct index_rules, member),                                                                \
		{                                                                                                                  \
			__VA_ARGS__                                                                                                \
		}                                                                                                                  \
	}
#define LIST(name, member, ...)                                                                                                    \
	{                                                                                                                          \
		name, A_LIST, offsetof(struct index_rules, member),                                                                \
		{                                                                                                                  \
			__VA_ARGS__                                                                                                \
		}                                                                                                                  \
	}
	/* apt, yum, html, bucket, json */
	TEXT("name", name, NEEDED, NEEDED, NEEDED, NEEDED, NEEDED),
	LIST("urls", urls, NEEDED, ALLOWED, NEEDED, NEEDED, NEEDED),
	LIST("packages", packages, NEEDED, NEEDED, NEEDED, NEEDED, NEEDED),
	LIST("suites", suites, NEEDED, FOREIGN, FOREIGN, FOREIGN, FOREIGN),
	LIST("components", components, NEEDED, FOREIGN, FOREIGN, FOREIGN, FOREIGN),
	LIST("architectures", architectures, NEEDED, FOREIGN, FOREIGN, FOREIGN, FOREIGN),
	LIST("depends", depends, ALLOWED, FOREIGN, FOREIGN, FOREIGN, FOREIGN),
	TEXT("keyring", keyring, NEEDED, ALLOWED, FOREIGN, FOREIGN, FOREIGN),
	TEXT("mirror-list", mirror_list, FOREIGN, ALLOWED, FOREIGN, FOREIGN, FOREIGN),
	LIST("descend", descend, FOREIGN, FOREIGN, ALLOWED, FOREIGN, FOREIGN),
	TEXT("prefix", prefix, FOREIGN, FOREIGN, FOREIGN, ALLOWED, FOREIGN),
#undef TEXT
#undef LIST
};

static int check_members(const struct index_rules *r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *at = (const char *)r + members[i].offset;
		bool there =
			members[i].is == A_TEXT ? *(char *const *)at && **(char *const *)at : ((const struct strv *)at)->len > 0;
		enum need need = members[i].need[r->kind];
		if (need == NEEDED && !there)
			return err_set(e, ERR_INPUT, "'%s' is missing", members[i].name);
		if (need == FOREIGN && there)
			return err_set(e, ERR_INPUT, "'%s' does not go with this kind of index", members[i].name);
	}
	return 0;
}

/* What stands before the `@` would get into every line of the list; so it is not shown either. */
static int check_fetchable(const char *url, struct err *e)
{
	size_t len;

	if (!url_is_fetchable(url))
		return err_set(e, ERR_INPUT, "'%s' is no http, https or file URL", url);
	const char *authority = url_authority(url, &len);
	return authority > url && authority[-1] == '@'
		       ? err_set(e, ERR_INPUT, "the URL of '%.*s' has a user or password in it: 'access' is the place for that",
				 (int)len, authority)
		       : 0;
}

static int check_url(const char *url, struct err *e)
{
	if (check_fetchable(url, e) < 0)
		return -1;
	return str_ends(url, "/") ? err_set(e, ERR_INPUT, "URL '%s': no slash at its end, please", url) : 0;
}

static int check_urls(const struct index_rules *r, struct err *e)
{
	for (size_t i = 0; i < r->urls.len; i++)
		if (check_url(r->urls.items[i], e) < 0)
			return -1;
	if (r->kind == INDEX_YUM && (r->urls.len > 0) == (r->mirror_list != NULL))
		return err_set(e, ERR_INPUT, "either 'urls' or 'mirror-list' is expected");
	return r->mirror_list ? check_fetchable(r->mirror_list, e) : 0;
}

static int check_pattern(const char *text, struct err *e)
{
	cleanup_of(pattern) struct pattern *p = NULL;

	return pattern_new(text, &p, e);
}

static int check_patterns(const struct index_rules *r, struct err *e)
{
	const struct strv *const all[] = { &r->packages, &r->exclude, &r->depends, &r->descend };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (size_t j = 0; j < all[i]->len; j++)
			if (check_pattern(all[i]->items[j], e) < 0)
				return -1;
	return 0;
}

/* They become parts of URLs as they are. */
static int check_paths(const struct strv *v, const char *what, struct err *e)
{
	for (size_t i = 0; i < v->len; i++)
		if (!path_is_plain(v->items[i]) || v->items[i][strcspn(v->items[i], " %?#")])
			return err_set(e, ERR_INPUT, "%s '%s' is not a plain name", what, v->items[i]);
	return 0;
}

static const char *any_hole(const void *context, const char *name, size_t *ret_len)
{
	(void)context;
	(void)name;
	*ret_len = 0;
	return "";
}

static int check_steps(const struct index_rules *r, struct err *e)
{
	if ((r->kind == INDEX_JSON) != (r->step_count > 0))
		return err_set(e, ERR_INPUT, r->step_count ? "'steps' does not go with this kind of index" : "'steps' is missing");
	for (size_t i = 0; i < r->step_count; i++) {
		const struct json_step *step = &r->steps[i];
		if (step->path.len == 0 || !step->reference || !*step->reference)
			return err_set(e, ERR_INPUT, "step %zu: 'path' and 'reference' are expected", i + 1);
		for (size_t j = 0; j < step->where_count; j++)
			if (check_pattern(step->where[j].pattern, e) < 0)
				return err_wrap(e, "step %zu", i + 1);
		if (template_check(step->reference, any_hole, NULL, e) < 0)
			return err_wrap(e, "step %zu", i + 1);
	}
	return 0;
}

static bool is_variable(const char *name)
{
	return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(name) && !(*name >= '0' && *name <= '9');
}

static int check_access(const struct index_access *a, struct err *e)
{
	const char *const names[] = { a->token, a->certificate, a->key, a->authority };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i] && !is_variable(names[i]))
			/* Not shown: it may be the secret itself. */
			return err_set(e, ERR_INPUT, "access: names of environment variables are expected, in capitals");
	if (!a->certificate != !a->key)
		return err_set(e, ERR_INPUT, "access: 'certificate' and 'key' go together");
	if (a->token_user && (!a->token || a->token_as != TOKEN_BASIC))
		return err_set(e, ERR_INPUT, "access: 'user' goes with a token as 'basic' only");
	return 0;
}

int index_rules_check(const struct index_rules *r, struct err *e)
{
	if (check_members(r, e) < 0 || check_urls(r, e) < 0 || check_patterns(r, e) < 0 || check_steps(r, e) < 0 ||
	    check_paths(&r->suites, "suite", e) < 0 || check_paths(&r->components, "component", e) < 0 ||
	    check_paths(&r->architectures, "architecture", e) < 0 || check_access(&r->access, e) < 0)
		return -1;
	if (r->shrink_percent > 100)
		return err_set(e, ERR_INPUT, "a shrink limit of %u percent; at most 100 is expected", r->shrink_percent);
	return 0;
}
