/* What is sent to the engine for a Dockerfile, and what name the image gets for it. */
#include "toolchain/build_context.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "toolchain/toolchain.h"

static struct temp_dir dir;

static void put(const char *name, const char *text)
{
	struct err e;
	cleanup_free char *folder = path_join(dir.path, "x", &e), *path = path_join(folder, name, &e);

	cr_assert_eq(path_make_dirs(folder, &e), 0);
	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

static void load(struct recipe *ret, const char *base, const char *digest)
{
	struct err e;
	cleanup_free char *text =
		str_printf(&e,
			   "name: x\narchitecture: amd64\ngcc: 9\nglibc: \"2.31\"\nbuild:\n  dockerfile: Dockerfile\n"
			   "  base: %s\n%s%s\n",
			   base, *digest ? "  digest: sha256:" : "", digest);
	cleanup_free char *folder = path_join(dir.path, "x", &e);

	put("image.yaml", text);
	cr_assert_eq(recipe_load(folder, ret, &e), 0, "%s", e.message);
}

static void make_dir(void)
{
	temp_dir_make(&dir);
}

static void drop_dir(void)
{
	temp_dir_remove(&dir);
}

TestSuite(build_context, .init = make_dir, .fini = drop_dir);

Test(build_context, only_what_is_pinned_is_built_on)
{
	static const struct {
		const char *dockerfile, *says; /* says NULL: it is good */
	} rows[] = {
		{ "ARG BASE\nFROM ${BASE}\nRUN echo FROM here\n", NULL },
		{ "ARG BASE\n  from ${BASE} AS one\nFROM --platform=linux/amd64 ${BASE}\n", NULL },
		{ "FROM debian:12\n", "Dockerfile:1: FROM 'debian:12': expected ${BASE}" },
		{ "ARG BASE\nFROM ${BASE}\nfrom\tscratch", "Dockerfile:3: FROM 'scratch'" },
		{ "FROM ${BASE}x\n", "Dockerfile:1: FROM '${BASE}x'" },
		{ "FROM ${BAS\n", "Dockerfile:1: FROM '${BAS'" },
		{ "RUN true\n", "Dockerfile:1: there is no FROM in it" },
		{ "", "Dockerfile:1: there is no FROM in it" },
		{ NULL, "the Dockerfile of 'x'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct digest digest;
		cleanup_recipe struct recipe recipe = { 0 };
		cleanup_free char *path = path_join(dir.path, "x/Dockerfile", &e);
		cr_assert_eq(path_remove(path, &e), 0);
		load(&recipe, "a:1", "");
		if (rows[i].dockerfile)
			put("Dockerfile", rows[i].dockerfile);
		cr_expect_eq(build_context_digest(&recipe, &digest, &e), rows[i].says ? -1 : 0, "row %zu: %s", i, e.message);
		if (rows[i].says)
			cr_expect(e.kind == ERR_INPUT && strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
	}
}

Test(build_context, a_directory_in_it_is_refused)
{
	struct err e = { 0 };
	struct digest digest;
	cleanup_recipe struct recipe recipe = { 0 };
	cleanup_free char *path = path_join(dir.path, "x/more", &e);

	load(&recipe, "a:1", "");
	put("Dockerfile", "FROM ${BASE}\n");
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_expect_lt(build_context_digest(&recipe, &digest, &e), 0);
	cr_expect(e.kind == ERR_INPUT && strstr(e.message, "/x/more': a build context has files only"), "%s", e.message);
}

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

Test(build_context, the_images_name_follows_what_it_is_built_of)
{
	static const struct {
		const char *base, *digest, *dockerfile, *more;
		bool same;
	} rows[] = {
		{ "a:1", ONES, "FROM ${BASE}\n", NULL, true },
		{ "a:1", TWOS, "FROM ${BASE}\n", NULL, false },
		{ "a:1", "", "FROM ${BASE}\n", NULL, false },
		{ "a:2", ONES, "FROM ${BASE}\n", NULL, false },
		{ "a:1", ONES, "FROM ${BASE}\nRUN true\n", NULL, false },
		/* A file beside the Dockerfile can be copied by it; stays from here on. */
		{ "a:1", ONES, "FROM ${BASE}\n", "patch", false },
	};
	struct err e;
	cleanup_recipe struct recipe first = { 0 };

	put("Dockerfile", "FROM ${BASE}\n");
	load(&first, "a:1", ONES);
	cleanup_free char *ref = toolchain_ref(&first, &e);
	cr_assert_not_null(ref, "%s", e.message);
	cr_expect(str_starts(ref, "orchestrate-toolchain:x-"), "%s", ref);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_recipe struct recipe other = { 0 };
		load(&other, rows[i].base, rows[i].digest);
		put("Dockerfile", rows[i].dockerfile);
		if (rows[i].more)
			put(rows[i].more, "x");
		cleanup_free char *its = toolchain_ref(&other, &e);
		cr_assert_not_null(its, "%s", e.message);
		cr_expect_eq(strcmp(ref, its) == 0, rows[i].same, "row %zu: %s and %s", i, ref, its);
	}
}

Test(build_context, one_that_is_not_pinned_is_told_from_one_that_is)
{
	cleanup_recipe struct recipe recipe = { 0 };

	put("Dockerfile", "FROM ${BASE}\n");
	load(&recipe, "a:1", "");
	cr_expect_eq(toolchain_way_of(&recipe), TOOLCHAIN_UNPINNED);
	cleanup_recipe struct recipe pinned = { 0 };
	load(&pinned, "a:1", ONES);
	cr_expect_eq(toolchain_way_of(&pinned), TOOLCHAIN_BY_REGISTRY);
}
