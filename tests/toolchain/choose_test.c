#include "toolchain/choose.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "descriptor/recipe.h"

static const struct recipe *const *recipes(size_t *ret_count)
{
	static struct recipe items[] = {
		{ .name = (char *)"gcc-10", .gcc = { 10 }, .gcc_count = 1, .clang = 11, .glibc = (char *)"2.31" },
		{ .name = (char *)"gcc-12", .gcc = { 12 }, .gcc_count = 1, .clang = 14, .lld = true, .glibc = (char *)"2.36" },
		{ .name = (char *)"both", .gcc = { 12, 14 }, .gcc_count = 2, .clang = 19, .lld = true, .glibc = (char *)"2.41" },
		{ .name = (char *)"gcc-16", .gcc = { 16 }, .gcc_count = 1, .glibc = (char *)"2.43" },
	};
	static const struct recipe *pointers[ARRAY_LEN(items)];

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		items[i].arch = arch_by_name("amd64");
		items[i].has[RECIPE_BOOTSTRAP] = true;
		pointers[i] = &items[i];
	}
	*ret_count = ARRAY_LEN(items);
	return pointers;
}

Test(choose, takes_the_nearest_that_can_run_the_host_tools)
{
	static const struct {
		struct toolchain_want want;
		const char *name;
		enum toolchain_fit fit;
		int gcc;
	} rows[] = {
		{ { .gcc = 12, .architecture = "amd64" }, "gcc-12", TOOLCHAIN_EXACT, 12 },
		{ { .gcc = 12, .glibc = "2.36" }, "gcc-12", TOOLCHAIN_EXACT, 12 },
		{ { .gcc = 12, .glibc = "2.38" }, "both", TOOLCHAIN_EXACT, 12 },
		{ { .gcc = 12, .glibc = "2.4" }, "gcc-12", TOOLCHAIN_EXACT, 12 },
		{ { .gcc = 14 }, "both", TOOLCHAIN_EXACT, 14 },
		{ { .gcc = 13 }, "both", TOOLCHAIN_NEWER, 14 },
		{ { .gcc = 4 }, "gcc-10", TOOLCHAIN_NEWER, 10 },
		{ { .gcc = 17 }, "gcc-16", TOOLCHAIN_OLDER, 16 },
		{ { .gcc = 10, .glibc = "2.34" }, "gcc-12", TOOLCHAIN_NEWER, 12 },
		{ { .gcc = 10, .glibc = "2.43" }, "gcc-16", TOOLCHAIN_NEWER, 16 },
		{ { .clang = 14 }, "gcc-12", TOOLCHAIN_EXACT, 0 },
		/* gcc-10 has it, without its linker. */
		{ { .clang = 11 }, "gcc-12", TOOLCHAIN_NEWER, 0 },
		{ { .clang = 15 }, "both", TOOLCHAIN_NEWER, 0 },
		{ { .clang = 22 }, "both", TOOLCHAIN_OLDER, 0 },
		{ { .gcc = 0 }, "gcc-10", TOOLCHAIN_EXACT, 10 },
	};
	size_t count;
	const struct recipe *const *all = recipes(&count);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct toolchain_choice choice;
		struct err e;
		cr_assert_eq(toolchain_choose(&rows[i].want, all, count, &choice, &e), 0, "row %zu: %s", i, e.message);
		cr_expect_str_eq(choice.recipe->name, rows[i].name, "row %zu", i);
		cr_expect_eq(choice.fit, rows[i].fit, "row %zu: %s", i, choice.why);
		cr_expect_eq(choice.gcc, rows[i].gcc, "row %zu: %s", i, choice.why);
		cr_expect_eq(choice.clang, rows[i].want.clang ? (int)choice.recipe->clang : 0, "row %zu", i);
	}
}

Test(choose, among_equals_what_is_preferred_comes_first)
{
	static const struct {
		const char *prefer[3];
		int gcc;
		const char *name;
	} rows[] = {
		{ { NULL }, 12, "gcc-12" },
		{ { "both" }, 12, "both" },
		{ { "gcc-16", "both" }, 12, "both" },
		{ { "both", "gcc-12" }, 12, "both" },
		{ { "gcc-12", "both" }, 12, "gcc-12" },
		{ { "none" }, 12, "gcc-12" },
		/* It is a wish among equals and no more. */
		{ { "gcc-16" }, 12, "gcc-12" },
		{ { "gcc-16" }, 13, "both" },
	};
	size_t count;
	const struct recipe *const *all = recipes(&count);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_strv struct strv prefer = { 0 };
		struct toolchain_choice choice;
		struct err e;
		for (size_t k = 0; k < 3 && rows[i].prefer[k]; k++)
			cr_assert_eq(strv_add(&prefer, rows[i].prefer[k], &e), 0);
		const struct toolchain_want want = { .gcc = rows[i].gcc, .prefer = &prefer };
		cr_assert_eq(toolchain_choose(&want, all, count, &choice, &e), 0, "row %zu: %s", i, e.message);
		cr_expect_str_eq(choice.recipe->name, rows[i].name, "row %zu", i);
	}
}

Test(choose, the_order_of_recipes_does_not_matter)
{
	static const struct toolchain_want wants[] = { { .gcc = 12 }, { .gcc = 13 }, { .gcc = 11 }, { .clang = 12 } };
	const struct recipe *turned[4];
	size_t count;
	const struct recipe *const *all = recipes(&count);

	for (size_t i = 0; i < count; i++)
		turned[i] = all[count - 1 - i];
	for (size_t i = 0; i < ARRAY_LEN(wants); i++) {
		struct toolchain_choice forth, back;
		struct err e;
		cr_assert_eq(toolchain_choose(&wants[i], all, count, &forth, &e), 0);
		cr_assert_eq(toolchain_choose(&wants[i], turned, count, &back, &e), 0);
		cr_expect_eq(forth.recipe, back.recipe, "row %zu", i);
	}
}

Test(choose, says_what_is_missing)
{
	static const struct {
		struct toolchain_want want;
		const char *text;
	} rows[] = {
		{ { .gcc = 12, .glibc = "2.99" }, "glibc 2.99" },
		{ { .gcc = 12, .glibc = "2.99" }, "2.43" },
		{ { .clang = 14, .glibc = "2.43" }, "clang" },
		{ { .gcc = 12, .architecture = "s390x" }, "s390x" },
	};
	size_t count;
	const struct recipe *const *all = recipes(&count);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct toolchain_choice choice;
		struct err e = { 0 };
		cr_expect_lt(toolchain_choose(&rows[i].want, all, count, &choice, &e), 0);
		cr_expect_eq(e.kind, ERR_NOT_FOUND);
		cr_expect(strstr(e.message, rows[i].text), "row %zu: %s", i, e.message);
	}
}

Test(choose, compares_glibc_by_numbers)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{ "2.4", "2.36", -1 }, { "2.36", "2.36", 0 }, { "2.36", "2.36.1", -1 }, { "3", "2.99", 1 }, { "2.2.5", "2.3", -1 }
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(glibc_compare(rows[i].a, rows[i].b), rows[i].order, "row %zu", i);
		cr_expect_eq(glibc_compare(rows[i].b, rows[i].a), -rows[i].order, "row %zu", i);
	}
}
