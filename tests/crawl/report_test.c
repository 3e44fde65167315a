#include "crawl/report.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void add_text(struct strv *v, const char *text)
{
	struct err e;

	cr_assert_eq(strv_add(v, text, &e), 0);
}

static struct index_report index_of(const char *name, enum index_state state, const char *reason)
{
	return (struct index_report){
		.name = strdup(name),
		.kind = "apt",
		.state = state,
		.reason = reason ? strdup(reason) : NULL,
		.packages = 12,
		.documents = 3,
		.unchanged = 1,
		.bytes = 4096,
	};
}

/* One of each: changed, failed, by hand. */
static void fill(struct crawl_report *r)
{
	r->count = 3;
	r->distros = calloc(3, sizeof(*r->distros));
	struct distro_report *a = &r->distros[0], *b = &r->distros[1], *c = &r->distros[2];
	a->name = strdup("alpha");
	a->good = a->vanished_known = true;
	a->indexes = calloc(2, sizeof(*a->indexes));
	a->indexes[a->index_count++] = index_of("main", INDEX_GOOD, NULL);
	a->indexes[a->index_count++] = index_of("private", INDEX_SKIPPED, "it is private; set ALPHA_TOKEN to crawl it");
	a->known_urls = 12;
	a->known_kernels = 6;
	add_text(&a->new_urls, "http://a.example/linux-2.deb");
	add_text(&a->new_kernels, "2-amd64");
	add_text(&a->vanished_urls, "http://a.example/linux-1.deb");
	add_text(&a->vanished_kernels, "1-amd64");
	add_text(&a->changed, "http://a.example/linux-0.deb");
	b->name = strdup("beta");
	b->known_kernels = 1;
	b->known_urls = 2;
	b->indexes = calloc(1, sizeof(*b->indexes));
	b->indexes[b->index_count++] = index_of("main", INDEX_FAILED, "http://b.example/x: <html> | `bad`");
	c->name = strdup("gamma");
	c->by_hand = c->good = true;
}

Test(report, a_line_for_each_distro)
{
	cleanup_crawl_report struct crawl_report r = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	fill(&r);
	cr_assert_eq(crawl_report_text(&r, &text, &e), 0);
	cr_expect_str_eq(
		buf_text(&text),
		"alpha: 6 kernels known, 1 new; 12 packages, 1 new, 1 vanished, 0 published no more; 1 index good, 1 skipped\n"
		"beta: list unchanged, 1 kernel known; 0 indexes good, 1 failed\n"
		"gamma: the list is made by hand\n");
	cr_expect_eq(crawl_report_failures(&r), 1);
}

Test(report, json)
{
	cleanup_crawl_report struct crawl_report r = { .dry_run = true };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	fill(&r);
	cr_assert_eq(crawl_report_json(&r, &text, &e), 0);
	json_t *root = json_loads(buf_text(&text), 0, NULL), *distros = json_object_get(root, "distros");
	cr_expect_eq(json_integer_value(json_object_get(root, "version")), 1);
	cr_expect(json_is_true(json_object_get(root, "dry_run")));
	cr_assert_eq(json_array_size(distros), 3);
	json_t *a = json_array_get(distros, 0), *b = json_array_get(distros, 1);
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(a, "known"), "kernels")), 6);
	json_t *news = json_object_get(json_object_get(a, "new"), "kernels");
	cr_expect_str_eq(json_string_value(json_array_get(news, 0)), "2-amd64");
	cr_expect(json_is_true(json_object_get(json_object_get(a, "vanished"), "known")));
	json_t *index = json_array_get(json_object_get(b, "indexes"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(index, "state")), "failed");
	cr_expect_str_eq(json_string_value(json_object_get(index, "reason")), "http://b.example/x: <html> | `bad`");
	cr_expect_eq(json_integer_value(json_object_get(index, "bytes")), 4096);
	cr_expect(json_is_false(json_object_get(b, "good")));
	json_decref(root);
}

/* A distro that failed must not be missing for it. */
Test(report, json_of_a_reason_that_is_not_utf8)
{
	cleanup_crawl_report struct crawl_report r = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	fill(&r);
	free(r.distros[1].indexes[0].reason);
	r.distros[1].indexes[0].reason = strdup("'caf\xc3...' is no package");
	cr_assert_eq(crawl_report_json(&r, &text, &e), 0);
	json_t *root = json_loads(buf_text(&text), 0, NULL), *distros = json_object_get(root, "distros");
	cr_assert_eq(json_array_size(distros), 3, "%s", buf_text(&text));
	json_t *index = json_array_get(json_object_get(json_array_get(distros, 1), "indexes"), 0);
	cr_assert_not_null(index);
	cr_expect_str_eq(json_string_value(json_object_get(index, "reason")), "'caf?...' is no package");
	json_decref(root);
}

Test(report, markdown)
{
	cleanup_crawl_report struct crawl_report r = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	fill(&r);
	cr_assert_eq(crawl_report_markdown(&r, &text, &e), 0);
	cr_expect_str_eq(buf_text(&text),
			 "## Crawl\n\n"
			 "| distro | kernels known | new | vanished | published no more | failed indexes |\n"
			 "|---|--:|--:|--:|--:|---|\n"
			 "| alpha | 6 | 1 | 1 | 0 | none, 1 skipped |\n"
			 "| beta | 1 | 0 | ? | 0 | **1 of 1** |\n"
			 "| gamma | 0 | made by hand | | | |\n"
			 "\n### Look at\n\n"
			 "- alpha, index `private` skipped: `it is private; set ALPHA_TOKEN to crawl it`\n"
			 "- alpha, package with another digest than before: `http://a.example/linux-0.deb`\n"
			 "- beta, index `main` failed: `http://b.example/x:  html     bad `\n"
			 "\n<details><summary>alpha: 1 new kernel</summary>\n\n- `2-amd64`\n\n</details>\n"
			 "\n<details><summary>alpha: 1 vanished kernel</summary>\n\n- `1-amd64`\n\n</details>\n",
			 "%s", buf_text(&text));
}

Test(report, long_lists_of_names_are_cut)
{
	cleanup_crawl_report struct crawl_report r = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	fill(&r);
	for (int i = 0; i < 600; i++)
		add_text(&r.distros[0].new_kernels, "x");
	cr_assert_eq(crawl_report_markdown(&r, &text, &e), 0);
	cr_expect_not_null(strstr(buf_text(&text), "alpha: 601 new kernels"));
	cr_expect_not_null(strstr(buf_text(&text), "- and 101 more\n"));
}
