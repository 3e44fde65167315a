#include "kernel/group.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Rules of three packages, shaped like those of a real distro: see distros/. */
static const struct {
	const char *role, *file;
	enum version_rule version;
	bool has_config, has_tools, shared;
	struct {
		const char *name, *values[3];
	} matches[3];
} packages[] = {
	{ .role = "headers",
	  .file = "h-(?<release>(?<base>(?<series>\\d+\\.\\d+)\\.\\d[^_]*?)-(?:(?<rt>rt)-)?amd64)_(?<version>[^_~]+(?<line>~\\w+)?)\\.deb",
	  .has_config = true },
	{ .role = "common",
	  .file = "h-(?<base>[^_]+?)-common(?:-(?<rt>rt))?_(?<version>[^_]+)\\.deb",
	  .version = VERSION_SAME,
	  .matches = { { "base", { "${base}" } }, { "rt", { "${rt}" } } } },
	{ .role = "tools",
	  .file = "t-(?<for>[^_]+)_(?<version>[^_~]+(?<line>~\\w+)?)\\.deb",
	  .version = VERSION_SAME_OR_NEWER,
	  .has_tools = true,
	  .shared = true,
	  .matches = { { "for", { "${base}", "${series}" } }, { "line", { "${line}" } } } },
};

static void expect_ok(int result, const struct err *e)
{
	cr_assert_eq(result, 0, "%s", e->message);
}

static void add_match(struct package_rule *rule, const char *name, const char *const *values)
{
	struct err e = { 0 };
	struct match_rule *match = &rule->matches[rule->match_count++];
	match->name = strdup(name);
	for (size_t i = 0; i < 3 && values[i]; i++)
		expect_ok(strv_add(&match->values, values[i], &e), &e);
}

static struct group_rules make_rules(void)
{
	struct err e = { 0 };
	struct group_rules rules = { .arch = arch_by_name("amd64") };
	expect_ok(strv_add(&rules.release, "${release}", &e), &e);
	rules.packages = calloc(ARRAY_LEN(packages), sizeof(*rules.packages));
	for (; rules.package_count < ARRAY_LEN(packages); rules.package_count++) {
		struct package_rule *rule = &rules.packages[rules.package_count];
		rule->role = strdup(packages[rules.package_count].role);
		rule->version = packages[rules.package_count].version;
		rule->has_config = packages[rules.package_count].has_config;
		rule->has_tools = packages[rules.package_count].has_tools;
		rule->shared = packages[rules.package_count].shared;
		expect_ok(strv_add(&rule->files, packages[rules.package_count].file, &e), &e);
		rule->matches = calloc(3, sizeof(*rule->matches));
		for (size_t i = 0; i < 3 && packages[rules.package_count].matches[i].name; i++)
			add_match(rule, packages[rules.package_count].matches[i].name,
				  packages[rules.package_count].matches[i].values);
	}
	return rules;
}

/* Groups a list given as text. */
static struct kernel_set group(const struct group_rules *rules, const char *text)
{
	struct err e = { 0 };
	cleanup_kernel_list struct kernel_list list = { 0 };
	struct kernel_set set = { 0 };
	expect_ok(kernel_list_parse(text, strlen(text), "list", &list, NULL, &e), &e);
	expect_ok(kernel_group(rules, &list, &set, &e), &e);
	return set;
}

/* "id: file file file" for each kernel, then "line reason" for each leftover, "line= reason" when it stands elsewhere. */
static char *describe(const struct kernel_set *set)
{
	struct err e = { 0 };
	struct buf out = { 0 };
	for (size_t i = 0; i < set->count; i++) {
		expect_ok(buf_printf(&out, &e, "%s:", set->kernels[i].id), &e);
		for (size_t j = 0; j < set->kernels[i].package_count; j++)
			expect_ok(buf_printf(&out, &e, " %s", set->kernels[i].packages[j].file_name), &e);
		expect_ok(buf_puts(&out, "\n", &e), &e);
	}
	for (size_t i = 0; i < set->leftover_count; i++)
		expect_ok(buf_printf(&out, &e, "%u%s %s\n", set->leftovers[i].line, set->leftovers[i].stands_elsewhere ? "=" : "",
				     set->leftovers[i].reason),
			  &e);
	expect_ok(buf_puts(&out, "", &e), &e);
	return buf_steal(&out);
}

#define H "http://h/p/"

static const struct {
	const char *what, *list, *wanted;
} cases[] = {
	{ "one complete kernel", H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-common_6.1.94-1.deb\n" H "t-6.1_6.1.94-1.deb\n",
	  "6.1.0-22-amd64: h-6.1.0-22-amd64_6.1.94-1.deb h-6.1.0-22-common_6.1.94-1.deb t-6.1_6.1.94-1.deb\n" },
	{ "order of the list does not matter, order of kernels is natural",
	  H "t-6.1_6.1.94-1.deb\n" H "h-6.1.0-10-common_6.1.94-1.deb\n" H "h-6.1.0-10-amd64_6.1.94-1.deb\n" H
	    "h-6.1.0-9-common_6.1.9-1.deb\n" H "h-6.1.0-9-amd64_6.1.9-1.deb\n",
	  "6.1.0-9-amd64: h-6.1.0-9-amd64_6.1.9-1.deb h-6.1.0-9-common_6.1.9-1.deb t-6.1_6.1.94-1.deb\n"
	  "6.1.0-10-amd64: h-6.1.0-10-amd64_6.1.94-1.deb h-6.1.0-10-common_6.1.94-1.deb t-6.1_6.1.94-1.deb\n" },
	{ "an unpaired package costs its kernel only",
	  H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-rt-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-common_6.1.94-1.deb\n" H
	    "t-6.1_6.1.94-1.deb\n",
	  "6.1.0-22-amd64: h-6.1.0-22-amd64_6.1.94-1.deb h-6.1.0-22-common_6.1.94-1.deb t-6.1_6.1.94-1.deb\n"
	  "2 kernel '6.1.0-22-rt-amd64' is incomplete: no 'common' package with base=6.1.0-22, rt=rt, version 6.1.94-1\n" },
	{ "packages of an incomplete kernel are nobody's",
	  H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-common_6.1.94-1.deb\n" H "t-6.1_6.1.90-1.deb\n",
	  "1 kernel '6.1.0-22-amd64' is incomplete: no 'tools' package with for=6.1.0-22, line=, or for=6.1, line=, "
	  "version 6.1.94-1 or newer\n"
	  "2 no complete kernel needs this 'common' package\n"
	  "3 no complete kernel needs this 'tools' package\n" },
	{ "same-or-newer takes the lowest that will do",
	  H "t-6.1_6.1.192-1.deb\n" H "t-6.1_6.1.100-1.deb\n" H "t-6.1_6.1.90-1.deb\n" H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H
	    "h-6.1.0-22-common_6.1.94-1.deb\n",
	  "6.1.0-22-amd64: h-6.1.0-22-amd64_6.1.94-1.deb h-6.1.0-22-common_6.1.94-1.deb t-6.1_6.1.100-1.deb\n"
	  "1 no complete kernel needs this 'tools' package\n"
	  "3 no complete kernel needs this 'tools' package\n" },
	{ "the first value of a match that finds one wins",
	  H "t-6.1_6.1.94-1.deb\n" H "t-6.1.0-22_6.1.94-1.deb\n" H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H
	    "h-6.1.0-22-common_6.1.94-1.deb\n",
	  "6.1.0-22-amd64: h-6.1.0-22-amd64_6.1.94-1.deb h-6.1.0-22-common_6.1.94-1.deb t-6.1.0-22_6.1.94-1.deb\n"
	  "1 no complete kernel needs this 'tools' package\n" },
	{ "a backport pairs with its own line only",
	  H "t-6.1_6.1.192-1.deb\n" H "h-6.1.0-0.b.5-amd64_6.1.94-1~b1.deb\n" H "h-6.1.0-0.b.5-common_6.1.94-1~b1.deb\n",
	  "1 no complete kernel needs this 'tools' package\n"
	  "2 kernel '6.1.0-0.b.5-amd64' is incomplete: no 'tools' package with for=6.1.0-0.b.5, line=~b1, or for=6.1, line=~b1, "
	  "version 6.1.94-1~b1 or newer\n"
	  "3 no complete kernel needs this 'common' package\n" },
	{ "a higher revision of the same id replaces the lower",
	  H "h-7.2.1-amd64_7.2.1-9.deb\n" H "h-7.2.1-common_7.2.1-9.deb\n" H "h-7.2.1-amd64_7.2.1-10.deb\n" H
	    "h-7.2.1-common_7.2.1-10.deb\n" H "t-7.2.1_7.2.1-10.deb\n",
	  "7.2.1-amd64: h-7.2.1-amd64_7.2.1-10.deb h-7.2.1-common_7.2.1-10.deb t-7.2.1_7.2.1-10.deb\n"
	  "1= superseded by 'h-7.2.1-amd64_7.2.1-10.deb'\n"
	  "2 no complete kernel needs this 'common' package\n" },
	{ "an incomplete higher revision leaves the lower in place",
	  H "h-7.2.1-amd64_7.2.1-9.deb\n" H "h-7.2.1-common_7.2.1-9.deb\n" H "h-7.2.1-amd64_7.2.1-10.deb\n" H
	    "t-7.2.1_7.2.1-10.deb\n",
	  "7.2.1-amd64: h-7.2.1-amd64_7.2.1-9.deb h-7.2.1-common_7.2.1-9.deb t-7.2.1_7.2.1-10.deb\n"
	  "3 kernel '7.2.1-amd64' is incomplete: no 'common' package with base=7.2.1, rt=, version 7.2.1-10\n" },
	{ "the same package on two hosts is one kernel",
	  H "h-6.1.0-22-amd64_6.1.94-1.deb\nhttps://other/x/h-6.1.0-22-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-common_6.1.94-1.deb\n" H
	    "t-6.1_6.1.94-1.deb\n",
	  "6.1.0-22-amd64: h-6.1.0-22-amd64_6.1.94-1.deb h-6.1.0-22-common_6.1.94-1.deb t-6.1_6.1.94-1.deb\n"
	  "2= the same package as in line 1\n" },
	{ "escaped and plain names are the same",
	  H "h-7.2.1%2bd-amd64_7.2.1-1.deb\n" H "h-7.2.1+d-common_7.2.1-1.deb\n" H "t-7.2.1%2Bd_7.2.1-1.deb\n" H
	    "t-7.2.1+d_7.2.1-1.deb\n",
	  "7.2.1+d-amd64: h-7.2.1+d-amd64_7.2.1-1.deb h-7.2.1+d-common_7.2.1-1.deb t-7.2.1+d_7.2.1-1.deb\n"
	  "4= the same package as in line 3\n" },
	{ "meta packages and strangers are nobody's",
	  H "h-6.1-amd64_6.1.94-1.deb\n" H "h-amd64_6.1.94-1.deb\n" H "vim_9.deb\n" H "%2e%2e\n",
	  "1 no package rule knows 'h-6.1-amd64_6.1.94-1.deb'\n"
	  "2 no package rule knows 'h-amd64_6.1.94-1.deb'\n"
	  "3 no package rule knows 'vim_9.deb'\n"
	  "4 'http://h/p/%2e%2e' has no usable file name\n" },
	{ "a name that is no file name makes no kernel", H "h-6.1.0$x-amd64_6.1.94-1.deb\n",
	  "1 kernel '6.1.0$x-amd64' is no name for a file: letters, digits and ._+~- only, 128 bytes at most\n" },
	{ "nothing", "", "" },
};

Test(group, finds_the_kernels_of_a_list)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cleanup_group_rules struct group_rules rules = make_rules();
		cleanup_kernel_set struct kernel_set set = group(&rules, cases[i].list);
		cleanup_free char *text = describe(&set);
		cr_expect_str_eq(text, cases[i].wanted, "%s:\n%s", cases[i].what, text);
	}
}

Test(group, fills_every_field)
{
	cleanup_group_rules struct group_rules rules = make_rules();
	struct err e = { 0 };
	expect_ok(strv_add(&rules.id, "${release}-x-${version}", &e), &e);
	expect_ok(strv_add(&rules.base, "of-${base}", &e), &e);
	cleanup_kernel_set struct kernel_set set =
		group(&rules, H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H "h-6.1.0-22-common_6.1.94-1.deb\n" H "t-6.1_6.1.96-1.deb\n");
	cr_assert_eq(set.count, 1);
	const struct kernel *k = &set.kernels[0];
	cr_expect_str_eq(k->id, "6.1.0-22-amd64-x-6.1.94-1");
	cr_expect_str_eq(k->release, "6.1.0-22-amd64");
	cr_expect_str_eq(k->base, "of-6.1.0-22");
	cr_expect_str_eq(k->version, "6.1.0");
	cr_expect_eq(k->arch, arch_by_name("amd64"));
	cr_assert_eq(k->package_count, 3);
	cr_expect_str_eq(k->packages[2].url, H "t-6.1_6.1.96-1.deb");
	cr_expect_str_eq(k->packages[2].version, "6.1.96-1");
	cr_expect_str_eq(k->packages[2].role, "tools");
	cr_expect(k->packages[0].has_config && !k->packages[0].has_tools);
	cr_expect(!k->packages[2].has_config && k->packages[2].has_tools);
	cr_expect(!k->packages[0].shared && !k->packages[1].shared && k->packages[2].shared);
}

/* Rules of one package: NULL-terminated templates. */
static struct group_rules one_package(const char *file, const char *const *releases, const char *const *ids)
{
	struct err e = { 0 };
	struct group_rules rules = { .arch = arch_by_name("amd64"),
				     .packages = calloc(1, sizeof(*rules.packages)),
				     .package_count = 1 };
	rules.packages[0].role = strdup("devel");
	expect_ok(strv_add(&rules.packages[0].files, file, &e), &e);
	for (; *releases; releases++)
		expect_ok(strv_add(&rules.release, *releases, &e), &e);
	for (; *ids; ids++)
		expect_ok(strv_add(&rules.id, *ids, &e), &e);
	return rules;
}

static const char *const none[] = { NULL };

/* The same file name in every directory: the directory is what tells them apart, and pairs them. */
Test(group, patterns_may_see_directories)
{
	struct err e = { 0 };
	cleanup_group_rules struct group_rules rules = make_rules();
	rules.path_parts = 2;
	free(rules.packages[0].files.items[0]);
	rules.packages[0].files.items[0] =
		strdup("(?<release>(?<base>(?<series>\\d+\\.\\d+))(?<rt>-rt)?(?<line>~b)?)/(?<version>)h");
	free(rules.packages[1].files.items[0]);
	rules.packages[1].files.items[0] = strdup("(?<base>\\d+\\.\\d+)(?<rt>-rt)?/(?<version>)common");
	strv_release(&rules.packages[2].files);
	expect_ok(strv_add(&rules.packages[2].files, "any/(?<for>\\d+\\.\\d+)(?<line>~b)?(?<version>)", &e), &e);
	cleanup_kernel_set struct kernel_set set =
		group(&rules, "http://h/p/5.1/h\nhttp://h/p/5.1/common\nhttp://h/p/5.2/h\nhttp://h/p/5.3/common\n"
			      "http://g/q/5.1/h\nhttp://h/any/5.1\n");
	cleanup_free char *text = describe(&set);
	cr_expect_str_eq(text, "5.1: h common 5.1\n"
			       "3 kernel '5.2' is incomplete: no 'common' package with base=5.2, rt=, version \n"
			       "4 no complete kernel needs this 'common' package\n"
			       "5= the same package as in line 1\n");
}

Test(group, the_first_template_that_is_full_names_a_kernel)
{
	static const char *const releases[] = { "${base}+${rt}", "${base}", NULL };
	cleanup_group_rules struct group_rules rules = one_package("k-(?:(?<rt>rt)-)?(?<base>\\d.*)", releases, none);
	cleanup_kernel_set struct kernel_set set = group(&rules, H "k-5.14\n" H "k-rt-5.14\n");
	cr_assert_eq(set.count, 2);
	cr_expect_str_eq(set.kernels[0].release, "5.14");
	cr_expect_str_eq(set.kernels[1].release, "5.14+rt");
	cr_expect_str_eq(set.kernels[1].id, "5.14+rt");
}

Test(group, the_last_template_may_have_holes)
{
	static const char *const releases[] = { "${base}${more}", NULL };
	cleanup_group_rules struct group_rules rules = one_package("k-(?<base>\\d+)(?<more>-x)?", releases, none);
	cleanup_kernel_set struct kernel_set set = group(&rules, H "k-5\n");
	cr_assert_eq(set.count, 1);
	cr_expect_str_eq(set.kernels[0].release, "5");
}

/* Lists of digests or build numbers: the kernel's name is in the packages only. */
Test(group, a_release_may_be_unknown_where_there_is_an_id)
{
	static const char *const releases[] = { "${base}", NULL }, *const ids[] = { "${base}", "package-${digest}", NULL };
	cleanup_group_rules struct group_rules rules = one_package("(?:k-(?<base>\\d.*))|(?<digest>[a-f]+)", releases, ids);
	cleanup_kernel_set struct kernel_set set = group(&rules, H "abc\n" H "k-5.14\n");
	cr_assert_eq(set.count, 2);
	cr_expect_str_eq(set.kernels[0].id, "5.14");
	cr_expect_str_eq(set.kernels[1].id, "package-abc");
	cr_expect_str_eq(set.kernels[1].release, "");
	cr_expect_str_eq(set.kernels[1].version, "");

	/* Where nothing else names it, an empty release is a mistake of the pattern, and makes no kernel. */
	cleanup_group_rules struct group_rules unnamed = one_package("(?:k-(?<base>\\d.*))|(?<digest>[a-f]+)", releases, none);
	cleanup_kernel_set struct kernel_set left = group(&unnamed, H "abc\n");
	cr_expect_eq(left.count, 0);
	cr_assert_eq(left.leftover_count, 1);
}

/* What packages tell, and what of it makes a name. */
Test(group, packages_may_tell_the_release)
{
	static const struct {
		const char *told_id, *release, *id; /* id NULL: refused */
	} rows[] = {
		{ NULL, "5.10.176+", "5.10.176+" },
		{ "${version}-${package-version}-own", "5.10.176+", "5.10.176-17412.1-own" },
		{ "${release}-${id}", "6.1-x", "6.1-x-build-17412.1" },
		{ NULL, "../6.1", NULL },
		{ NULL, "", NULL },
		{ NULL, "linux", NULL },
		{ "x-${release}", "6.1", NULL },
	};
	static const char *const ids[] = { "build-${version}", NULL };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_group_rules struct group_rules rules = one_package("k-(?<version>.*)", none, ids);
		struct kernel told = { 0 };
		struct err e = { 0 };
		rules.told_id = rows[i].told_id ? strdup(rows[i].told_id) : NULL;
		cleanup_kernel_set struct kernel_set set = group(&rules, H "k-17412.1\n");
		cr_assert_eq(set.count, 1);
		cr_expect_eq(kernel_tell(&rules, &set.kernels[0], rows[i].release, &told, &e), rows[i].id ? 0 : -1, "row %zu: %s",
			     i, e.message);
		if (rows[i].id) {
			cr_expect_str_eq(told.id, rows[i].id, "row %zu: %s", i, told.id);
			cr_expect_str_eq(told.release, rows[i].release);
			cr_expect_eq(told.packages, set.kernels[0].packages);
		} else {
			cr_expect_eq(e.kind, ERR_CHECK, "row %zu", i);
		}
		kernel_told_release(&told);
	}
	cleanup_group_rules struct group_rules unknown = one_package("k-(?<version>.*)", none, ids);
	struct err e;
	unknown.told_id = strdup("${base}");
	cr_expect_eq(group_rules_check(&unknown, &e), -1);
	cr_expect(strstr(e.message, "told-id"), "%s", e.message);
}

Test(group, an_optional_package_may_be_missing)
{
	cleanup_group_rules struct group_rules rules = make_rules();
	struct err e;

	rules.packages[1].optional = true;
	cleanup_kernel_set struct kernel_set set =
		group(&rules, H "h-6.1.0-22-amd64_6.1.94-1.deb\n" H "t-6.1_6.1.94-1.deb\n" H "h-6.1.0-23-amd64_6.1.99-1.deb\n" H
				"h-6.1.0-23-common_6.1.99-1.deb\n" H "t-6.1_6.1.99-1.deb\n");
	cr_assert_eq(set.count, 2);
	cr_assert_eq(set.kernels[0].package_count, 2);
	cr_expect_str_eq(set.kernels[0].packages[1].role, "tools");
	cr_expect_eq(set.kernels[1].package_count, 3);
	cr_expect_eq(set.leftover_count, 0);
	rules.packages[0].optional = true;
	cr_expect_eq(group_rules_check(&rules, &e), -1);
	cr_expect(strstr(e.message, "not optional"), "%s", e.message);
}

Test(group, one_kernel_in_two_places)
{
	static const char *const releases[] = { "${base}", NULL };
	cleanup_group_rules struct group_rules rules = one_package("[a-z]/k-(?<base>\\d+)(?:-(?<version>.*))?", releases, none);
	rules.path_parts = 2;
	cleanup_kernel_set struct kernel_set set = group(&rules, "http://h/a/k-5-1\nhttp://h/b/k-5-2\nhttp://h/c/k-5-2\n");
	cleanup_free char *text = describe(&set);
	cr_expect_str_eq(text, "5: k-5-2\n1= superseded by 'b/k-5-2'\n3= the same kernel as in line 2\n");
}

/* By one order 1.0^1 comes after 1.0.1, by the other before it. */
Test(group, versions_go_by_the_order_of_the_rules)
{
	static const struct {
		version_order *order;
		const char *wanted;
	} rows[] = { { version_compare_deb, "k-5-1.0^1" }, { version_compare_rpm, "k-5-1.0.1" }, { NULL, "k-5-1.0^1" } };
	static const char *const releases[] = { "${base}", NULL };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_group_rules struct group_rules rules = one_package("k-(?<base>\\d+)-(?<version>.*)", releases, none);
		rules.order = rows[i].order;
		cleanup_kernel_set struct kernel_set set = group(&rules, H "k-5-1.0%5e1\n" H "k-5-1.0.1\n");
		cr_assert_eq(set.count, 1);
		cr_expect_str_eq(set.kernels[0].packages[0].file_name, rows[i].wanted);
	}
}

/* Every URL of a list must end somewhere, whatever the list. */
Test(group, loses_no_url)
{
	static const char *const names[] = { "h-6.1.0-%d-amd64_6.1.%d-1.deb", "h-6.1.0-%d-rt-amd64_6.1.%d-1.deb",
					     "h-6.1.0-%d-common_6.1.%d-1.deb", "t-6.1_6.1.%d-%d.deb" };
	struct err e = { 0 };
	cleanup_buf struct buf text = { 0 };
	for (int i = 0; i < 3000; i++) {
		if (i % 7 == 0 && i % 4 == 2)
			continue;
		expect_ok(buf_puts(&text, H, &e), &e);
		expect_ok(buf_printf(&text, &e, names[i % 4], i / 4, i / 4), &e);
		expect_ok(buf_puts(&text, "\n", &e), &e);
	}
	cleanup_kernel_list struct kernel_list list = { 0 };
	expect_ok(kernel_list_parse(text.data, text.len, "list", &list, NULL, &e), &e);
	cleanup_group_rules struct group_rules rules = make_rules();
	cleanup_kernel_set struct kernel_set set = { 0 };
	expect_ok(kernel_group(&rules, &list, &set, &e), &e);
	cr_expect_gt(set.count, 500);
	cr_expect_gt(set.leftover_count, 500);
	for (size_t i = 0; i < list.count; i++) {
		size_t used = 0, left = 0;
		for (size_t j = 0; j < set.count; j++)
			for (size_t k = 0; k < set.kernels[j].package_count; k++)
				used += strcmp(set.kernels[j].packages[k].url, list.urls[i].url) == 0;
		for (size_t j = 0; j < set.leftover_count; j++)
			left += strcmp(set.leftovers[j].url, list.urls[i].url) == 0;
		cr_expect((used > 0) != (left > 0) && left <= 1, "%s: used %zu times, left over %zu times", list.urls[i].url, used,
			  left);
	}
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = strdup(by);
}

Test(group, refuses_rules_that_cannot_work)
{
	struct err e = { 0 };
	for (int i = 0; i < 10; i++) {
		cleanup_group_rules struct group_rules rules = make_rules();
		static const char *const messages[] = {
			"release: nothing gives '${relaese}' a value",
			"id: '${' without '}'",
			"package 'common': pattern '(': at offset 1: missing closing parenthesis",
			"package 'tools': match 'for': nothing gives '${bose}' a value",
			"package 'tools': no file pattern captures 'linie'",
			"package 'tools': no file pattern captures 'version'",
			"two package rules have the role 'common'",
			"a kernel needs a release, or an id where only its packages tell the release",
			"package 'headers' names the kernel: it is not shared",
			"package 'tools': it holds the config, which is the kernel's own: it is not shared",
		};
		struct package_rule *common = &rules.packages[1], *tools = &rules.packages[2];
		switch (i) {
		case 0:
			replace(&rules.release.items[0], "${relaese}");
			break;
		case 1:
			expect_ok(strv_add(&rules.id, "${release", &e), &e);
			break;
		case 2:
			replace(&common->files.items[0], "(");
			break;
		case 3:
			replace(&tools->matches[0].values.items[1], "${bose}");
			break;
		case 4:
			replace(&tools->matches[1].name, "linie");
			break;
		case 5:
			replace(&tools->files.items[0], "t-(?<for>.)(?<line>.)\\.deb");
			break;
		case 6:
			replace(&tools->role, "common");
			break;
		case 7:
			strv_release(&rules.release);
			break;
		case 8:
			rules.packages[0].shared = true;
			break;
		default:
			tools->has_config = true;
		}
		cr_expect_lt(group_rules_check(&rules, &e), 0, "%s", messages[i]);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect_str_eq(e.message, messages[i]);
	}
}

Test(group, knows_safe_names)
{
	char longest[KERNEL_NAME_MAX + 2];
	memset(longest, '1', sizeof(longest));
	longest[KERNEL_NAME_MAX + 1] = '\0';
	static const char *const good[] = { "6.1.0-22-amd64", "6.12.117+deb13-rt-amd64", "5.4.0-1~16.04", "4.14.96+", "3.10.0_x" };
	static const char *const bad[] = { "", ".6", "-6", "6/1", "6 1", "6\n", "6$x", "6\303\244" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		cr_expect(kernel_name_is_safe(good[i]), "'%s'", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_not(kernel_name_is_safe(bad[i]), "'%s'", bad[i]);
	cr_expect_not(kernel_name_is_safe(longest));
	longest[KERNEL_NAME_MAX] = '\0';
	cr_expect(kernel_name_is_safe(longest));
}
