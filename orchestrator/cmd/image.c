#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/base_image.h"
#include "build/inputs.h"
#include "build/output.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/image_options.h"
#include "descriptor/distro.h"
#include "engine/engine.h"

struct image_command {
	struct context context;
	struct image_options image;
	bool no_load;
};

static int set_no_load(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct image_command *)target)->no_load = true;
	return 0;
}

static const struct option_def image_options[] = {
	{ "no-load", NULL, "don't load it into the engine; goes with --archive", set_no_load },
	{ 0 },
};

static const struct option_table image_tables[] = {
	{ image_options, 0 },
	{ image_option_table, offsetof(struct image_command, image) },
	{ context_engine_options, offsetof(struct image_command, context) },
	{ context_options, offsetof(struct image_command, context) },
	{ 0 },
};

static const struct command_def image_command = {
	.usage = "orchestrate image [OPTION]...",
	.summary = "Assemble the base image from what is in OUTPUT/kernel-modules, without building anything.",
	.tables = image_tables,
};

/* What the objects in the tree were built for. */
static const char *architecture(const char *root, struct err *e)
{
	cleanup_free char *dir = path_join(root, "distros", e);
	cleanup_distro_set struct distro_set distros = { 0 };

	if (!dir || distro_load_dir(dir, &distros, e) < 0)
		return NULL;
	if (!distros.count) {
		err_set(e, ERR_INPUT, "'%s' has no descriptor, so that nothing says for which architecture the image is", dir);
		return NULL;
	}
	/* Of a static table, not of the set. */
	return distros.items[0].arch->oci;
}

static int make(struct image_command *o, const struct inputs *in, struct err *e)
{
	struct context *c = &o->context;
	const char *arch = architecture(c->root, e);
	cleanup_free char *dir = image_output_dir(&o->image, c, e);
	cleanup_of(engine) struct engine *engine = NULL;
	struct output *output = NULL;

	if (!arch || !dir || (!o->no_load && context_open_engine(c, &engine, e) < 0))
		return -1;
	/* The lock: nobody fills the tree while it is read. */
	if (output_open(dir, in->probe.name, in->module_version, OUTPUT_READ, &c->log, &output, e) < 0)
		return -1;
	const struct base_image_options options = {
		.modules_dir = output_modules_dir(output),
		.probe_name = in->probe.name,
		.module_version = in->module_version,
		.cache_dir = c->cache_path,
		.architecture = arch,
		.base = o->image.base,
		.archive = o->image.archive,
		.engine = engine,
		.epoch = image_epoch(),
		.log = &c->log,
		.listener = &c->listener,
	};
	int result = image_make_and_print(&options, e);
	output_free(output);
	return result;
}

static int run(void *target, struct err *e)
{
	struct image_command *o = target;
	const struct strv none = { 0 };
	const struct inputs_options inputs = { .root = o->context.root, .probe_dir = o->image.probe, .distros = &none };
	cleanup_inputs struct inputs in = { 0 };

	if (o->no_load && !o->image.archive)
		return err_set(e, ERR_USAGE, "--no-load without --archive leaves nothing to do");
	if (inputs_load_probe(&inputs, &in, e) < 0)
		return -1;
	return make(o, &in, e) < 0 ? -1 : EXIT_GOOD;
}

int cmd_image(int argc, char **argv)
{
	struct image_command o = { 0 };

	return context_run(&o.context, &image_command, argc, argv, &o, NULL, run);
}
