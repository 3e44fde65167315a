#include "descriptor/recipe.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "expect.h"

static int try_recipe(const char *bytes, size_t len, const char *name, struct err *e)
{
	cleanup_recipe struct recipe r = { 0 };
	return recipe_parse(bytes, len, name, &r, e);
}

Test(recipe, says_what_is_wrong_and_where)
{
	static const struct bad_file files[] = {
		{ "recipe-base",
		  "7:9: 'a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef': expected the name of an image, NAME or NAME:TAG, without digest" },
		{ "recipe-base-none", "5:8: this build section lacks the key 'base'" },
		{ "recipe-boolean", "6:9: expected true or false, found yes" },
		{ "recipe-digest", "8:11: 'sha256:0123': expected sha256:<64 hex digits>" },
		{ "recipe-dockerfile", "6:15: '../Dockerfile': expected the name of a file in the image's folder" },
		{ "recipe-env-name", "15:3: 'cc': expected the name of a variable, A-Z, 0-9 and `_`" },
		{ "recipe-env-value", "1:1: variable 'CC': nothing gives '${gc}' a value" },
		{ "recipe-gcc-none", "3:6: expected 1 to 8 majors of gcc" },
		{ "recipe-gcc-order", "3:11: majors of gcc must ascend" },
		{ "recipe-glibc-unquoted", "5:8: expected text, found a number; put quotes around it: \"2.36\"" },
		{ "recipe-nowhere", "1:1: an image needs at least one of 'bootstrap', 'pull' and 'build'" },
		{ "recipe-package", "11:14: '--hook=rm': expected letters, digits and +./:~_- only, no dash first" },
		{ "recipe-reference",
		  "13:19: 'registry.example.org/gcc-12:latest-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef': expected a reference by digest: NAME@sha256:<64 hex digits>" },
	};
	expect_refusals(files, ARRAY_LEN(files), try_recipe);
}

Test(recipe, reads_every_key)
{
	struct err e = { 0 };
	cleanup_recipe struct recipe r = { 0 };
	cr_assert_eq(recipe_load(DATA "images/gcc-12", &r, &e), 0, "%s", e.message);
	cr_expect_str_eq(r.name, "gcc-12");
	cr_expect_eq(r.arch, arch_by_name("amd64"));
	cr_assert_eq(r.gcc_count, 2);
	cr_expect(r.gcc[0] == 11 && r.gcc[1] == 12);
	cr_expect_eq(r.clang, 14);
	cr_expect_str_eq(r.glibc, "2.36");
	cr_expect(r.pahole);
	cr_expect(r.has[RECIPE_BOOTSTRAP] && r.has[RECIPE_PULL] && !r.has[RECIPE_BUILD]);
	cr_expect_str_eq(r.bootstrap.mirror, "example");
	cr_expect_str_eq(r.bootstrap.suite, "bookworm");
	cr_expect_eq(r.bootstrap.packages.len, 3);
	cr_expect(r.bootstrap.accept_expired_release);
	cr_expect_null(r.bootstrap.keyring);
	cr_expect_eq(r.env_count, 2);
}

Test(recipe, defaults)
{
	struct err e = { 0 };
	cleanup_recipe struct recipe with = { 0 }, without = { 0 };
	cr_assert_eq(recipe_load(DATA "images/gcc-12", &with, &e), 0, "%s", e.message);
	cr_assert_eq(recipe_load(DATA "images/gcc-9", &without, &e), 0, "%s", e.message);
	cr_assert_eq(with.bootstrap.components.len, 1);
	cr_expect_str_eq(with.bootstrap.components.items[0], "main");
	cr_expect_eq(recipe_default_how(&with), RECIPE_BOOTSTRAP);
	cr_expect_eq(recipe_default_how(&without), RECIPE_BUILD);
	cr_expect_eq(without.clang, 0);
	cr_expect_not(without.pahole);
	cr_expect_not(with.lld);
	cr_expect(without.lld);
}

Test(recipe, directory_is_read_in_natural_order)
{
	struct err e = { 0 };
	cleanup_recipe_set struct recipe_set set = { 0 };
	cr_assert_eq(recipe_load_dir(DATA "images", &set, &e), 0, "%s", e.message);
	cr_assert_eq(set.count, 2);
	cr_expect_str_eq(set.items[0].name, "gcc-9");
	cr_expect_str_eq(set.items[1].name, "gcc-12");
	cr_expect_eq(recipe_find(&set, "gcc-9", &e), &set.items[0]);
	cr_expect_null(recipe_find(&set, "gcc-13", &e));
	cr_expect_eq(e.kind, ERR_USAGE);
}

Test(recipe, says_when_a_registry_is_needed_and_for_what)
{
	struct err e = { 0 };
	cleanup_recipe struct recipe packages = { 0 }, registry = { 0 };
	cr_assert_eq(recipe_load(DATA "images/gcc-12", &packages, &e), 0, "%s", e.message);
	cr_assert_eq(recipe_load(DATA "images/gcc-9", &registry, &e), 0, "%s", e.message);
	cr_expect_not(recipe_needs_registry(&packages), "it has `pull:`, too, but can do without");
	cr_expect_null(recipe_registry_reference(&packages));
	cr_expect(recipe_needs_registry(&registry));
	cr_expect_str_eq(recipe_registry_reference(&registry), "registry.example.org:5000/some/base:9.1");
	cr_expect_null(registry.build.digest);
	cr_expect_str_eq(registry.dir, DATA "images/gcc-9");
}

#define HEAD   "# Of somebody's.\nname: x\narchitecture: amd64\ngcc: 9\nglibc: \"2.31\"\n"
#define OLD    "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define PINNED "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(recipe, a_pin_changes_its_line_and_no_other)
{
	static const struct {
		const char *before, *after; /* after NULL: refused */
	} rows[] = {
		{ HEAD "build:\n  dockerfile: D\n  base: a/b:1 # why\nenv: {A: b}\n",
		  HEAD "build:\n  dockerfile: D\n  base: a/b:1 # why\n  digest: " PINNED "\nenv: {A: b}\n" },
		{ HEAD "build:\n    base: \"a/b:1\"\n    # c\n    digest: " OLD "\n    dockerfile: D\n",
		  HEAD "build:\n    base: \"a/b:1\"\n    # c\n    digest: " PINNED "\n    dockerfile: D\n" },
		{ HEAD "build:\n  digest: \"" OLD "\"\n  base: a\n  dockerfile: D\n",
		  HEAD "build:\n  digest: " PINNED "\n  base: a\n  dockerfile: D\n" },
		{ HEAD "build:\n  dockerfile: D\n  base: a", HEAD "build:\n  dockerfile: D\n  base: a\n  digest: " PINNED "\n" },
		{ HEAD "build: {dockerfile: D, base: a}\n", NULL },
		{ HEAD "build:\n  dockerfile: D\n  base:\n    a\n", NULL },
		{ HEAD "pull: {reference: a@" OLD "}\n", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_buf struct buf text = { 0 };
		int result = recipe_pin(rows[i].before, strlen(rows[i].before), "image.yaml", PINNED, &text, &e);
		cr_expect_eq(result, rows[i].after ? 0 : -1, "row %zu: %s", i, e.message);
		if (rows[i].after)
			cr_expect_str_eq(buf_text(&text), rows[i].after, "row %zu", i);
		else
			cr_expect(e.kind == ERR_USAGE && str_starts(e.message, "image.yaml:"), "row %zu: %s", i, e.message);
	}
}

Test(recipe, expands_values)
{
	struct err e = { 0 };
	cleanup_recipe struct recipe r = { 0 };
	cr_assert_eq(recipe_load(DATA "images/gcc-12", &r, &e), 0, "%s", e.message);
	cleanup_free char *text = recipe_expand(&r, "gcc-${gcc} clang-${clang} ${arch}", 11, &e);
	cr_expect_str_eq(text, "gcc-11 clang-14 amd64");
	cr_expect_null(recipe_expand(&r, "${CC}", 11, &e));
}

Test(recipe, ways_are_read_back_from_their_names)
{
	struct err e = { 0 };
	for (int i = 0; i < RECIPE_HOW_COUNT; i++) {
		enum recipe_how how = RECIPE_HOW_COUNT;
		cr_expect_eq(recipe_how_parse(recipe_how_name((enum recipe_how)i), &how, &e), 0);
		cr_expect_eq((int)how, i);
	}
	enum recipe_how how;
	cr_expect_lt(recipe_how_parse("steal", &how, &e), 0);
	cr_expect_eq(e.kind, ERR_USAGE);
}
