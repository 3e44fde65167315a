#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "build/base_image.h"
#include "build/run.h"
#include "cmd/choice_options.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/groundwork.h"
#include "cmd/image_options.h"
#include "cmd/plan_table.h"
#include "engine/engine.h"
#include "engine/sweep.h"

enum { JOBS_MOST = 256, THREADS_MOST = 4, TIMEOUT_S = 900 };

struct build_options {
	struct context context;
	struct image_options image;
	struct choice_options choice;
	bool dry_run, json, no_image;
	unsigned jobs, timeout_s;
};

static int set_number(const char *value, unsigned most, unsigned *ret, struct err *e)
{
	unsigned long long number;

	if (str_to_u64(value, most, &number, e) < 0)
		return -1;
	if (number == 0)
		return err_set(e, ERR_USAGE, "expected at least 1");
	*ret = (unsigned)number;
	return 0;
}

static int set_jobs(void *target, const char *value, struct err *e)
{
	return set_number(value, JOBS_MOST, &((struct build_options *)target)->jobs, e);
}

static int set_timeout(void *target, const char *value, struct err *e)
{
	return set_number(value, 86400, &((struct build_options *)target)->timeout_s, e);
}

static int set_dry_run(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct build_options *)target)->dry_run = true;
	return 0;
}

static int set_json(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct build_options *)target)->json = true;
	return 0;
}

static int set_no_image(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct build_options *)target)->no_image = true;
	return 0;
}

static const struct option_def build_options[] = {
	{ "jobs", "N", "kernels at once [cores + 1]", set_jobs },
	{ "timeout", "SECONDS", "for one kernel in the builder [900]", set_timeout },
	{ "dry-run", NULL, "say what would be built, with which toolchain and why; change nothing", set_dry_run },
	{ "json", NULL, "the plan of --dry-run as JSON", set_json },
	{ "no-image", NULL, "stop when the output tree is filled", set_no_image },
	{ 0 },
};

static const struct option_table build_tables[] = {
	{ choice_kernel_table, offsetof(struct build_options, choice) },
	{ choice_option_table, offsetof(struct build_options, choice) },
	{ build_options, 0 },
	{ image_option_table, offsetof(struct build_options, image) },
	{ context_engine_options, offsetof(struct build_options, context) },
	{ context_mirror_options, offsetof(struct build_options, context) },
	{ context_bucket_options, offsetof(struct build_options, context) },
	{ context_options, offsetof(struct build_options, context) },
	{ 0 },
};

static const struct command_def build_command = {
	.usage = "orchestrate [build] [OPTION]...",
	.summary = "Build what is missing for every listed kernel, collect it in OUTPUT/kernel-modules, and load it\n"
		   "into the engine as <probe>-base:<version> and :latest.",
	.tables = build_tables,
	.epilogue = "Examples:\n"
		    "  orchestrate --distro debian --kernel '6.1.*' --kind bpf\n"
		    "  orchestrate --dry-run --json\n"
		    "  orchestrate --probe ../my-module --output /tmp/out",
};

struct build {
	struct build_options *o;
	struct groundwork ground;
	struct output *output;
};

static int prepare(struct build *b, struct err *e)
{
	struct build_options *o = b->o;

	if (groundwork_make(&b->ground, &o->context, &o->choice, o->image.probe, o->dry_run, e) < 0)
		return -1;
	return base_image_check(o->image.base, o->image.archive, b->ground.engine, e);
}

static void announce(struct build *b)
{
	struct event event = { .kind = EVENT_PLANNED, .total = (unsigned)b->ground.plan.count };

	for (size_t i = 0; i < b->ground.plan.count; i++)
		event.todo += job_has_work(&b->ground.plan.jobs[i]);
	event_send(&b->o->context.listener, &event);
}

/* One more than there are cores, so that while one kernel waits (for the engine, a disk, the last compiler of a make) others
 * compile. */
static unsigned default_jobs(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 2 : (unsigned)(cores < JOBS_MOST ? cores + 1 : JOBS_MOST);
}

/* Per kernel: threads that decode beside other kernels' compilers only get in their way. */
static unsigned decoding_threads(const struct build *b, unsigned jobs)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned busy = 0;

	for (size_t i = 0; i < b->ground.plan.count && busy < jobs; i++)
		busy += job_has_work(&b->ground.plan.jobs[i]);
	unsigned threads = cores > 0 && busy ? (unsigned)cores / busy : 1;
	return threads < 1 ? 1 : threads > THREADS_MOST ? THREADS_MOST : threads;
}

static int run(struct build *b, struct err *e)
{
	struct build_options *o = b->o;
	struct context *c = &o->context;
	size_t swept = 0;

	cleanup_free char *output = image_output_dir(&o->image, c, e);
	if (!output || output_open(output, b->ground.inputs.probe.name, b->ground.inputs.module_version, OUTPUT_FILL, &c->log,
				   &b->output, e) < 0)
		return -1;
	if (engine_sweep(b->ground.engine, &swept, e) < 0)
		return -1;
	if (swept)
		log_printf(&c->log, LOG_INFO, "removed %zu container%s that a killed run had left", swept, swept == 1 ? "" : "s");
	const unsigned jobs = o->jobs ? o->jobs : default_jobs();
	const struct run_options options = {
		.inputs = &b->ground.inputs,
		.plan = &b->ground.plan_options,
		.engine = b->ground.engine,
		.mirrors = b->ground.mirrors,
		.output = b->output,
		.jobs = jobs,
		.make_jobs = 1,
		.threads = decoding_threads(b, jobs),
		.timeout_s = o->timeout_s ? o->timeout_s : TIMEOUT_S,
		.log = &c->log,
		.listener = &c->listener,
		.cancel = &c->cancel,
	};
	announce(b);
	return run_plan(&options, &b->ground.plan, e);
}

static int make_image(struct build *b, struct err *e)
{
	struct context *c = &b->o->context;
	const struct base_image_options options = {
		.modules_dir = output_modules_dir(b->output),
		.probe_name = b->ground.inputs.probe.name,
		.module_version = b->ground.inputs.module_version,
		.cache_dir = c->cache_path,
		.architecture = b->ground.inputs.chosen_count ? b->ground.inputs.chosen[0].distro->arch->oci
							      : engine_info(b->ground.engine)->arch,
		.base = b->o->image.base,
		.archive = b->o->image.archive,
		.engine = b->ground.engine,
		.epoch = image_epoch(),
		.log = &c->log,
		.listener = &c->listener,
	};

	return image_make_and_print(&options, e);
}

static int build_and_load(struct build *b, struct err *e)
{
	struct context *c = &b->o->context;
	int64_t started = clock_now_ms();
	struct run_counts counts;

	if (run(b, e) < 0) {
		/* What failed before the user stopped it is worth knowing too. */
		if (e->kind == ERR_CANCELLED)
			progress_summary(c->progress, (double)(clock_now_ms() - started) / 1000);
		return -1;
	}
	run_count(&b->ground.plan, &counts);
	bool empty = counts.verdicts[VERDICT_FAILED] && !counts.verdicts[VERDICT_BUILT] && !counts.verdicts[VERDICT_REUSED];
	if (empty && !b->o->no_image)
		log_printf(&c->log, LOG_WARNING, "no image: nothing could be built; the one loaded before stays as it is");
	int result = b->o->no_image || empty ? 0 : make_image(b, e);
	/* "Nothing was built" is not what this is. */
	if (result < 0 && exit_code_of(e) == EXIT_USAGE)
		e->kind = ERR_FAILED;
	progress_summary(c->progress, (double)(clock_now_ms() - started) / 1000);
	if (result < 0)
		return -1;
	if (counts.verdicts[VERDICT_FAILED])
		return EXIT_KERNEL_FAILED;
	return EXIT_GOOD;
}

static int run_command(void *target, struct err *e)
{
	struct build_options *o = target;
	struct build b = { .o = o };

	if (o->json && !o->dry_run)
		return err_set(e, ERR_USAGE, "--json goes with --dry-run");
	int code = prepare(&b, e);
	if (code == 0)
		code = o->dry_run ? plan_print(&b.ground.inputs, &b.ground.plan, o->json ? PLAN_JSON : PLAN_TABLE, e)
				  : build_and_load(&b, e);
	output_free(b.output);
	groundwork_release(&b.ground);
	return code;
}

int cmd_build(int argc, char **argv)
{
	struct build_options o = { 0 };

	int code = context_run(&o.context, &build_command, argc, argv, &o, NULL, run_command);
	choice_options_release(&o.choice);
	return code;
}
