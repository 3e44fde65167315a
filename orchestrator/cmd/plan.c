#include <stddef.h>

#include "cmd/choice_options.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/groundwork.h"
#include "cmd/id_plan.h"
#include "cmd/plan_table.h"

struct plan_command {
	struct context context;
	struct choice_options choice;
	const char *probe, *kernels_from, *module_version;
	enum plan_format format;
};

static int set_probe(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct plan_command *)target)->probe = value;
	return 0;
}

static int set_kernels_from(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct plan_command *)target)->kernels_from = value;
	return 0;
}

static int set_module_version(void *target, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_USAGE, "a version is expected");
	((struct plan_command *)target)->module_version = value;
	return 0;
}

static int set_format(void *target, const char *value, struct err *e)
{
	return plan_format_parse(value, &((struct plan_command *)target)->format, e);
}

static const struct option_def plan_options[] = {
	{ "format", "FORMAT", "table, json, or count: how many objects there are to be had [table]", set_format },
	{ "probe", "DIR", "the directory of probe.yaml [ROOT/probe]", set_probe },
	{ "kernels-from", "FILE", "plan these kernels, an id a line, by the block list alone;\nneeds no packages and no lists",
	  set_kernels_from },
	{ "module-version", "VERSION", "with --kernels-from: what would be built", set_module_version },
	{ 0 },
};

static const struct option_table plan_tables[] = {
	{ choice_kernel_table, offsetof(struct plan_command, choice) },
	{ choice_option_table, offsetof(struct plan_command, choice) },
	{ plan_options, 0 },
	{ context_engine_options, offsetof(struct plan_command, context) },
	{ context_mirror_options, offsetof(struct plan_command, context) },
	{ context_options, offsetof(struct plan_command, context) },
	{ 0 },
};

static const struct command_def plan_command = {
	.usage = "orchestrate plan [OPTION]...",
	.summary = "Say what a build would do of each kernel, with which toolchain and why, and what is blocked by\n"
		   "which rule. Changes nothing.",
	.tables = plan_tables,
	.epilogue = "Examples:\n"
		    "  orchestrate plan --distro debian --kind mod\n"
		    "  orchestrate plan --kernels-from ids.txt --module-version 2.9.1 --kind bpf --format count",
};

static int check(const struct plan_command *o, struct err *e)
{
	if (!o->kernels_from)
		return o->module_version ? err_set(e, ERR_USAGE, "--module-version goes with --kernels-from") : 0;
	if (!o->module_version)
		return err_set(e, ERR_USAGE, "--kernels-from wants --module-version");
	if (o->choice.distros.len || o->probe || o->choice.rebuild)
		return err_set(e, ERR_USAGE, "--%s does not go with --kernels-from",
			       o->probe		   ? "probe"
			       : o->choice.rebuild ? "rebuild"
						   : "distro");
	return 0;
}

static int run(void *target, struct err *e)
{
	struct plan_command *o = target;
	struct groundwork ground = { 0 };

	if (check(o, e) < 0)
		return -1;
	if (o->kernels_from) {
		const struct id_plan_options options = {
			.kernels_from = o->kernels_from,
			.module_version = o->module_version,
			.format = o->format,
			.choice = &o->choice,
		};
		return id_plan_print(&options, &o->context, e);
	}
	int code = groundwork_make(&ground, &o->context, &o->choice, o->probe, true, e);
	if (code == 0)
		code = plan_print(&ground.inputs, &ground.plan, o->format, e);
	groundwork_release(&ground);
	return code;
}

int cmd_plan(int argc, char **argv)
{
	struct plan_command o = { 0 };

	int code = context_run(&o.context, &plan_command, argc, argv, &o, NULL, run);
	choice_options_release(&o.choice);
	return code;
}
