#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "build/captures.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "cmd/gate_objects.h"
#include "cmd/plan_table.h"

enum { THREADS_MOST = 4, JSON_VERSION = 1 };

struct gate_command {
	struct context context;
	struct strv words, kernels;
	const char *probe;
	bool json;
};

static int add_kernel(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct gate_command *)target)->kernels, value, e);
}

static int set_probe(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct gate_command *)target)->probe = value;
	return 0;
}

static int set_json(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct gate_command *)target)->json = true;
	return 0;
}

static const struct option_def gate_options[] = {
	{ "kernel", "ID",
	  "which kernel a FILE is for, where its name does not say\nor says otherwise; of a DIR only these (globs); repeatable [all]",
	  add_kernel },
	{ "probe", "DIR", "the directory of probe.yaml, which says what the objects are called [ROOT/probe]", set_probe },
	{ "json", NULL, "the result as JSON", set_json },
	{ 0 },
};

static const struct option_table gate_tables[] = {
	{ gate_options, 0 },
	{ context_options, offsetof(struct gate_command, context) },
	{ 0 },
};

static const struct command_def gate_command = {
	.usage = "orchestrate gate FILE|DIR... [OPTION]...",
	.summary = "Checks objects (.ko, .o, either with .gz) against the packages of the kernel that each is for: a build's\n"
		   "own checks, for objects that are there already. Of a DIR all objects, called as in the output tree.\n"
		   "The packages must be in the cache. Exit code: 5 when an object has a finding; else 1 when one could not be\n"
		   "checked.",
	.tables = gate_tables,
	.epilogue = "Examples:\n"
		    "  orchestrate gate container/kernel-modules\n"
		    "  orchestrate gate --kernel 6.1.0-56-amd64 collector.ko",
};

/* --- checking --- */

struct gate_run {
	struct gate_command *o;
	struct inputs inputs;
	struct cache *cache; /* NULL: there is none */
	char *module_name;
	struct gate_objects objects;
	size_t failed, unchecked;
};

static const struct kernel *find_kernel(const struct inputs *in, const char *id, const struct distro_inputs **ret_distro)
{
	for (size_t d = 0; d < in->chosen_count; d++)
		for (size_t k = 0; k < in->chosen[d].kernels.count; k++)
			if (strcmp(in->chosen[d].kernels.kernels[k].id, id) == 0) {
				*ret_distro = &in->chosen[d];
				return &in->chosen[d].kernels.kernels[k];
			}
	return NULL;
}

static int check_object(struct gate_run *r, const struct kernel *kernel, int captures_fd, struct gate_object *object, struct err *e)
{
	cleanup_close int fd = file_open(object->path, e);
	const struct result_expect expect = {
		.release = kernel->release,
		.elf_machine = kernel->arch->elf_machine,
		.module_name = r->module_name,
		.capture_fds = &captures_fd,
		.capture_count = 1,
	};
	const struct object_file file = { .fd = fd, .gzip = object->gzip, .kind = object->kind };
	int64_t started = clock_now_ms();

	if (fd < 0 || object_file_check(NULL, &file, &expect, &object->report, &r->o->context.cancel, e) < 0)
		return -1;
	object->ms = (double)(clock_now_ms() - started);
	object->checked = true;
	return 0;
}

/* All objects of one kernel. What can't be checked is no reason to leave the others unchecked. */
static int check_kernel(struct gate_run *r, struct gate_object *objects, size_t count, struct err *e)
{
	const struct distro_inputs *distro = NULL;
	const struct kernel *kernel = find_kernel(&r->inputs, objects[0].kernel, &distro);
	const struct cancel *cancel = &r->o->context.cancel;
	cleanup_close int captures_fd = -1;
	struct err why;

	int rc =
		kernel ? captures_take(r->cache, r->o->context.cache_path, distro, kernel, THREADS_MOST, cancel, &captures_fd, &why)
		       : err_set(&why, ERR_NOT_FOUND,
				 objects[0].kernel[0] ? "no list has this kernel" : "its name does not say for which kernel it is");
	for (size_t i = 0; i < count; i++) {
		if (cancel_check(cancel, e) < 0)
			return -1;
		if (rc == 0 && check_object(r, kernel, captures_fd, &objects[i], &why) == 0) {
			r->failed += objects[i].report.finding_count > 0;
			continue;
		}
		r->unchecked++;
		objects[i].reason = str_dup(why.message, e);
		if (!objects[i].reason)
			return -1;
	}
	return 0;
}

/* --- what came of it --- */

static const char *state_of(const struct gate_object *o)
{
	return !o->checked ? "unchecked" : o->report.finding_count ? "failed" : "passed";
}

static void print_object(const struct gate_object *o)
{
	printf("%-9s %s %s %s", state_of(o), o->kernel[0] ? o->kernel : "?", kind_name(o->kind), o->path);
	if (o->reason)
		printf(": %s", o->reason);
	putchar('\n');
	for (size_t i = 0; i < o->report.finding_count; i++) {
		const struct finding *f = &o->report.findings[i];
		printf("  %s: expected %s, found %s\n", f->what, f->expected, f->found);
	}
	fflush(stdout);
}

/* Names of files, and what is said of them, need not be UTF-8, which JSON is. NULL stays NULL. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);

	return json || !text ? json : json_string("?");
}

static json_t *object_json(const struct gate_object *o)
{
	json_t *findings = json_array();

	for (size_t i = 0; i < o->report.finding_count; i++) {
		const struct finding *f = &o->report.findings[i];
		json_array_append_new(findings,
				      json_pack("{s:s, s:s, s:s}", "what", f->what, "expected", f->expected, "found", f->found));
	}
	return json_pack("{s:o, s:o, s:s, s:s, s:o*, s:f, s:s, s:o}", "file", text_json(o->path), "kernel", text_json(o->kernel),
			 "kind", kind_name(o->kind), "state", state_of(o), "reason", text_json(o->reason), "ms", o->ms, "vermagic",
			 o->report.vermagic, "findings", findings);
}

static int print_json(const struct gate_run *r, struct err *e)
{
	json_t *objects = json_array();

	for (size_t i = 0; i < r->objects.count; i++)
		json_array_append_new(objects, object_json(&r->objects.items[i]));
	json_t *root = json_pack("{s:i, s:I, s:I, s:I, s:o}", "v", JSON_VERSION, "passed",
				 (json_int_t)(r->objects.count - r->failed - r->unchecked), "failed", (json_int_t)r->failed,
				 "unchecked", (json_int_t)r->unchecked, "objects", objects);
	return root ? json_print(root, "the result", e) : err_no_memory(e);
}

static void show_progress(const struct gate_run *r, size_t done)
{
	struct event event = { .kind = EVENT_FETCH, .name = "gate" };

	for (size_t i = 0; i < r->objects.count; i++) {
		event.bytes_total += r->objects.items[i].bytes;
		event.bytes_done += i < done ? r->objects.items[i].bytes : 0;
	}
	event.total = (unsigned)r->objects.count;
	event.todo = (unsigned)(r->objects.count - done);
	event_send(&r->o->context.listener, &event);
}

static int check_all(struct gate_run *r, struct err *e)
{
	struct gate_objects *all = &r->objects;

	for (size_t i = 0, next; i < all->count; i = next) {
		for (next = i + 1; next < all->count && strcmp(all->items[next].kernel, all->items[i].kernel) == 0;)
			next++;
		show_progress(r, i);
		if (check_kernel(r, &all->items[i], next - i, e) < 0)
			return -1;
		for (size_t k = i; k < next && !r->o->json; k++)
			print_object(&all->items[k]);
	}
	return cancel_check(&r->o->context.cancel, e);
}

static int report(struct gate_run *r, double seconds, struct err *e)
{
	double ms = 0;

	for (size_t i = 0; i < r->objects.count; i++)
		ms += r->objects.items[i].ms;
	if (r->o->json && print_json(r, e) < 0)
		return -1;
	log_printf(&r->o->context.log, LOG_INFO, "%zu objects: %zu passed, %zu failed, %zu unchecked; %.1f s, %.1f ms an object",
		   r->objects.count, r->objects.count - r->failed - r->unchecked, r->failed, r->unchecked, seconds,
		   r->objects.count > r->unchecked ? ms / (double)(r->objects.count - r->unchecked) : 0.0);
	return r->failed ? EXIT_CHECK : r->unchecked ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}

/* Nothing is made on disk: where there is no cache there are no packages either. */
static int open_cache(struct gate_run *r, struct err *e)
{
	struct context *c = &r->o->context;
	cleanup_free char *packages = path_join(c->cache_path, "packages", e);
	int there = packages ? path_exists(packages, e) : -1;

	if (there <= 0)
		return there;
	return cache_open(c->cache_path, &c->log, &r->cache, e);
}

static int run_gate(struct gate_run *r, struct err *e)
{
	struct gate_command *o = r->o;
	const struct strv all = { 0 };
	const struct inputs_options inputs = { .root = o->context.root, .probe_dir = o->probe, .distros = &all };
	int64_t started = clock_now_ms();

	if (!o->words.len)
		return err_set(e, ERR_USAGE, "which objects? expected FILE or DIR");
	if (inputs_load(&inputs, &o->context.log, &r->inputs, e) < 0 ||
	    gate_objects_find(&o->words, &o->kernels, r->inputs.probe.name, &r->objects, e) < 0 || open_cache(r, e) < 0)
		return -1;
	r->module_name = captures_module_name(&r->inputs.probe);
	if (check_all(r, e) < 0)
		return -1;
	return report(r, (double)(clock_now_ms() - started) / 1000, e);
}

static int run(void *target, struct err *e)
{
	struct gate_run r = { .o = target };
	int code = run_gate(&r, e);

	gate_objects_release(&r.objects);
	inputs_release(&r.inputs);
	cache_close(r.cache);
	free(r.module_name);
	return code;
}

int cmd_gate(int argc, char **argv)
{
	struct gate_command o = { 0 };
	int code = context_run(&o.context, &gate_command, argc, argv, &o, &o.words, run);

	strv_release(&o.words);
	strv_release(&o.kernels);
	return code;
}
