/* Which toolchain is taken where some need a registry. */
#include "build/toolchains.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void add(struct recipe_set *set, struct recipe items[], const char *name, unsigned gcc, unsigned clang, const char *more)
{
	struct err e;
	cleanup_free char *text = str_printf(
		&e, "name: %s\narchitecture: amd64\ngcc: %u\nclang: %u\nlld: true\nglibc: \"2.31\"\n%s", name, gcc, clang, more);

	cr_assert_eq(recipe_parse(text, strlen(text), name, &items[set->count], &e), 0, "%s", e.message);
	set->items = items;
	set->count++;
}

Test(toolchains, what_needs_a_registry_is_taken_by_leave_only)
{
	static const struct {
		struct toolchain_want want;
		bool pull;
		const char *name; /* NULL: none */
		const char *says;
	} rows[] = {
		{ { .gcc = 8 },
		  false,
		  "made",
		  "gcc 12: nearest newer than 8; 'built' has gcc 8 but needs h.invalid/base:1 (--pull)" },
		{ { .gcc = 8 }, true, "built", "gcc 8 as the kernel" },
		{ { .gcc = 11 }, false, "made", "'pulled' has gcc 11 but needs h.invalid/x@" DIGEST " (--pull)" },
		{ { .gcc = 11 }, true, "pulled", "gcc 11 as the kernel" },
		/* What nobody has settled the base of is not taken with leave either. */
		{ { .gcc = 4 }, true, "built", "'open' has gcc 4 but needs h.invalid/base:4, which is not pinned (toolchain pin)" },
		{ { .gcc = 12 }, false, "made", "gcc 12 as the kernel" },
		{ { .gcc = 12 }, true, "made", "gcc 12 as the kernel" },
		{ { .clang = 18 }, false, "made", "clang 14: nearest older than 18; 'pulled' has clang 18 but needs " },
		{ { .clang = 18 }, true, "pulled", "clang 18 as the kernel" },
		{ { .gcc = 8, .glibc = "2.32" }, false, NULL, "no toolchain has the glibc 2.32" },
	};
	struct recipe items[4] = { 0 };
	struct recipe_set set = { 0 };

	add(&set, items, "built", 8, 7, "build:\n  dockerfile: D\n  base: h.invalid/base:1\n  digest: " DIGEST "\n");
	add(&set, items, "made", 12, 14, "bootstrap: {mirror: m, suite: s, urls: [http://h.invalid], packages: [gcc]}\n");
	add(&set, items, "open", 4, 3, "build:\n  dockerfile: D\n  base: h.invalid/base:4\n");
	add(&set, items, "pulled", 11, 18, "pull: {reference: h.invalid/x@" DIGEST "}\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct toolchains_options options = { .recipes = &set, .pull = rows[i].pull };
		struct toolchain_choice choice = { 0 };
		struct toolchains *all = NULL;
		struct err e = { 0 };
		cr_assert_eq(toolchains_new(&options, &all, &e), 0, "%s", e.message);
		int chosen = toolchains_choose(all, &rows[i].want, &choice, &e);
		cr_expect_eq(chosen, rows[i].name ? 0 : -1, "row %zu: %s", i, e.message);
		if (chosen == 0 && rows[i].name)
			cr_expect_str_eq(choice.recipe->name, rows[i].name, "row %zu", i);
		cr_expect_not_null(strstr(chosen < 0 ? e.message : choice.why, rows[i].says), "row %zu: %s", i,
				   chosen < 0 ? e.message : choice.why);
		toolchains_free(all);
	}
	for (size_t i = 0; i < set.count; i++)
		recipe_release(&items[i]);
}

Test(toolchains, where_only_such_would_do_the_error_says_which)
{
	struct recipe items[1] = { 0 };
	struct recipe_set set = { 0 };
	const struct toolchains_options options = { .recipes = &set };
	const struct toolchain_want want = { .gcc = 8 };
	struct toolchain_choice choice = { 0 };
	struct toolchains *all = NULL;
	struct err e = { 0 };

	add(&set, items, "built", 8, 7, "build:\n  dockerfile: D\n  base: h.invalid/base:1\n  digest: " DIGEST "\n");
	cr_assert_eq(toolchains_new(&options, &all, &e), 0, "%s", e.message);
	cr_expect_lt(toolchains_choose(all, &want, &choice, &e), 0);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect_not_null(strstr(e.message, "'built' has gcc 8 but needs h.invalid/base:1 (--pull)"), "%s", e.message);
	toolchains_free(all);
	recipe_release(&items[0]);
}
