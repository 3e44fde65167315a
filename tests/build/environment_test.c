/* What a build finds in its environment, of gcc and of clang, and of recipes with words of their own. */
#include "build/environment.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"

static const char *const example[] = { "example", NULL };

static const char *value_of(const struct strv *env, const char *name)
{
	const char *found = NULL;
	size_t len = strlen(name);

	for (size_t i = 0; i < env->len; i++) {
		if (strncmp(env->items[i], name, len) != 0 || env->items[i][len] != '=')
			continue;
		cr_expect_null(found, "'%s' is there twice", name);
		found = env->items[i] + len + 1;
	}
	return found;
}

Test(environment, names_the_compiler_that_was_chosen)
{
	static const struct {
		int gcc, clang;
		const char *variable, *value, *cc, *makeflags; /* variable: of the recipe; NULL: none */
	} rows[] = {
		{ 12, 0, NULL, NULL, "gcc-12", NULL },
		{ 0, 14, NULL, NULL, "clang-14",
		  " -- LLVM=-14 LD=ld.lld-14 AR=llvm-ar-14 NM=llvm-nm-14 OBJCOPY=llvm-objcopy-14 OBJDUMP=llvm-objdump-14 "
		  "READELF=llvm-readelf-14" },
		{ 12, 0, "CC", "vendor-${gcc}", "vendor-12", NULL },
		{ 12, 0, "CLANG", "clang", "gcc-12", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		cleanup_strv struct strv env = { 0 };
		struct err e;
		checkout_make(&c);
		if (rows[i].variable) {
			cleanup_free char *text =
				str_printf(&e,
					   "name: own\narchitecture: amd64\ngcc: [12]\nclang: 14\nglibc: \"2.36\"\n"
					   "pull: {reference: \"a@sha256:%064d\"}\nenv: {%s: \"%s\"}\n",
					   0, rows[i].variable, rows[i].value);
			checkout_write(&c, "images/own/image.yaml", text);
		}
		checkout_load(&c, &in, example);
		planner_open(&p, &c, &in);
		planner_make(&p, &in, &plan);
		struct job *job = plan_job_of(&plan, "6.1.0-1-amd64");
		job->choice.recipe = recipe_find(&in.recipes, rows[i].variable ? "own" : "gcc-12", &e);
		job->choice.gcc = rows[i].gcc;
		job->choice.clang = rows[i].clang;
		cr_assert_eq(environment_common(&in, job, &env, &e), 0, "%s", e.message);
		cr_expect_str_eq(value_of(&env, "CC"), rows[i].cc, "row %zu", i);
		cr_expect_str_eq(value_of(&env, "CLANG"),
				 rows[i].variable && strcmp(rows[i].variable, "CLANG") == 0 ? "clang" : "clang-14");
		const char *flags = value_of(&env, "MAKEFLAGS");
		cr_expect_eq(flags == NULL, rows[i].makeflags == NULL, "row %zu: %s", i, flags);
		if (flags && rows[i].makeflags)
			cr_expect_str_eq(flags, rows[i].makeflags);
	}
}
