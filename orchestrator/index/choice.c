#include "index/choice.h"

#include <stdlib.h>

static int compile(const struct strv *texts, struct pattern ***ret, size_t *ret_count, struct err *e)
{
	if (!texts->len)
		return 0;
	*ret = calloc(texts->len, sizeof(**ret));
	if (!*ret)
		return err_no_memory(e);
	for (size_t i = 0; i < texts->len; i++, ++*ret_count)
		if (pattern_new(texts->items[i], &(*ret)[i], e) < 0)
			return -1;
	return 0;
}

int choice_init(struct choice *c, const struct index_rules *rules, struct err *e)
{
	*c = (struct choice){ 0 };
	if (compile(&rules->packages, &c->packages, &c->package_count, e) < 0)
		return -1;
	return compile(&rules->exclude, &c->exclude, &c->exclude_count, e);
}

static void release(struct pattern **patterns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pattern_free(patterns[i]);
	free(patterns);
}

void choice_release(struct choice *c)
{
	release(c->packages, c->package_count);
	release(c->exclude, c->exclude_count);
	*c = (struct choice){ 0 };
}

static int any_matches(struct pattern **patterns, size_t count, const char *name, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		rc = pattern_match(patterns[i], name, e);
	return rc;
}

int choice_takes(struct choice *c, const char *name, struct err *e)
{
	int rc = any_matches(c->packages, c->package_count, name, e);

	if (rc <= 0)
		return rc;
	rc = any_matches(c->exclude, c->exclude_count, name, e);
	return rc < 0 ? -1 : !rc;
}
