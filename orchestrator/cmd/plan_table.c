#include "cmd/plan_table.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/run.h"
#include "cmd/cmd.h"

static const char *const format_names[] = { [PLAN_TABLE] = "table", [PLAN_JSON] = "json", [PLAN_COUNT] = "count" };
static const char *const fit_names[] = { [TOOLCHAIN_EXACT] = "exact", [TOOLCHAIN_NEWER] = "newer", [TOOLCHAIN_OLDER] = "older" };

int plan_format_parse(const char *name, enum plan_format *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(format_names); i++)
		if (strcmp(format_names[i], name) == 0) {
			*ret = (enum plan_format)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "expected table, json or count, found '%s'", name);
}

/* Where the toolchain's choice comes from. */
static const char *choice_source(const struct job *job)
{
	return job->has_facts ? "its .config" : "expected";
}

static void print_wanted(const struct job *job)
{
	char text[24] = "-";

	if (job->wanted_gcc)
		snprintf(text, sizeof(text), "gcc %d", job->wanted_gcc);
	else if (job->wanted_clang)
		snprintf(text, sizeof(text), "clang %d", job->wanted_clang);
	printf("%-8s ", text);
}

/* Why it is as it is: the verdict's own reason, then that of the toolchain's choice. */
static void print_why(const struct job *job, const struct task *task)
{
	bool chosen = task->verdict == VERDICT_PLANNED || task->verdict == VERDICT_REUSED;

	if (task->reason)
		printf("%s%s", task->reason, chosen ? "; " : "");
	if (chosen && job->has_choice)
		printf("%s (%s)", job->choice.why, choice_source(job));
	else if (chosen && job->missing)
		printf("%s (%s); its packages will say", job->missing, choice_source(job));
	else if (chosen)
		printf("the toolchain is chosen when its packages are there");
	if (chosen && !job->kernel->release[0])
		printf("; its release is told by its packages");
}

static void print_row(const struct job *job)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct task *task = &job->tasks[kind];
		if (!task->wanted)
			continue;
		printf("%-34s %-3s %-11s ", job->kernel->id, kind_name((enum probe_kind_id)kind), verdict_name(task->verdict));
		print_wanted(job);
		printf("%-8s ", job->has_choice ? job->choice.recipe->name : "-");
		print_why(job, task);
		putchar('\n');
	}
}

json_t *block_rule_json(const struct block_list *list, const struct block_rule *rule)
{
	json_t *object = json_object();

	json_object_set_new(object, "file", json_string(block_list_name(list)));
	json_object_set_new(object, "line", json_integer(rule->line));
	json_object_set_new(object, "rule", json_string(rule->text));
	if (rule->reason)
		json_object_set_new(object, "reason", json_string(rule->reason));
	if (rule->expires)
		json_object_set_new(object, "expires", json_string(rule->expires));
	return object;
}

json_t *block_list_json(const struct block_list *list)
{
	json_t *array = json_array();
	size_t count;
	const struct block_rule *rules = block_list_rules(list, &count);

	for (size_t i = 0; i < count; i++) {
		json_t *object = block_rule_json(list, &rules[i]);
		json_object_set_new(object, "kernels", json_integer(rules[i].kernels));
		json_object_set_new(object, "hits", json_integer(rules[i].hits));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *task_json(const struct inputs *in, const struct job *job, enum probe_kind_id kind)
{
	const struct task *task = &job->tasks[kind];
	json_t *object = json_object();

	json_object_set_new(object, "kind", json_string(kind_name(kind)));
	json_object_set_new(object, "verdict", json_string(verdict_name(task->verdict)));
	if (task->reason)
		json_object_set_new(object, "reason", json_string(task->reason));
	if (task->rule)
		json_object_set_new(object, "blocked_by", block_rule_json(in->block_list, task->rule));
	if (task->has_key) {
		char hex[DIGEST_HEX + 1];
		digest_hex(&task->key, hex);
		json_object_set_new(object, "key", json_string(hex));
	}
	return object;
}

static json_t *wanted_json(const struct job *job)
{
	json_t *object = json_object();

	if (job->wanted_gcc)
		json_object_set_new(object, "gcc", json_integer(job->wanted_gcc));
	if (job->wanted_clang)
		json_object_set_new(object, "clang", json_integer(job->wanted_clang));
	if (job->has_facts && job->facts.glibc[0])
		json_object_set_new(object, "glibc", json_string(job->facts.glibc));
	return object;
}

static json_t *job_json(const struct inputs *in, const struct job *job)
{
	json_t *object = json_object(), *tasks = json_array(), *packages = json_array();

	json_object_set_new(object, "kernel", json_string(job->kernel->id));
	json_object_set_new(object, "release", json_string(job->kernel->release));
	if (job_listed(job) != job->kernel)
		json_object_set_new(object, "listed", json_string(job_listed(job)->id));
	json_object_set_new(object, "distro", json_string(job->distro->distro->name));
	json_object_set_new(object, "wanted", wanted_json(job));
	if (job->has_choice) {
		json_object_set_new(object, "toolchain", json_string(job->choice.recipe->name));
		json_object_set_new(object, "fit", json_string(fit_names[job->choice.fit]));
		json_object_set_new(object, "why", json_string(job->choice.why));
		json_object_set_new(object, "source", json_string(choice_source(job)));
	}
	if (job->missing)
		json_object_set_new(object, "missing", json_string(job->missing));
	for (size_t i = 0; i < job->kernel->package_count; i++)
		json_array_append_new(packages, json_string(job->kernel->packages[i].url));
	json_object_set_new(object, "packages", packages);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted)
			json_array_append_new(tasks, task_json(in, job, (enum probe_kind_id)kind));
	json_object_set_new(object, "tasks", tasks);
	return object;
}

int json_print(json_t *object, const char *what, struct err *e)
{
	int rc = json_dumpf(object, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);

	json_decref(object);
	if (rc < 0)
		return err_set(e, ERR_SYSTEM, "writing %s failed", what);
	putchar('\n');
	return 0;
}

static int print_json(const struct inputs *in, const struct plan *plan, struct err *e)
{
	json_t *object = json_object(), *kernels = json_array();

	json_object_set_new(object, "v", json_integer(1));
	json_object_set_new(object, "probe", json_string(in->probe.name));
	json_object_set_new(object, "module_version", json_string(in->module_version));
	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(kernels, job_json(in, &plan->jobs[i]));
	json_object_set_new(object, "kernels", kernels);
	json_object_set_new(object, "block_list", block_list_json(in->block_list));
	return json_print(object, "the plan", e);
}

void plan_print_sum(size_t kernels, const unsigned verdicts[VERDICT_COUNT])
{
	printf("%zu kernels:", kernels);
	unsigned sum = 0;
	for (int v = 0; v < VERDICT_COUNT; v++) {
		sum += verdicts[v];
		if (verdicts[v])
			printf(" %u %s", verdicts[v], verdict_name((enum verdict)v));
	}
	puts(sum ? "" : " nothing");
}

int plan_print(const struct inputs *in, const struct plan *plan, enum plan_format format, struct err *e)
{
	struct run_counts counts;

	run_count(plan, &counts);
	switch (format) {
	case PLAN_JSON:
		if (print_json(in, plan, e) < 0)
			return -1;
		break;
	case PLAN_COUNT:
		printf("%u\n", counts.verdicts[VERDICT_PLANNED] + counts.verdicts[VERDICT_REUSED]);
		break;
	default:
		for (size_t i = 0; i < plan->count; i++)
			print_row(&plan->jobs[i]);
		plan_print_sum(plan->count, counts.verdicts);
	}
	if (fflush(stdout) != 0)
		return err_set(e, ERR_SYSTEM, "writing the plan failed");
	return counts.verdicts[VERDICT_FAILED] ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}
