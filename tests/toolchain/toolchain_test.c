/* Recipes become images in the real engine. mmdebstrap is played by a script, as the real one takes a minute and a mirror. */
#include "toolchain/toolchain.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "base/process.h"
#include "descriptor/recipe.h"
#include "engine/engine.h"
#include "engine/image.h"
#include "toolchain/build_context.h"
#include "toolchain/choose.h"

static struct temp_dir dir;
static char scratch[160];
static struct strv said;

static void write_script(const char *text)
{
	char path[160], *search = NULL;
	struct err e;

	snprintf(path, sizeof(path), "%s/bin/mmdebstrap", dir.path);
	cr_assert_eq(file_replace(path, text, strlen(text), 0755, &e), 0, "%s", e.message);
	search = str_printf(&e, "%s/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", dir.path);
	setenv("PATH", search, 1);
	free(search);
}

static void make_dir(void)
{
	char path[160];
	struct err e;

	temp_dir_make(&dir);
	snprintf(scratch, sizeof(scratch), "%s/scratch", dir.path);
	snprintf(path, sizeof(path), "%s/bin", dir.path);
	cr_assert_eq(path_make_dirs(path, &e), 0);
	setenv("TEST_DIR", dir.path, 1);
}

static void drop_dir(void)
{
	strv_release(&said);
	temp_dir_remove(&dir);
}

TestSuite(toolchain, .init = make_dir, .fini = drop_dir, .timeout = 120);

static void hear(void *context, const char *line)
{
	struct err e;
	(void)context;
	cr_assert_eq(strv_add(&said, line, &e), 0);
}

/* name makes it an image of this test only. */
static void make_recipe(struct recipe *r, const char *name, const char *more)
{
	struct err e;
	cleanup_free char *text =
		str_printf(&e,
			   "name: %s\narchitecture: amd64\ngcc: [12]\nglibc: \"2.36\"\nbootstrap:\n  mirror: test\n  suite: dull\n"
			   "  urls: [http://one.invalid/x, http://two.invalid/x]\n  packages: [make, gcc-12]\n%s",
			   name, more);
	cr_assert_eq(recipe_parse(text, strlen(text), "image.yaml", r, &e), 0, "%s", e.message);
}

static struct engine *open_engine(void)
{
	struct engine *engine = NULL;
	struct err e;

	if (engine_open(NULL, NULL, NULL, &engine, &e) < 0)
		cr_skip_test("no engine: %s", e.message);
	return engine;
}

static const struct toolchain_options options = { .scratch = scratch, .progress = hear };

/* Fails at the first mirror; says what it was called with; prints a small root. */
static const char good_script[] =
	"#!/bin/sh\n"
	"echo \"$@\" >>\"$TEST_DIR/calls\"\n"
	"env >\"$TEST_DIR/env\"\n"
	"case $* in *one.invalid*) echo 'E: mirror is gone' >&2; exit 25;; esac\n"
	"echo 'I: installing packages...' >&2\n"
	"cd \"$TMPDIR\" && mkdir -p etc usr/bin var/log && echo x >usr/bin/gcc-12 && echo $$ >var/log/boot && "
	"echo $$ >etc/machine-id && tar -c --sort=name .\n";

Test(toolchain, bootstrap_makes_one_image_and_always_the_same)
{
	struct err e = { 0 };
	cleanup_recipe struct recipe recipe = { 0 };
	cleanup_toolchain_image struct toolchain_image first = { 0 }, again = { 0 }, found = { 0 };
	cleanup_engine_image struct engine_image image = { 0 };
	cleanup_buf struct buf calls = { 0 }, env = { 0 };
	char path[200];
	cleanup_of(engine) struct engine *engine = open_engine();

	write_script(good_script);
	make_recipe(&recipe, "test-same", "  accept-expired-release: true\n");
	cr_assert_lt(toolchain_find(engine, &recipe, &found, &e), 0);
	cr_assert_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	cr_assert_eq(toolchain_make(engine, &recipe, &options, &first, &e), 0, "%s", e.message);
	cr_expect(str_starts(first.ref, "orchestrate-toolchain:test-same-"), "%s", first.ref);
	cr_expect(said.len == 2 && strcmp(said.items[0], "installing packages...") == 0, "progress: %zu lines", said.len);

	struct toolchain_options anew = options;
	anew.again = true;
	cr_assert_eq(toolchain_make(engine, &recipe, &anew, &again, &e), 0, "%s", e.message);
	cr_expect_str_eq(again.id, first.id);
	cr_assert_eq(toolchain_make(engine, &recipe, &options, &found, &e), 0);
	cr_expect_str_eq(found.id, first.id);

	snprintf(path, sizeof(path), "%s/calls", dir.path);
	cr_assert_eq(file_read(path, 100000, &calls, &e), 0);
	size_t runs = 0;
	for (const char *p = buf_text(&calls); (p = strchr(p, '\n')); p++)
		runs++;
	cr_expect_eq(runs, 4, "two runs with two mirrors each, and none for what is there:\n%s", buf_text(&calls));
	cr_expect(strstr(calls.data, "--include=make,gcc-12") && strstr(calls.data, "dull - http://two.invalid/x\n") &&
			  strstr(calls.data, "Check-Valid-Until \"false\""),
		  "%s", calls.data);
	snprintf(path, sizeof(path), "%s/env", dir.path);
	cr_assert_eq(file_read(path, 100000, &env, &e), 0);
	cr_expect(strstr(env.data, "SOURCE_DATE_EPOCH=0\n"));

	cr_assert_eq(engine_image_inspect(engine, first.ref, &image, &e), 0);
	cr_expect_eq(image.layers.len, 1);
	cr_expect(strv_has(&image.labels, "org.orchestrate.toolchain=test-same"));

	/* Other packages under the same name: the old image does not stay behind. */
	cleanup_toolchain_image struct toolchain_image other = { 0 };
	cleanup_engine_image struct engine_image gone = { 0 };
	write_script("#!/bin/sh\ncd \"$TEST_DIR\" && tar -c env\n");
	cr_assert_eq(toolchain_make(engine, &recipe, &anew, &other, &e), 0, "%s", e.message);
	cr_expect_str_neq(other.id, first.id);
	cr_expect_lt(engine_image_inspect(engine, first.id, &gone, &e), 0);
	cr_expect_eq(engine_image_remove(engine, first.ref, true, &e), 0, "%s", e.message);
	snprintf(path, sizeof(path), "%s/%s", scratch, strchr(first.ref, ':') + 1);
	cr_expect_eq(path_exists(path, &e), 0, "the layer is still in scratch");
}

Test(toolchain, a_bootstrap_that_fails_says_why_and_leaves_nothing)
{
	static const struct {
		const char *script, *text;
		enum err_kind kind;
	} rows[] = {
		{ "#!/bin/sh\necho 'I: x' >&2\necho 'E: no space' >&2\nexit 1\n", "exited with code 1: E: no space", ERR_FAILED },
		/* The tar is whole, the program is not content. */
		{ "#!/bin/sh\ncd /etc && tar -c hostname\necho 'E: late' >&2\nexit 7\n", "exited with code 7: E: late",
		  ERR_FAILED },
		/* The program is content, the tar is not whole. */
		{ "#!/bin/sh\ncd /etc && tar -c passwd | head -c 1000\n", "reading a root file system", ERR_CORRUPT },
		{ "#!/bin/sh\nexit 0\n", "reading a root file system", ERR_CORRUPT },
	};
	cleanup_recipe struct recipe recipe = { 0 };
	cleanup_of(engine) struct engine *engine = open_engine();

	make_recipe(&recipe, "test-failing", "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		char path[200];
		cleanup_toolchain_image struct toolchain_image image = { 0 };
		write_script(rows[i].script);
		cr_expect_lt(toolchain_make(engine, &recipe, &options, &image, &e), 0, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s", i, e.message);
		cr_expect(strstr(e.message, rows[i].text), "row %zu: %s", i, e.message);
		cleanup_free char *ref = toolchain_ref(&recipe, &e);
		snprintf(path, sizeof(path), "%s/%s", scratch, strchr(ref, ':') + 1);
		cr_expect_eq(path_exists(path, &e), 0, "row %zu left something in scratch", i);
		cr_expect_lt(toolchain_find(engine, &recipe, &image, &e), 0);
	}
}

Test(toolchain, the_name_follows_what_goes_into_the_image)
{
	static const struct {
		const char *name, *more;
		bool same;
	} rows[] = {
		{ "a", "", true },
		{ "a", "# a comment\n", true },
		{ "a", "  accept-expired-release: true\n", true },
		{ "b", "", false },
		{ "a", "  components: [main, more]\n", false },
	};
	struct err e;
	cleanup_recipe struct recipe first = { 0 };

	make_recipe(&first, "a", "");
	cleanup_free char *ref = toolchain_ref(&first, &e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_recipe struct recipe other = { 0 };
		make_recipe(&other, rows[i].name, rows[i].more);
		cleanup_free char *its = toolchain_ref(&other, &e);
		cr_expect_eq(strcmp(ref, its) == 0, rows[i].same, "row %zu: %s and %s", i, ref, its);
	}
}

Test(toolchain, a_way_that_the_recipe_lacks_is_refused)
{
	struct err e = { 0 };
	struct toolchain_options wrong = options;
	cleanup_recipe struct recipe recipe = { 0 };
	cleanup_toolchain_image struct toolchain_image image = { 0 };
	cleanup_of(engine) struct engine *engine = open_engine();

	make_recipe(&recipe, "test-way", "");
	wrong.how = TOOLCHAIN_PULL;
	cr_expect_lt(toolchain_make(engine, &recipe, &wrong, &image, &e), 0);
	cr_expect_eq(e.kind, ERR_USAGE, "%s", e.message);
}

/* The recipes in images/ must parse. Whatever a registry would give: a kernel that nobody prefers anything for is built with what
 * is made of packages, exactly where there is such. */
Test(toolchain, committed_recipes_are_good)
{
	static const struct {
		struct toolchain_want want;
		const char *name;
	} rows[] = {
		{ { .gcc = 4 }, "centos-7" }, { { .gcc = 7 }, "amazon-2" }, { { .gcc = 8 }, "oracle-8" },
		{ { .gcc = 9 }, "gcc-9" },    { { .gcc = 10 }, "gcc-10" },  { { .gcc = 11 }, "gcc-11" },
		{ { .gcc = 12 }, "gcc-12" },  { { .gcc = 13 }, "gcc-13" },  { { .gcc = 14 }, "gcc-14" },
		{ { .gcc = 15 }, "gcc-15" },  { { .gcc = 16 }, "gcc-16" },
	};
	struct err e = { 0 };
	cleanup_recipe_set struct recipe_set set = { 0 };

	cr_assert_eq(recipe_load_dir("images", &set, &e), 0, "%s", e.message);
	cleanup_free const struct recipe **all = calloc(set.count, sizeof(*all));
	for (size_t i = 0; i < set.count; i++) {
		struct digest digest;
		const struct recipe *r = all[i] = &set.items[i];
		cr_expect(r->clang, "'%s' can't build the eBPF object", r->name);
		cr_expect(recipe_needs_registry(r) == r->has[RECIPE_BUILD], "'%s'", r->name);
		if (r->has[RECIPE_BUILD])
			cr_expect_eq(build_context_digest(r, &digest, &e), 0, "%s", e.message);
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct toolchain_choice choice;
		cr_assert_eq(toolchain_choose(&rows[i].want, all, set.count, &choice, &e), 0, "%s", e.message);
		cr_expect_eq(choice.fit, TOOLCHAIN_EXACT, "gcc %d", rows[i].want.gcc);
		cr_expect_str_eq(choice.recipe->name, rows[i].name, "gcc %d", rows[i].want.gcc);
	}
}
