#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "program.h"

#define NO_ENGINE "--engine", "unix:///nonexistent"

enum { WORDS = 12 };

static json_t *parse(const struct buf *text)
{
	json_error_t error;
	json_t *json = json_loadb(buf_text(text), text->len, 0, &error);

	cr_assert_not_null(json, "%s: %s", error.text, buf_text(text));
	return json;
}

static const char rules[] = "# reason: nobody has them\n3.9.*\n"
			    "5.10.* 1.2.0* mod # reason: it panics; expires: 2001-01-31\n"
			    "2.6.*\n";

Test(plan_command, shows_what_is_blocked_by_which_rule)
{
	static const struct {
		const char *words[WORDS], *says[4];
		int code;
	} rows[] = {
		{ { "plan", NO_ENGINE },
		  { "BLOCKLIST:2: 3.9.* (nobody has them)", "BLOCKLIST:3: 5.10.* 1.2.0* mod (it panics)",
		    "7 kernels: 10 planned 1 unavailable 3 blocked\n", "gcc 12   gcc-12   gcc 12 as the kernel (expected)" },
		  0 },
		{ { "build", "--dry-run", NO_ENGINE }, { "7 kernels: 10 planned 1 unavailable 3 blocked\n" }, 0 },
		{ { "plan", NO_ENGINE, "--kind=bpf", "--kernel=3.9.*" }, { "1 kernels: 1 blocked\n" }, 0 },
		{ { "plan", NO_ENGINE, "--format", "count" }, { "10\n" }, 0 },
		{ { "plan", NO_ENGINE, "--block-list", "/dev/null" }, { "7 kernels: 11 planned 3 unavailable\n" }, 0 },
		{ { "plan", NO_ENGINE, "--format=json" },
		  { "\"blocked_by\"", "\"expires\": \"2001-01-31\"", "\"fit\": \"exact\"", "\"wanted\"" },
		  0 },
	};
	cleanup_site struct site s;
	site_make(&s);
	site_write(&s, "supported-kernels/BLOCKLIST", rules);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, rows[i].words, &o);
		cr_expect_eq(o.code, rows[i].code, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		for (size_t k = 0; k < 4 && rows[i].says[k]; k++)
			cr_expect_not_null(strstr(buf_text(&o.out), rows[i].says[k]), "row %zu: %s", i, buf_text(&o.out));
	}
}

Test(plan_command, warns_of_rules_that_are_due)
{
	static const struct {
		const char *words[WORDS];
		bool unused; /* told of the rule that matches nothing */
	} rows[] = {
		{ { "plan", NO_ENGINE }, true },
		{ { "plan", NO_ENGINE, "--kind", "mod" }, true },
		{ { "plan", NO_ENGINE, "--distro", "example" }, false },
		{ { "plan", NO_ENGINE, "--kernel", "6.*" }, false },
	};
	cleanup_site struct site s;
	site_make(&s);
	site_write(&s, "supported-kernels/BLOCKLIST", rules);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, rows[i].words, &o);
		cr_expect_not_null(strstr(buf_text(&o.err), "BLOCKLIST:3: the rule '5.10.* 1.2.0* mod' expired on 2001-01-31"),
				   "row %zu: %s", i, buf_text(&o.err));
		cr_expect_eq(strstr(buf_text(&o.err), "BLOCKLIST:4: the rule '2.6.*' matches none") != NULL, rows[i].unused,
			     "row %zu: %s", i, buf_text(&o.err));
		cr_expect_null(strstr(buf_text(&o.err), "BLOCKLIST:2"), "row %zu: %s", i, buf_text(&o.err));
	}
}

/* Fills in what stands for the site's own files. */
static void run_ids(struct site *s, const char *const more[], struct outcome *ret)
{
	struct err e;
	cleanup_free char *ids = path_join(s->root, "ids", &e), *list = path_join(s->root, "rules", &e);
	const char *words[WORDS + 8] = { "plan", "--kernels-from", ids, "--block-list", list };

	for (size_t i = 0; i < WORDS && more[i]; i++)
		words[5 + i] = more[i];
	run_on_site(s, words, ret);
}

Test(plan_command, asks_the_rules_about_bare_ids)
{
	static const struct {
		const char *words[WORDS], *out, *err; /* NULL: not looked at */
	} rows[] = {
		{ { "--module-version=2.0.0", "--format=count" }, "4\n", "rules:3: the rule '9.*' matches none" },
		{ { "--module-version=2.0.0", "--format=count", "--kind=mod" }, "1\n", NULL },
		{ { "--module-version=2.0.0", "--format=count", "--kind=bpf" }, "3\n", NULL },
		{ { "--module-version=3.0.0", "--format=count" }, "5\n", NULL },
		{ { "--module-version=2.0.0", "--kernel=5.*", "--kind=mod" },
		  "5.10                               mod blocked     rules:2: [45]* ~2\\..* mod (all of them)\n"
		  "1 kernels: 1 blocked\n",
		  "" },
		{ { "--module-version=2.0.0", "--kernel=6.*", "--kind=mod" },
		  "6.1                                mod planned\n1 kernels: 1 planned\n",
		  NULL },
	};
	cleanup_site struct site s;
	site_make(&s);
	site_write(&s, "ids", "# of another tool\n4.9\n5.10\n6.1\n");
	site_write(&s, "rules", "4.9 3.0.0 mod\n[45]* ~2\\..* mod # reason: all of them\n9.*\n");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_ids(&s, rows[i].words, &o);
		cr_expect_eq(o.code, 0, "row %zu: %s", i, buf_text(&o.err));
		cr_expect_str_eq(buf_text(&o.out), rows[i].out, "row %zu: %s", i, buf_text(&o.out));
		if (rows[i].err)
			cr_expect_not_null(strstr(buf_text(&o.err), rows[i].err), "row %zu: %s", i, buf_text(&o.err));
	}
}

Test(plan_command, bare_ids_as_json)
{
	static const char *const words[WORDS] = { "--module-version=2.0.0", "--format=json" };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	site_write(&s, "ids", "4.9\n5.10\n");
	site_write(&s, "rules", "4.* * mod\n");
	run_ids(&s, words, &o);
	cr_assert_eq(o.code, 0, "%s", buf_text(&o.err));
	json_t *plan = parse(&o.out), *kernel = json_array_get(json_object_get(plan, "kernels"), 0);
	json_t *task = json_array_get(json_object_get(kernel, "tasks"), 0);
	json_t *rule = json_array_get(json_object_get(plan, "block_list"), 0);
	cr_expect_eq(json_array_size(json_object_get(plan, "kernels")), 2);
	cr_expect_str_eq(json_string_value(json_object_get(kernel, "kernel")), "4.9");
	cr_expect_str_eq(json_string_value(json_object_get(task, "verdict")), "blocked");
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(task, "blocked_by"), "line")), 1);
	cr_expect_eq(json_integer_value(json_object_get(rule, "hits")), 1);
	json_decref(plan);
}

Test(plan_command, mistakes)
{
	static const struct {
		const char *words[WORDS], *says[2];
	} rows[] = {
		{ { "plan", "--module-version", "1.0.0" }, { "--module-version goes with --kernels-from" } },
		{ { "plan", "--kernels-from", "x" }, { "--kernels-from wants --module-version" } },
		{ { "plan", "--kernels-from=x", "--module-version=1", "--distro=example" },
		  { "--distro does not go with --kernels-from" } },
		{ { "plan", "--kernels-from=/no/such", "--module-version=1" }, { "/no/such" } },
		{ { "plan", "--kernels-from=/dev/null", "--module-version=1", "--kernel=5.*" }, { "matches none of the 0" } },
		{ { "plan", "--format", "yaml" }, { "expected table, json or count, found 'yaml'" } },
		{ { "plan", "--block-list", "/no/such", NO_ENGINE }, { "/no/such" } },
		{ { "plan", "--block-list", "tests/data/kernel/should-fail-block-list", NO_ENGINE },
		  { "should-fail-block-list:1: ", "should-fail-block-list:3: " } },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, rows[i].words, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect_str_eq(buf_text(&o.out), "", "row %zu", i);
		for (size_t k = 0; k < 2 && rows[i].says[k]; k++)
			cr_expect_not_null(strstr(buf_text(&o.err), rows[i].says[k]), "row %zu: %s", i, buf_text(&o.err));
	}
}
