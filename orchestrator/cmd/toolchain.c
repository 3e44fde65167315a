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
#include "toolchain/toolchain.h"

struct toolchain_command {
	struct context context;
	struct strv words;
	bool rebuild;
};

static int set_rebuild(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct toolchain_command *)target)->rebuild = true;
	return 0;
}

static const struct option_def toolchain_options[] = {
	{ "rebuild", NULL, "make it anew even when it is there", set_rebuild },
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
	.usage = "orchestrate toolchain list|build [NAME]... [OPTION]...",
	.summary = "The builder images, made from images/<name>/image.yaml. `list` says which there are and what is in them,\n"
		   "`build` makes those named (all without a name) where they are missing.",
	.tables = toolchain_tables,
};

static int list_one(struct engine *engine, const struct recipe *recipe, struct err *e)
{
	struct toolchain_image image = { 0 };
	cleanup_free char *ref = toolchain_ref(recipe, e);
	bool there = false;

	if (!ref)
		return -1;
	if (engine) {
		there = toolchain_find(engine, recipe, &image, e) == 0;
		if (!there && e->kind != ERR_NOT_FOUND)
			return -1;
	}
	printf("%-10s gcc", recipe->name);
	for (size_t i = 0; i < recipe->gcc_count; i++)
		printf("%s%u", i ? "," : " ", recipe->gcc[i]);
	printf(" clang %u glibc %s%s  %s  %s\n", recipe->clang, recipe->glibc, recipe->pahole ? " pahole" : "",
	       !engine ? "unknown"
	       : there ? "present"
		       : "missing",
	       there ? image.id : ref);
	toolchain_image_release(&image);
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

/* One that fails does not keep the others from being made. */
static int build(struct toolchain_command *o, const struct recipe_set *recipes, const struct strv *names, struct err *e)
{
	cleanup_of(engine) struct engine *engine = NULL;
	cleanup_of(mirror_table) struct mirror_table *mirrors = NULL;
	int code = EXIT_GOOD;

	for (size_t i = 1; i < names->len; i++)
		if (!recipe_find(recipes, names->items[i], e))
			return -1;
	if (context_open_engine(&o->context, &engine, e) < 0 || context_mirrors(&o->context, NULL, recipes, &mirrors, e) < 0)
		return -1;
	for (size_t i = 0; i < recipes->count; i++) {
		if (names->len > 1 && !strv_has(names, recipes->items[i].name))
			continue;
		if (build_one(o, engine, &recipes->items[i], mirrors, e) == 0)
			continue;
		if (e->kind == ERR_CANCELLED || e->kind == ERR_UNREACHABLE)
			return -1;
		context_report(&o->context, e);
		code = EXIT_KERNEL_FAILED;
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
		code = build(o, &recipes, words, e);
	else
		code = err_set(e, ERR_USAGE, "toolchain wants `list` or `build`, found '%s'", verb);
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
