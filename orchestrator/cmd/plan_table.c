#include "cmd/plan_table.h"

#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "build/run.h"
#include "cmd/cmd.h"

/* Where the toolchain's choice comes from. */
static const char *choice_source(const struct job *job)
{
	return job->has_facts ? "its .config" : "expected";
}

static void print_row(const struct job *job)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct task *task = &job->tasks[kind];
		if (!task->wanted)
			continue;
		printf("%-34s %-3s %-11s %-8s %s", job->kernel->id, kind_name((enum probe_kind_id)kind),
		       verdict_name(task->verdict), job->has_choice ? job->choice.recipe->name : "-",
		       task->reason ? task->reason : "");
		if (!task->reason && job->has_choice)
			printf("%s (%s)", job->choice.why, choice_source(job));
		else if (!task->reason)
			printf("the toolchain is chosen when its packages are there");
		putchar('\n');
	}
}

static json_t *task_json(const struct job *job, enum probe_kind_id kind)
{
	const struct task *task = &job->tasks[kind];
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(kind_name(kind)));
	json_object_set_new(object, "verdict", json_string(verdict_name(task->verdict)));
	if (task->reason)
		json_object_set_new(object, "reason", json_string(task->reason));
	if (task->has_key) {
		char hex[DIGEST_HEX + 1];
		digest_hex(&task->key, hex);
		json_object_set_new(object, "key", json_string(hex));
	}
	return object;
}

static json_t *job_json(const struct job *job)
{
	json_t *object = json_object(), *tasks = json_array(), *packages = json_array();

	json_object_set_new(object, "kernel", json_string(job->kernel->id));
	json_object_set_new(object, "release", json_string(job->kernel->release));
	json_object_set_new(object, "distro", json_string(job->distro->distro->name));
	if (job->has_choice) {
		json_object_set_new(object, "toolchain", json_string(job->choice.recipe->name));
		json_object_set_new(object, "why", json_string(job->choice.why));
		json_object_set_new(object, "source", json_string(choice_source(job)));
	}
	for (size_t i = 0; i < job->kernel->package_count; i++)
		json_array_append_new(packages, json_string(job->kernel->packages[i].url));
	json_object_set_new(object, "packages", packages);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted)
			json_array_append_new(tasks, task_json(job, (enum probe_kind_id)kind));
	json_object_set_new(object, "tasks", tasks);
	return object;
}

static int print_json(const struct inputs *in, const struct plan *plan, struct err *e)
{
	json_t *object = json_object(), *kernels = json_array();

	json_object_set_new(object, "v", json_integer(1));
	json_object_set_new(object, "probe", json_string(in->probe.name));
	json_object_set_new(object, "module_version", json_string(in->module_version));
	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(kernels, job_json(&plan->jobs[i]));
	json_object_set_new(object, "kernels", kernels);
	int rc = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, "writing the plan failed");
	putchar('\n');
	return 0;
}

int plan_print(const struct inputs *in, const struct plan *plan, bool json, struct err *e)
{
	struct run_counts counts;

	run_count(plan, &counts);
	if (json && print_json(in, plan, e) < 0)
		return -1;
	for (size_t i = 0; !json && i < plan->count; i++)
		print_row(&plan->jobs[i]);
	if (!json) {
		printf("%zu kernels:", plan->count);
		for (int v = 0; v < VERDICT_COUNT; v++)
			if (counts.verdicts[v])
				printf(" %u %s", counts.verdicts[v], verdict_name((enum verdict)v));
		putchar('\n');
	}
	if (fflush(stdout) != 0)
		return err_set(e, ERR_SYSTEM, "writing the plan failed");
	return counts.verdicts[VERDICT_FAILED] ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}
