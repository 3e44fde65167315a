#include "kernel/block_list.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "kernel/id_list.h"

static const bool both[KIND_COUNT] = { true, true };

static struct block_list *parse(const char *text)
{
	struct block_list *list = NULL;
	struct err e = { 0 };

	cr_assert_eq(block_list_parse(text, strlen(text), "x/BLOCKLIST", &list, NULL, &e), 0, "%s: %s", text, e.message);
	return list;
}

Test(block_list, a_rule_matches_by_all_its_fields)
{
	static const struct {
		const char *rule, *kernel, *version;
		bool mod, bpf;
	} rows[] = {
		{ "5.10.0-1-amd64", "5.10.0-1-amd64", "1.0.0", true, true },
		{ "5.10.0-1-amd64", "5.10.0-1-amd64-x", "1.0.0", false, false },
		{ "5.10.0-1", "5.10.0-1-amd64", "1.0.0", false, false },
		{ "5.10.0?1", "5.10.0-1", "1.0.0", true, true },
		{ "5.*", "5.10.0-1-amd64", "1.0.0", true, true },
		{ "*", "anything", "1.0.0", true, true },
		{ "*.el6.*", "2.6.32-1.el6.x86_64", "1.0.0", true, true },
		{ "*.el6.*", "2.6.32-1.el60.x86_64", "1.0.0", false, false },
		{ "* * mod", "5.10", "1.0.0", true, false },
		{ "* * bpf", "5.10", "1.0.0", false, true },
		{ "* * *", "5.10", "1.0.0", true, true },
		{ "* * ~m.d", "5.10", "1.0.0", true, false },
		{ "* 1.0.0", "5.10", "1.0.0", true, true },
		{ "* 1.0.0", "5.10", "1.0.0-rc1", false, false },
		{ "* 1.0.*", "5.10", "1.0.0-rc1", true, true },
		{ "  *\t 1.0.0  bpf  ", "5.10", "1.0.0", false, true },
		{ "~5\\.1\\d", "5.10", "1.0.0", true, true },
		{ "~5\\.1", "5.10", "1.0.0", false, false },
		{ "~4|5\\.10", "5.10", "1.0.0", true, true },
		{ "~4|5", "5.10", "1.0.0", false, false },
		{ "~(?!3\\.10\\.0).+ 2.3.0", "3.10.0-1", "2.3.0", false, false },
		{ "~(?!3\\.10\\.0).+ 2.3.0", "3.11.0-1", "2.3.0", true, true },
		{ "* ~2\\.([5-9]|\\d{2,})\\.\\d+(?:-rc\\d+)? mod", "5.10", "2.10.0-rc3", true, false },
		{ "* ~2\\.([5-9]|\\d{2,})\\.\\d+(?:-rc\\d+)? mod", "5.10", "2.4.0", false, false },
		{ "~(?P<base>5\\.10)-(?P=base)", "5.10-5.10", "1.0.0", true, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(block_list) struct block_list *list = parse(rows[i].rule);
		const struct block_rule *rules[KIND_COUNT];
		struct err e = { 0 };
		cr_assert_eq(block_list_apply(list, rows[i].kernel, rows[i].version, both, rules, &e), 0, "%s", e.message);
		cr_expect_eq(rules[KIND_MOD] != NULL, rows[i].mod, "row %zu: %s", i, rows[i].rule);
		cr_expect_eq(rules[KIND_BPF] != NULL, rows[i].bpf, "row %zu: %s", i, rows[i].rule);
	}
}

Test(block_list, the_first_rule_counts_and_all_are_counted)
{
	cleanup_of(block_list) struct block_list *list = parse("# head\n\n5.10 * mod # why\n5.* 1.0.0\n6.*\n5.10 2.0.0\n");
	const struct block_rule *rules[KIND_COUNT];
	static const bool only_bpf[KIND_COUNT] = { [KIND_BPF] = true };
	static const unsigned kernels[] = { 2, 2, 0, 2 }, hits[] = { 1, 3, 0, 0 };
	cleanup_strv struct strv unused = { 0 };
	struct err e = { 0 };
	size_t count;

	cr_assert_eq(block_list_apply(list, "5.10", "1.0.0", both, rules, &e), 0);
	cr_expect_eq(rules[KIND_MOD]->line, 3);
	cr_expect_str_eq(rules[KIND_MOD]->text, "5.10 * mod");
	cr_expect_eq(rules[KIND_BPF]->line, 4);
	cr_assert_eq(block_list_apply(list, "5.10", "1.0.0", only_bpf, rules, &e), 0);
	cr_expect_null(rules[KIND_MOD]);
	const struct block_rule *all = block_list_rules(list, &count);
	cr_assert_eq(count, 4);
	for (size_t i = 0; i < count; i++) {
		cr_expect_eq(all[i].kernels, kernels[i], "rule %zu: %u", i, all[i].kernels);
		cr_expect_eq(all[i].hits, hits[i], "rule %zu: %u", i, all[i].hits);
	}
	/* One for another module version is not useless. */
	cr_assert_eq(block_list_unused(list, &unused, &e), 0);
	cr_assert_eq(unused.len, 1);
	cr_expect_str_eq(unused.items[0], "x/BLOCKLIST:5: the rule '6.*' matches none of the kernels");
}

Test(block_list, no_list_blocks_nothing)
{
	const struct block_rule *rules[KIND_COUNT] = { (const struct block_rule *)"x", NULL };
	struct err e;
	size_t count;

	cr_expect_eq(block_list_apply(NULL, "5.10", "1.0.0", both, rules, &e), 0);
	cr_expect_null(rules[KIND_MOD]);
	cr_expect_null(block_list_rules(NULL, &count));
	cr_expect_eq(count, 0);
}

Test(block_list, comments_say_why_and_until_when)
{
	static const struct {
		const char *text, *reason, *expires; /* of the last rule */
	} rows[] = {
		{ "5.10\n", NULL, NULL },
		{ "5.10 # just so\n", NULL, NULL },
		{ "5.10 # reason: it panics\n", "it panics", NULL },
		{ "5.10 # expires: 2027-01-31\n", NULL, "2027-01-31" },
		{ "5.10 # reason: a; b; expires: 2028-02-29\n", "a; b", "2028-02-29" },
		{ "5.10 # expires: 2027-01-31; reason: a\n", "a", "2027-01-31" },
		{ "# reason: above\n# expires: 2027-01-31\n5.9\n5.10\n", "above", "2027-01-31" },
		{ "# reason: above\n5.10 # reason: own\n", "own", NULL },
		{ "# reason: above\n5.10 # expires: 2027-01-31\n", "above", "2027-01-31" },
		{ "# reason: above\n5.9\n# other\n5.10\n", NULL, NULL },
		{ "# reason: above\n\n5.10\n", NULL, NULL },
		{ "# reason: above\n5.9\n \n5.10\n", NULL, NULL },
		{ "# reason: one\n# reason: two\n5.10", "two", NULL },
		{ "#reason:tight\n5.10", "tight", NULL },
		{ "# no reason: at all\n5.10", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(block_list) struct block_list *list = parse(rows[i].text);
		size_t count;
		const struct block_rule *rule = block_list_rules(list, &count) + count - 1;
		cr_assert_gt(count, 0);
		cr_expect_eq(rule->reason != NULL, rows[i].reason != NULL, "row %zu", i);
		cr_expect_eq(rule->expires != NULL, rows[i].expires != NULL, "row %zu", i);
		if (rule->reason && rows[i].reason)
			cr_expect_str_eq(rule->reason, rows[i].reason, "row %zu", i);
		if (rule->expires && rows[i].expires)
			cr_expect_str_eq(rule->expires, rows[i].expires, "row %zu", i);
	}
}

Test(block_list, the_last_day_still_counts)
{
	cleanup_of(block_list) struct block_list *list = parse("5.9\n5.10 * mod # reason: it panics; expires: 2027-01-31\n");
	cleanup_strv struct strv before = { 0 }, after = { 0 };
	struct err e;
	size_t count;

	cr_assert_eq(block_list_expired(list, "2027-01-31", &before, &e), 0);
	cr_assert_eq(block_list_expired(list, "2027-02-01", &after, &e), 0);
	cr_expect_eq(before.len, 0);
	cr_assert_eq(after.len, 1);
	cr_expect_str_eq(after.items[0], "x/BLOCKLIST:2: the rule '5.10 * mod' expired on 2027-01-31; it still blocks");
	cleanup_free char *text = block_rule_describe(list, block_list_rules(list, &count) + 1, &e);
	cr_expect_str_eq(text, "BLOCKLIST:2: 5.10 * mod (it panics)");
}

Test(block_list, every_bad_rule_is_told)
{
	static const char text[] = "5.10\n"
				   "~5.(10\n"
				   "5.10 1.0.0 mod more\n"
				   "5.10 * kmod\n"
				   "5.10 * m*p\n"
				   "5.10 bpf\n"
				   "* ~[ mod\n"
				   "5.10 # expires: 2027-02-29\n"
				   "# expires: soon\n"
				   "5.10 # reason:\n"
				   "5.10\r\n"
				   "\n"
				   "* * ~(bpf\n";
	static const struct {
		unsigned line;
		const char *says;
	} rows[] = {
		{ 2, "pattern '5.(10': at offset" },
		{ 3, "expected at most three fields" },
		{ 4, "the kind 'kmod' is neither 'mod' nor 'bpf'" },
		{ 5, "the kind 'm*p'" },
		{ 6, "write `* bpf` for all versions" },
		{ 7, "pattern '['" },
		{ 8, "found '2027-02-29'" },
		{ 9, "found 'soon'" },
		{ 10, "`reason:` without one" },
		{ 11, "CR LF" },
		{ 13, "pattern '(bpf'" },
	};
	cleanup_strv struct strv findings = { 0 };
	struct block_list *list = NULL;
	struct err e = { 0 };

	cr_assert_eq(block_list_parse(text, strlen(text), "x/BLOCKLIST", &list, &findings, &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_not_null(strstr(e.message, "and 10 more"), "%s", e.message);
	cr_expect_null(list);
	cr_assert_eq(findings.len, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char place[32];
		snprintf(place, sizeof(place), "x/BLOCKLIST:%u: ", rows[i].line);
		cr_expect(str_starts(findings.items[i], place), "row %zu: %s", i, findings.items[i]);
		cr_expect_not_null(strstr(findings.items[i], rows[i].says), "row %zu: %s", i, findings.items[i]);
	}
}

Test(block_list, a_pattern_that_gives_up_is_named)
{
	cleanup_of(block_list) struct block_list *list = parse("5.9\n~(?:(?:a+)+)+b\n");
	const struct block_rule *rules[KIND_COUNT];
	struct err e = { 0 };

	cr_assert_eq(block_list_apply(list, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabc", "1.0.0", both, rules, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect(str_starts(e.message, "x/BLOCKLIST:2: "), "%s", e.message);
}

Test(id_list, every_bad_line_is_told)
{
	static const char text[] = "5.10.0-1-amd64\n# comment\n\n 6.1 # newer\n../etc\n5.10.0-1-amd64\ntwo words\n";
	static const char *const says[] = { "ids:5: '../etc'", "ids:6: the same kernel as in line 1", "ids:7: 'two words'" };
	cleanup_strv struct strv ids = { 0 }, findings = { 0 };
	struct err e = { 0 };

	cr_assert_eq(id_list_parse(text, strlen(text), "ids", &ids, &findings, &e), -1);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_assert_eq(findings.len, 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect(str_starts(findings.items[i], says[i]), "%s", findings.items[i]);
	cr_assert_eq(ids.len, 2);
	cr_expect_str_eq(ids.items[1], "6.1");
}

/* Real lists are not ours to publish: a directory of them is named by the environment. */
Test(block_list, leaves_of_the_field_what_is_known, .timeout = 60)
{
	static const struct {
		const char *version;
		enum probe_kind_id kind;
		size_t left;
	} rows[] = { { "2.9.1", KIND_BPF, 7379 }, { "2.3.0", KIND_MOD, 341 } };
	const char *dir = getenv("ORCHESTRATE_FIELD_DATA");

	if (!dir || !*dir) {
		static const char why[] =
			"ORCHESTRATE_FIELD_DATA is not set; it names a directory with KERNEL_VERSIONS and BLOCKLIST of the field";
		/* Criterion shows reasons only when it is asked to. */
		printf("block_list/leaves_of_the_field_what_is_known is skipped: %s\n", why);
		cr_skip_test("%s", why);
	}
	struct err e = { 0 };
	cleanup_free char *ids_path = path_join(dir, "KERNEL_VERSIONS", &e), *rules_path = path_join(dir, "BLOCKLIST", &e);
	cleanup_strv struct strv ids = { 0 };
	cleanup_of(block_list) struct block_list *list = NULL;
	cr_assert_eq(id_list_load(ids_path, &ids, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(block_list_load(rules_path, &list, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(ids.len, 8128);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t left = 0;
		for (size_t k = 0; k < ids.len; k++) {
			const struct block_rule *rules[KIND_COUNT];
			cr_assert_eq(block_list_apply(list, ids.items[k], rows[i].version, both, rules, &e), 0, "%s", e.message);
			left += !rules[rows[i].kind];
		}
		cr_expect_eq(left, rows[i].left, "%s: %zu", rows[i].version, left);
	}
}
