#include "crawl/visit.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

/* A visit of url where the mirror `m` of http://public.example/a is set to another one. */
static struct visit *address(struct walk_index *index, const char *url, const char *set)
{
	char *urls[] = { (char *)"http://public.example/a" };
	const struct mirror mirror = { .name = (char *)"m", .urls = { .items = urls, .len = 1 } };
	struct err e = { 0 };
	cleanup_of(mirror_table) struct mirror_table *mirrors = mirror_table_new(NULL, NULL, &e);

	cr_assert_not_null(mirrors);
	cr_assert_eq(mirror_table_add(mirrors, &mirror, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(mirror_table_override(mirrors, set, &e), 0, "%s", e.message);
	struct visit *v = visit_new(index, 0, DOCUMENT_RELEASE, strdup(url), &e);
	cr_assert_not_null(v);
	cr_assert_eq(visit_address(v, mirrors, &e), 0, "%s", e.message);
	return v;
}

Test(visit, what_the_ledger_keeps_has_no_password)
{
	static const char url[] = "http://public.example/a/dists/x/InRelease?marker=1";
	struct walk_index index = { 0 };
	cleanup_of(visit) struct visit *v = address(&index, url, "m=http://user:hunter2@own.example/b");
	cleanup_of(visit) struct visit *elsewhere = address(&index, url, "m=http://user:hunter2@other.example/b");
	cleanup_of(visit) struct visit *next =
		address(&index, "http://public.example/a/dists/x/InRelease?marker=2", "m=http://user:hunter2@own.example/b");

	cr_expect_str_eq(v->candidates.items[0], "http://user:hunter2@own.example/b/dists/x/InRelease?marker=1");
	cr_expect_null(strstr(v->key, "hunter2"), "%s", v->key);
	cr_expect(strcmp(v->key, elsewhere->key) != 0, "a mirror's validators are its own");
	cr_expect(strcmp(v->key, next->key) != 0, "another page is another document");
}
