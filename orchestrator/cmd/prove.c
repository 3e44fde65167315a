#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "build/events.h"
#include "build/inputs.h"
#include "build/output.h"
#include "cmd/choice_options.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/plan_table.h"
#include "cmd/proof_table.h"
#include "cmd/upstream.h"
#include "prove/report.h"

enum { TIMEOUT_S = 120, TIMEOUT_MOST_S = 3600 };

struct prove_command {
	struct context context;
	struct choice_options choice;
	const char *output, *probe; /* NULL: the default */
	unsigned jobs, timeout_s;
	bool json, again;
};

static int set_output(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct prove_command *)target)->output = value;
	return 0;
}

static int set_probe(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct prove_command *)target)->probe = value;
	return 0;
}

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
	return set_number(value, PROVE_JOBS_MOST, &((struct prove_command *)target)->jobs, e);
}

static int set_timeout(void *target, const char *value, struct err *e)
{
	return set_number(value, TIMEOUT_MOST_S, &((struct prove_command *)target)->timeout_s, e);
}

static int set_json(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct prove_command *)target)->json = true;
	return 0;
}

static int set_again(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct prove_command *)target)->again = true;
	return 0;
}

static const struct option_def prove_options[] = {
	{ "output", "DIR", "where kernel-modules/ is, and proof.json goes [ROOT/container]", set_output },
	{ "probe", "DIR", "the directory of probe.yaml [ROOT/probe]", set_probe },
	{ "jobs", "N", "guests at once [cores]", set_jobs },
	{ "timeout", "SECONDS", "for one guest, from its start to its end [120]", set_timeout },
	{ "again", NULL, "also boot what has been shown before with the same bytes", set_again },
	{ "json", NULL, "print the verdicts as JSON", set_json },
	{ 0 },
};

static const struct option_table prove_tables[] = {
	{ choice_kernel_table, offsetof(struct prove_command, choice) },
	{ prove_options, 0 },
	{ context_mirror_options, offsetof(struct prove_command, context) },
	{ context_bucket_options, offsetof(struct prove_command, context) },
	{ context_options, offsetof(struct prove_command, context) },
	{ 0 },
};

static const struct command_def prove_command = {
	.usage = "orchestrate prove [OPTION]...",
	.summary = "Boot the distribution's own kernel in QEMU with the objects in OUTPUT/kernel-modules: load them, let\n"
		   "something happen, compare what they report, unload them, look into the kernel's log. The verdicts go\n"
		   "into OUTPUT/proof.json. Exit code 5 when an object does not work in its kernel.",
	.tables = prove_tables,
	.epilogue = "Examples:\n"
		    "  orchestrate prove --distro debian --kernel '6.1.*'\n"
		    "  orchestrate prove --probe ../my-module --output out --kind mod",
};

struct proving {
	struct prove_command *o;
	struct inputs inputs;
	struct output *output;
	struct cache *cache;
	struct mirror_table *mirrors;
	struct ledger *ledger;
	struct prove_task *tasks;
	size_t count, objects, with_objects; /* with_objects: tasks that have any */
	struct strv paths;		     /* what the tasks' paths stand in */
	bool *used;			     /* of each --kernel: it matched */
};

static void proving_release(struct proving *p)
{
	free(p->tasks);
	free(p->used);
	strv_release(&p->paths);
	ledger_close(p->ledger);
	mirror_table_free(p->mirrors);
	cache_close(p->cache);
	output_free(p->output);
	inputs_release(&p->inputs);
}

static bool is_chosen(struct proving *p, const char *id)
{
	const struct strv *globs = &p->o->choice.kernels;
	bool chosen = globs->len == 0;

	for (size_t i = 0; i < globs->len; i++)
		if (fnmatch(globs->items[i], id, 0) == 0)
			chosen = p->used[i] = true;
	return chosen;
}

static int find_object(struct proving *p, const char *kernel, enum probe_kind_id kind, struct trial_object *ret, struct err *e)
{
	const char *dir = output_modules_dir(p->output);
	cleanup_free char *name = output_object_name(p->inputs.probe.name, kernel, kind, e);
	cleanup_free char *path = name ? path_join(dir, name, e) : NULL;
	cleanup_free char *marker = output_marker_path(p->output, kernel, kind, e);

	if (!path || !marker)
		return -1;
	int there = path_exists(path, e);
	int unavailable = there == 0 ? path_exists(marker, e) : 0;
	if (there < 0 || unavailable < 0)
		return -1;
	if (!there) {
		ret->absent = unavailable ? "this kernel can't have this kind" : "not built";
		return 0;
	}
	p->objects++;
	ret->path = path;
	return strv_take(&p->paths, steal_ptr(&path), e);
}

static int add_task(struct proving *p, const struct distro *distro, const struct kernel *kernel, const bool kinds[KIND_COUNT],
		    struct err *e)
{
	struct prove_task *task = &p->tasks[p->count++];

	const size_t before = p->objects;

	*task = (struct prove_task){ .distro = distro, .kernel = kernel };
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (kinds[kind] && find_object(p, kernel->id, (enum probe_kind_id)kind, &task->objects[kind], e) < 0)
			return -1;
	p->with_objects += p->objects > before;
	return 0;
}

static int add_tasks(struct proving *p, const bool kinds[KIND_COUNT], struct err *e)
{
	const struct inputs *in = &p->inputs;
	size_t most = 0;

	for (size_t d = 0; d < in->chosen_count; d++)
		most += in->chosen[d].kernels.count;
	p->tasks = calloc(most + 1, sizeof(*p->tasks));
	p->used = calloc(p->o->choice.kernels.len + 1, sizeof(*p->used));
	if (!p->tasks || !p->used)
		return err_no_memory(e);
	for (size_t d = 0; d < in->chosen_count; d++)
		for (size_t i = 0; i < in->chosen[d].kernels.count; i++) {
			const struct kernel *kernel = &in->chosen[d].kernels.kernels[i];
			if (is_chosen(p, kernel->id) && add_task(p, in->chosen[d].distro, kernel, kinds, e) < 0)
				return -1;
		}
	for (size_t i = 0; i < p->o->choice.kernels.len; i++)
		if (!p->used[i])
			return err_set(e, ERR_USAGE, "--kernel '%s' matches none of the listed kernels",
				       p->o->choice.kernels.items[i]);
	if (!p->objects)
		return err_set(e, ERR_USAGE, "'%s' has no object of these kernels; `orchestrate build` makes them",
			       output_modules_dir(p->output));
	return 0;
}

/* A ledger that can't be used costs a warning: everything is booted then. */
static int open_stores(struct proving *p, struct err *e)
{
	struct context *c = &p->o->context;
	cleanup_free char *path = path_join(c->cache_path, "ledger.sqlite", e);
	struct err why;

	if (!path || cache_open(c->cache_path, &c->log, &p->cache, e) < 0 ||
	    context_upstream(c, &p->inputs.distros, p->cache, e) < 0 ||
	    context_mirrors(c, &p->inputs.distros, NULL, &p->mirrors, e) < 0)
		return -1;
	if (ledger_open(path, &p->ledger, &why) < 0)
		log_printf(&c->log, LOG_WARNING, "%s; what is shown now is not remembered", why.message);
	return 0;
}

static int prepare(struct proving *p, const bool kinds[KIND_COUNT], struct err *e)
{
	struct prove_command *o = p->o;
	struct context *c = &o->context;
	const struct inputs_options inputs = { .root = c->root, .probe_dir = o->probe, .distros = &o->choice.distros };
	cleanup_free char *dir = o->output ? str_dup(o->output, e) : path_join(c->root, "container", e);

	if (!dir || inputs_load(&inputs, &c->log, &p->inputs, e) < 0)
		return -1;
	/* The lock: nobody fills the tree while it is read. */
	if (output_open(dir, p->inputs.probe.name, p->inputs.module_version, OUTPUT_READ, &c->log, &p->output, e) < 0)
		return -1;
	return add_tasks(p, kinds, e) < 0 ? -1 : open_stores(p, e);
}

/* The guest's program lies beside this one. */
static char *find_init(struct err *e)
{
	char program[4096];
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program));

	if (len < 0 || (size_t)len == sizeof(program)) {
		err_system(e, len < 0 ? errno : ENAMETOOLONG, "/proc/self/exe");
		return NULL;
	}
	while (len && program[len - 1] != '/')
		len--;
	return str_printf(e, "%.*sguest-init", (int)len, program);
}

static void show(void *context, const struct proof *proof)
{
	struct proving *p = context;
	const enum log_level level = proof->verdict == PROOF_FAILED   ? LOG_ERROR
				     : proof->verdict == PROOF_ABSENT ? LOG_DEBUG
								      : LOG_INFO;

	log_printf(&p->o->context.log, level, "%s %s %s%s%s%s", proof_verdict_name(proof->verdict), proof->kernel,
		   kind_name(proof->kind), proof->reason ? ": " : "", proof->reason ? proof->reason : "",
		   proof->reused ? " (with the same bytes)" : "");
	for (size_t i = 0; proof->verdict == PROOF_FAILED && i < proof->tail.len; i++)
		log_printf(&p->o->context.log, LOG_INFO, "  | %s", proof->tail.items[i]);
}

static void show_begin(void *context, const struct kernel *k)
{
	struct proving *p = context;

	event_send(&p->o->context.listener, &(struct event){ .kind = EVENT_KERNEL_START, .kernel = k->id });
}

static void show_end(void *context, const struct kernel *k)
{
	struct proving *p = context;

	event_send(&p->o->context.listener, &(struct event){ .kind = EVENT_KERNEL_DONE, .kernel = k->id });
}

static unsigned default_jobs(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores > PROVE_JOBS_MOST ? PROVE_JOBS_MOST : (unsigned)cores;
}

static int prove(struct proving *p, const bool kinds[KIND_COUNT], struct proof_set *ret, struct err *e)
{
	struct prove_command *o = p->o;
	cleanup_free char *init = find_init(e);
	struct prove_options options = {
		.events = p->inputs.probe.prove == PROBE_PROVE_EVENTS,
		.again = o->again,
		.jobs = o->jobs ? o->jobs : default_jobs(),
		.timeout_s = o->timeout_s ? o->timeout_s : TIMEOUT_S,
		.init_path = init,
		.cache = p->cache,
		.mirrors = p->mirrors,
		.ledger = p->ledger,
		.log = &o->context.log,
		.cancel = &o->context.cancel,
		.begun = show_begin,
		.done = show,
		.ended = show_end,
		.context = p,
	};

	if (!init)
		return -1;
	memcpy(options.kinds, kinds, sizeof(options.kinds));
	event_send(&o->context.listener, &(struct event){ .kind = EVENT_PLANNED,
							  .total = (unsigned)p->count,
							  .todo = (unsigned)p->with_objects,
							  .text = "prove" });
	return prove_run(&options, p->tasks, p->count, ret, e);
}

static int report(struct proving *p, const struct proof_set *proofs, double seconds, struct err *e)
{
	const char *modules = output_modules_dir(p->output);
	cleanup_free char *path = str_printf(e, "%.*sproof.json", (int)(path_base(modules) - modules), modules);

	if (!path || report_update(path, modules, proofs, e) < 0)
		return -1;
	if (!p->o->json)
		return proof_table_print(proofs, seconds, e);
	json_t *json = report_make(proofs, e);
	return json ? json_print(json, "the verdicts", e) : -1;
}

static int run(void *target, struct err *e)
{
	struct proving p = { .o = target };
	cleanup_proof_set struct proof_set proofs = { 0 };
	const int64_t begun = clock_now_ms();
	bool kinds[KIND_COUNT];

	choice_kinds(&p.o->choice, kinds);
	int rc = prepare(&p, kinds, e);
	if (rc == 0)
		rc = prove(&p, kinds, &proofs, e);
	if (rc == 0)
		rc = report(&p, &proofs, (double)(clock_now_ms() - begun) / 1000, e);
	proving_release(&p);
	return rc < 0 ? -1 : proof_table_exit_code(&proofs);
}

int cmd_prove(int argc, char **argv)
{
	struct prove_command o = { 0 };

	int code = context_run(&o.context, &prove_command, argc, argv, &o, NULL, run);
	choice_options_release(&o.choice);
	return code;
}
