#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "build/toolchains.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "engine/engine.h"
#include "engine/image_build.h"
#include "toolchain/toolchain.h"

enum { RECIPE_MAX_BYTES = 1 << 20 };

struct toolchain_command {
	struct context context;
	struct strv words;
	bool rebuild, pull;
};

static int set_rebuild(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct toolchain_command *)target)->rebuild = true;
	return 0;
}

static int set_pull(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct toolchain_command *)target)->pull = true;
	return 0;
}

static const struct option_def toolchain_options[] = {
	{ "rebuild", NULL, "make it anew even when it is there", set_rebuild },
	{ "pull", NULL, "build: without a name, also those that need a registry", set_pull },
	{ 0 },
};

static const struct option_table toolchain_tables[] = {
	{ toolchain_options, 0 },
	{ context_engine_options, offsetof(struct toolchain_command, context) },
	{ context_mirror_options, offsetof(struct toolchain_command, context) },
	{ context_options, offsetof(struct toolchain_command, context) },
	{ 0 },
};

static const struct command_def toolchain_command = {
	.usage = "orchestrate toolchain list|build|pin [NAME]... [OPTION]...",
	.summary =
		"The builder images, made from images/<name>/image.yaml.\n"
		"`list` says what is in them, which are there, and what the others need: a mirror, or a registry.\n"
		"`build` makes those named where they are missing; without a name all that need no registry (--pull: those too).\n"
		"`pin` asks the registry what the tags that Dockerfiles are built on stand for, and writes the digests into image.yaml.",
	.tables = toolchain_tables,
};

/* What it takes to have an image that is not there. */
static void print_way(const struct recipe *recipe)
{
	const char *reference = recipe_registry_reference(recipe);

	switch (toolchain_way_of(recipe)) {
	case TOOLCHAIN_BY_PACKAGES:
		printf("can be made here, of packages of '%s'", recipe->bootstrap.suite);
		break;
	case TOOLCHAIN_NO_PROGRAM:
		printf("cannot be made here: mmdebstrap is not installed");
		break;
	case TOOLCHAIN_BY_REGISTRY:
		printf("needs a registry, for %s", reference);
		break;
	case TOOLCHAIN_UNPINNED:
		printf("needs a registry, for %s, and to be pinned (toolchain pin %s)", reference, recipe->name);
		break;
	}
}

static int describe(const struct recipe *recipe, struct buf *ret, struct err *e)
{
	for (size_t i = 0; i < recipe->gcc_count; i++)
		if (buf_printf(ret, e, "%s%u", i ? "," : "gcc ", recipe->gcc[i]) < 0)
			return -1;
	if (recipe->clang && buf_printf(ret, e, " clang %u", recipe->clang) < 0)
		return -1;
	return buf_printf(ret, e, " glibc %s%s%s", recipe->glibc, recipe->pahole ? " pahole" : "", recipe->lld ? " lld" : "");
}

static int list_one(struct engine *engine, const struct recipe *recipe, struct err *e)
{
	cleanup_toolchain_image struct toolchain_image image = { 0 };
	cleanup_buf struct buf text = { 0 };
	bool there = false;

	if (engine) {
		there = toolchain_find(engine, recipe, &image, e) == 0;
		if (!there && e->kind != ERR_NOT_FOUND)
			return -1;
	}
	if (describe(recipe, &text, e) < 0)
		return -1;
	printf("%-12s %-40s ", recipe->name, buf_text(&text));
	printf("%-8s", !engine ? "unknown" : there ? "present" : "missing");
	putchar(' ');
	if (there)
		printf("%s", image.id);
	else
		print_way(recipe);
	putchar('\n');
	return 0;
}

static int list(struct toolchain_command *o, const struct recipe_set *recipes, struct err *e)
{
	cleanup_of(engine) struct engine *engine = NULL;

	/* The recipes can be listed without an engine too. */
	if (context_open_engine(&o->context, &engine, e) < 0) {
		if (e->kind != ERR_UNREACHABLE)
			return -1;
		log_printf(&o->context.log, LOG_WARNING, "%s", e->message);
	}
	for (size_t i = 0; i < recipes->count; i++)
		if (list_one(engine, &recipes->items[i], e) < 0)
			return -1;
	return 0;
}

static void show_line(void *context, const char *line)
{
	struct toolchain_command *o = context;

	log_printf(&o->context.log, LOG_DEBUG, "%s", line);
}

static int build_one(struct toolchain_command *o, struct engine *engine, const struct recipe *recipe, struct mirror_table *mirrors,
		     struct err *e)
{
	struct context *c = &o->context;
	cleanup_free char *scratch = path_join(c->cache_path, "scratch", e);
	struct toolchain_image image = { 0 };
	const struct toolchain_options options = {
		.mirrors = mirrors,
		.scratch = scratch,
		.log = &c->log,
		.progress = show_line,
		.context = o,
		.cancel = &c->cancel,
		.again = o->rebuild,
	};
	int64_t started = clock_now_ms();

	if (!scratch)
		return -1;
	event_send(&c->listener, &(struct event){ .kind = EVENT_TOOLCHAIN_START, .name = recipe->name });
	int result = o->rebuild ? toolchain_make(engine, recipe, &options, &image, e)
				: toolchain_ensure(engine, recipe, &options, &image, e);
	event_send(&c->listener, &(struct event){ .kind = EVENT_TOOLCHAIN_DONE,
						  .name = recipe->name,
						  .failed = result < 0,
						  .seconds = (double)(clock_now_ms() - started) / 1000 });
	if (result == 0)
		printf("%s %s %s\n", recipe->name, image.ref, image.id);
	toolchain_image_release(&image);
	return result < 0 ? err_wrap(e, "toolchain '%s'", recipe->name) : 0;
}

/* Who names one wants it, whatever it takes; all are those that can be had without leave. */
static bool is_asked_for(const struct toolchain_command *o, const struct recipe *recipe)
{
	if (o->words.len > 1)
		return strv_has(&o->words, recipe->name);
	return o->pull || !recipe_needs_registry(recipe);
}

static int check_names(const struct recipe_set *recipes, const struct strv *words, struct err *e)
{
	for (size_t i = 1; i < words->len; i++)
		if (!recipe_find(recipes, words->items[i], e))
			return -1;
	return 0;
}

/* One that fails does not keep the others from being made. */
static int build(struct toolchain_command *o, const struct recipe_set *recipes, struct err *e)
{
	cleanup_of(engine) struct engine *engine = NULL;
	cleanup_of(mirror_table) struct mirror_table *mirrors = NULL;
	int code = EXIT_GOOD;

	if (check_names(recipes, &o->words, e) < 0 || context_open_engine(&o->context, &engine, e) < 0 ||
	    context_mirrors(&o->context, NULL, recipes, &mirrors, e) < 0)
		return -1;
	for (size_t i = 0; i < recipes->count; i++) {
		if (!is_asked_for(o, &recipes->items[i]) || build_one(o, engine, &recipes->items[i], mirrors, e) == 0)
			continue;
		if (e->kind == ERR_CANCELLED || e->kind == ERR_UNREACHABLE)
			return -1;
		context_report(&o->context, e);
		/* What is wrong with the recipe is not for another try to mend. */
		code = e->kind == ERR_USAGE || e->kind == ERR_INPUT ? EXIT_USAGE : code == EXIT_USAGE ? code : EXIT_KERNEL_FAILED;
	}
	return code;
}

static int pin_one(struct engine *engine, const struct recipe *recipe, struct err *e)
{
	cleanup_free char *path = path_join(recipe->dir, "image.yaml", e), *digest = NULL;
	cleanup_buf struct buf before = { 0 }, after = { 0 };

	if (!path || file_read(path, RECIPE_MAX_BYTES, &before, e) < 0)
		return -1;
	if (!recipe->has[RECIPE_BUILD])
		return err_set(e, ERR_USAGE, "it is not built from a Dockerfile, so there is nothing to pin");
	if (engine_registry_digest(engine, recipe->build.base, &digest, e) < 0 ||
	    recipe_pin(buf_text(&before), before.len, path, digest, &after, e) < 0 ||
	    file_replace(path, buf_text(&after), after.len, 0644, e) < 0)
		return -1;
	printf("%s %s@%s%s\n", recipe->name, recipe->build.base, digest,
	       recipe->build.digest && strcmp(recipe->build.digest, digest) == 0 ? " (as it was)" : "");
	return 0;
}

static int pin(struct toolchain_command *o, const struct recipe_set *recipes, struct err *e)
{
	cleanup_of(engine) struct engine *engine = NULL;
	int code = EXIT_GOOD;

	if (o->words.len < 2)
		return err_set(e, ERR_USAGE, "toolchain pin wants the names of those to pin");
	if (check_names(recipes, &o->words, e) < 0 || context_open_engine(&o->context, &engine, e) < 0)
		return -1;
	for (size_t i = 1; i < o->words.len; i++) {
		const struct recipe *recipe = recipe_find(recipes, o->words.items[i], e);
		if (recipe && pin_one(engine, recipe, e) == 0)
			continue;
		err_wrap(e, "toolchain '%s'", o->words.items[i]);
		if (e->kind == ERR_CANCELLED || e->kind == ERR_UNREACHABLE)
			return -1;
		context_report(&o->context, e);
		code = e->kind == ERR_USAGE ? EXIT_USAGE : code == EXIT_USAGE ? code : EXIT_KERNEL_FAILED;
	}
	return code;
}

static int run(void *target, struct err *e)
{
	struct toolchain_command *o = target;
	const struct strv *words = &o->words;
	struct recipe_set recipes = { 0 };
	cleanup_free char *images = path_join(o->context.root, "images", e);
	int code = -1;

	if (!images || recipe_load_dir(images, &recipes, e) < 0)
		return -1;
	const char *verb = words->len ? words->items[0] : "";
	if (strcmp(verb, "list") == 0)
		code = words->len > 1 ? err_set(e, ERR_USAGE, "toolchain list takes no names") : list(o, &recipes, e);
	else if (strcmp(verb, "build") == 0)
		code = build(o, &recipes, e);
	else if (strcmp(verb, "pin") == 0)
		code = pin(o, &recipes, e);
	else
		code = err_set(e, ERR_USAGE, "toolchain wants `list`, `build` or `pin`, found '%s'", verb);
	recipe_set_release(&recipes);
	return code;
}

int cmd_toolchain(int argc, char **argv)
{
	struct toolchain_command o = { 0 };

	int code = context_run(&o.context, &toolchain_command, argc, argv, &o, &o.words, run);
	strv_release(&o.words);
	return code;
}
