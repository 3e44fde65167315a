#include "package/tree_rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc, const struct err *e)
{
	cr_assert(rc == 0, "%s", e->message);
}

static void fill(struct tree_rules *r)
{
	struct err e = { 0 };

	r->build_dir = strdup("usr/src/h-${release}");
	must(strv_add(&r->drop, "usr/src/h-*/arch/*", &e), &e);
	must(strv_add(&r->drop, "usr/share/*", &e), &e);
	must(strv_add(&r->keep, "usr/src/h-*/arch/${srcarch}/*", &e), &e);
	must(strv_add(&r->keep, "usr/src/h-*/arch/${srcarch}", &e), &e);
	must(tree_rules_add_rewrite(r, "usr/src/h-${release}/Makefile", "/usr/src/", "$(dir ${srcarch})", &e), &e);
}

static const char *const names[] = { "release", "srcarch", NULL };
static const char *const values[] = { "6.1[rc]*", "x86", NULL };

Test(tree_rules, keep_wins_over_drop)
{
	static const struct {
		const char *path;
		bool drop;
	} rows[] = {
		{ "usr/src/h-1/Makefile", false },
		{ "usr/src/h-1/arch/x86", false },
		{ "usr/src/h-1/arch/x86/include/a.h", false },
		{ "usr/src/h-1/arch/arm/a.h", true },
		{ "usr/src/h-1/arch/x86um/a.h", true },
		{ "usr/src/h-1/arch", false },
		{ "usr/share", false },
		{ "usr/share/doc/x", true },
		{ "lib/usr/share/doc", false },
	};
	cleanup_tree_rules struct tree_rules in = { 0 };
	cleanup_tree_rules struct tree_rules r = { 0 };
	struct err e = { 0 };

	fill(&in);
	must(tree_rules_expand(&in, names, values, &r, &e), &e);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(tree_rules_drop(&r, rows[i].path), rows[i].drop, "%s", rows[i].path);
}

Test(tree_rules, values_are_literal_in_globs_and_plain_elsewhere)
{
	cleanup_tree_rules struct tree_rules in = { 0 };
	cleanup_tree_rules struct tree_rules r = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e = { 0 };

	fill(&in);
	must(tree_rules_expand(&in, names, values, &r, &e), &e);
	cr_expect_str_eq(r.build_dir, "usr/src/h-6.1[rc]*");
	cr_expect(tree_rules_rewrites(&r, "usr/src/h-6.1[rc]*/Makefile"));
	cr_expect_not(tree_rules_rewrites(&r, "usr/src/h-6.1r/Makefile"));
	must(buf_puts(&text, "include /usr/src/a\ninclude /usr/src//usr/src/b", &e), &e);
	must(tree_rules_rewrite(&r, "usr/src/h-6.1[rc]*/Makefile", &text, &e), &e);
	cr_expect_str_eq(buf_text(&text), "include $(dir x86)a\ninclude $(dir x86)$(dir x86)b");
}

Test(tree_rules, rewrite_leaves_other_bytes_alone)
{
	cleanup_tree_rules struct tree_rules r = { 0 };
	cleanup_buf struct buf bytes = { 0 };
	struct err e = { 0 };

	must(tree_rules_add_rewrite(&r, "*", "b", "", &e), &e);
	must(buf_append(&bytes, "a\0b\0b\xff", 6, &e), &e);
	must(tree_rules_rewrite(&r, "f", &bytes, &e), &e);
	cr_expect_eq(bytes.len, 4u);
	cr_expect_eq(memcmp(bytes.data, "a\0\0\xff", 4), 0);
	cleanup_buf struct buf empty = { 0 };
	must(tree_rules_rewrite(&r, "f", &empty, &e), &e);
	cr_expect_eq(empty.len, 0u);
}

Test(tree_rules, a_rewrite_may_not_blow_up)
{
	cleanup_tree_rules struct tree_rules r = { 0 };
	cleanup_buf struct buf bytes = { 0 };
	struct err e = { 0 };

	must(tree_rules_add_rewrite(&r, "*", "a", "0123456789012345678901234567890123456789", &e), &e);
	for (int i = 0; i < 40000; i++)
		must(buf_puts(&bytes, "a", &e), &e);
	cr_expect_eq(tree_rules_rewrite(&r, "f", &bytes, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_eq(tree_rules_add_rewrite(&r, "*", "", "x", &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
}

Test(tree_rules, unknown_and_open_holes_are_named)
{
	static const struct {
		const char *text, *message;
	} rows[] = { { "x/${relase}", "did you mean 'release'" },
		     { "x/${release", "no closing brace" },
		     { "${}", "no value named ''" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_tree_rules struct tree_rules in = { 0 };
		struct tree_rules r;
		struct err e = { 0 };
		in.build_dir = strdup(rows[i].text);
		cr_expect_eq(tree_rules_expand(&in, names, values, &r, &e), -1);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect(strstr(e.message, rows[i].message), "%s: %s", rows[i].text, e.message);
	}
}

Test(tree_rules, those_that_name_something_can_be_left_out)
{
	static const char *const unwanted[] = { "release", NULL };
	cleanup_tree_rules struct tree_rules in = { 0 };
	cleanup_tree_rules struct tree_rules r = { 0 };
	struct err e = { 0 };

	fill(&in);
	must(strv_add(&in.drop, "usr/src/h-${release}/x", &e), &e);
	must(strv_add(&in.drop, "usr/src/${releases}/release/$release", &e), &e);
	must(tree_rules_add_rewrite(&in, "a", "b", "${release}", &e), &e);
	must(tree_rules_add_rewrite(&in, "a", "${release}", "b", &e), &e);
	must(tree_rules_add_rewrite(&in, "a", "b", "${srcarch}", &e), &e);
	must(tree_rules_without(&in, unwanted, &r, &e), &e);
	cr_expect_str_eq(r.build_dir, "");
	cr_assert_eq(r.drop.len, 3u);
	cr_expect_str_eq(r.drop.items[2], "usr/src/${releases}/release/$release");
	cr_expect_eq(r.keep.len, 2u);
	cr_assert_eq(r.rewrite_count, 1u);
	cr_expect_str_eq(r.rewrites[0].to, "${srcarch}");
}

Test(tree_rules, travels_as_json)
{
	cleanup_tree_rules struct tree_rules in = { 0 };
	cleanup_tree_rules struct tree_rules back = { 0 };
	struct err e = { 0 };

	fill(&in);
	char *first = tree_rules_encode(&in, &e);
	cr_assert(first, "%s", e.message);
	must(tree_rules_decode(first, &back, &e), &e);
	char *second = tree_rules_encode(&back, &e);
	cr_assert_str_eq(first, second);
	cr_expect_eq(back.drop.len, 2u);
	cr_expect_str_eq(back.rewrites[0].to, "$(dir ${srcarch})");
	free(first);
	free(second);
}

Test(tree_rules, refuses_other_json)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{\"build_dir\":\"x\"}",
		"{\"build_dir\":\"x\",\"drop\":[1],\"keep\":[],\"rewrites\":[]}",
		"{\"build_dir\":\"x\",\"drop\":[],\"keep\":[],\"rewrites\":[{\"file\":\"a\",\"from\":\"\",\"to\":\"\"}]}",
		"{\"build_dir\":\"x\",\"drop\":[],\"keep\":[],\"rewrites\":[],\"more\":1}",
		"{\"build_dir\":\"x\",\"drop\":[],\"keep\":[],\"rewrites\":[],\"fix_ups\":[1]}",
		"{\"build_dir\":\"x\",\"drop\":[],\"keep\":[],\"rewrites\":[],\"fix_ups\":[\"mend-everything\"]}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tree_rules r;
		struct err e = { 0 };
		cr_expect_eq(tree_rules_decode(rows[i], &r, &e), -1, "%s", rows[i]);
		cr_expect_eq(e.kind, ERR_INPUT);
	}
}

Test(tree_rules, fix_ups_travel_along_and_are_not_told_of_where_there_are_none)
{
	cleanup_tree_rules struct tree_rules in = { 0 };
	cleanup_tree_rules struct tree_rules filled = { 0 };
	cleanup_tree_rules struct tree_rules back = { 0 };
	struct err e = { 0 };

	char *without = tree_rules_encode(&in, &e);
	cr_expect_str_eq(without, "{\"build_dir\":\"\",\"drop\":[],\"keep\":[],\"rewrites\":[]}");
	must(tree_rules_add_fix_up(&in, "drop-dangling-links", &e), &e);
	must(tree_rules_expand(&in, names, values, &filled, &e), &e);
	char *with = tree_rules_encode(&filled, &e);
	cr_expect(strstr(with, "\"fix_ups\":[\"drop-dangling-links\"]"), "%s", with);
	must(tree_rules_decode(with, &back, &e), &e);
	cr_expect(tree_rules_fix_up(&back, TREE_DROP_DANGLING_LINKS));
	free(without);
	free(with);
}

Test(tree_rules, an_unknown_fix_up_is_named)
{
	cleanup_tree_rules struct tree_rules in = { 0 };
	struct err e = { 0 };

	cr_expect_eq(tree_rules_add_fix_up(&in, "drop-dangling-link", &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_str_eq(e.message, "no fix-up 'drop-dangling-link', did you mean 'drop-dangling-links'?");
}
