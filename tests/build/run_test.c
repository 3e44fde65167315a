#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/run.h"
#include "fixture.h"

DEFINE_CLEANUP(output, struct output, output_free)

/* What a listener heard, counted. */
struct heard {
	pthread_mutex_t lock;
	unsigned tasks_done, verdicts[VERDICT_COUNT];
	char reason[256], log[256];
};

static void hear(void *context, const struct event *event)
{
	struct heard *h = context;

	if (event->kind != EVENT_TASK_DONE)
		return;
	pthread_mutex_lock(&h->lock);
	h->tasks_done++;
	h->verdicts[event->verdict]++;
	if (event->failed) {
		snprintf(h->reason, sizeof(h->reason), "%s", event->text);
		snprintf(h->log, sizeof(h->log), "%s", event->path);
	}
	pthread_mutex_unlock(&h->lock);
}

/* A run on the checkout that gets as far as it can without an engine. */
struct stage {
	struct checkout checkout;
	struct inputs in;
	struct planner planner;
	struct plan plan;
	struct output *output;
	struct heard heard;
	struct listener listener;
	struct cancel cancel;
	char out[160];
};

static void stage_make(struct stage *s, const char *kernels)
{
	static const char *const names[] = { "example", NULL };
	struct err e;

	memset(s, 0, sizeof(*s));
	checkout_make(&s->checkout);
	/* Nobody listens there, so that fetching fails at once. */
	checkout_write(&s->checkout, "supported-kernels/example.txt",
		       "http://127.0.0.1:1/c-3.9.0-1_3.9.1-1.deb\nhttp://127.0.0.1:1/c-6.1.0-1_6.1.4-1.deb\n"
		       "http://127.0.0.1:1/h-3.9.0-1-amd64_3.9.1-1.deb\nhttp://127.0.0.1:1/h-6.1.0-1-amd64_6.1.4-1.deb\n");
	checkout_write(&s->checkout, "supported-kernels/example.digests", "");
	checkout_load(&s->checkout, &s->in, names);
	planner_open(&s->planner, &s->checkout, &s->in);
	cr_assert_eq(strv_add(&s->planner.kernels, kernels, &e), 0);
	planner_make(&s->planner, &s->in, &s->plan);
	snprintf(s->out, sizeof(s->out), "%s/container", s->checkout.root);
	cr_assert_eq(output_open(s->out, "example", s->in.module_version, OUTPUT_FILL, NULL, &s->output, &e), 0, "%s", e.message);
	pthread_mutex_init(&s->heard.lock, NULL);
	s->listener = (struct listener){ hear, &s->heard };
	cr_assert_eq(cancel_init(&s->cancel, &e), 0);
}

static void stage_release(struct stage *s)
{
	cancel_release(&s->cancel);
	output_free(s->output);
	plan_release(&s->plan);
	planner_close(&s->planner);
	inputs_release(&s->in);
	checkout_remove(&s->checkout);
}

#define cleanup_stage __attribute__((cleanup(stage_release)))

static int stage_run(struct stage *s, struct err *e)
{
	const struct run_options options = {
		.inputs = &s->in,
		.plan = &s->planner.options,
		.output = s->output,
		.jobs = 2,
		.make_jobs = 1,
		.threads = 1,
		.timeout_s = 10,
		.log = &s->checkout.log,
		.listener = &s->listener,
		.cancel = &s->cancel,
	};

	return run_plan(&options, &s->plan, e);
}

static int is_there(struct stage *s, const char *name)
{
	char path[512];
	struct err e;

	snprintf(path, sizeof(path), "%s/%s", s->out, name);
	return path_exists(path, &e);
}

Test(run, marks_what_a_kernel_cannot_have)
{
	cleanup_stage struct stage s;
	struct run_counts counts;
	struct err e;

	stage_make(&s, "3.9.*");
	cr_assert_eq(stage_run(&s, &e), 0, "%s", e.message);
	cr_expect_eq(is_there(&s, "kernel-modules/.example-3.9.0-1-amd64.unavail"), 1);
	cr_expect_eq(is_there(&s, "kernel-modules/.example-ebpf-3.9.0-1-amd64.unavail"), 1);
	cr_expect_eq(is_there(&s, "kernel-modules/MODULE_VERSION.txt"), 1);
	run_count(&s.plan, &counts);
	cr_expect_eq(counts.verdicts[VERDICT_UNAVAILABLE], 2);
	cr_expect_eq(s.heard.tasks_done, 2);
	cr_expect_eq(s.heard.verdicts[VERDICT_UNAVAILABLE], 2);
}

Test(run, a_package_that_cannot_be_had_fails_its_kernel_only, .timeout = 60)
{
	cleanup_stage struct stage s;
	struct run_counts counts;
	struct err e;

	stage_make(&s, "*");
	cr_assert_eq(stage_run(&s, &e), 0, "%s", e.message);
	run_count(&s.plan, &counts);
	cr_expect_eq(counts.verdicts[VERDICT_UNAVAILABLE], 2);
	cr_expect_eq(counts.verdicts[VERDICT_FAILED], 2);
	cr_expect_eq(s.heard.tasks_done, 4, "each task ends once");
	cr_expect_not_null(strstr(s.heard.reason, ".deb"), "the package is named: %s", s.heard.reason);
	cleanup_free char *text = read_all(s.heard.log);
	cr_expect_not_null(strstr(text, "6.1.0-1-amd64"), "%s", text);
	cr_expect_not_null(strstr(text, s.heard.reason), "%s", text);
	cr_expect_eq(is_there(&s, "failures/6.1.0-1-amd64/1.2.0-rc1/mod.log"), 1);
	cr_expect_eq(is_there(&s, "failures/6.1.0-1-amd64/1.2.0-rc1/bpf.log"), 1);
}

Test(run, an_old_object_does_not_stand_for_what_failed, .timeout = 60)
{
	cleanup_stage struct stage s;
	char path[512];
	struct err e;

	stage_make(&s, "6.1.*");
	snprintf(path, sizeof(path), "%s/kernel-modules/example-6.1.0-1-amd64.ko.gz", s.out);
	write_all(path, "of an earlier run");
	cr_assert_eq(stage_run(&s, &e), 0, "%s", e.message);
	cr_expect_eq(path_exists(path, &e), 0);
}

Test(run, a_cancelled_run_says_which_version_its_tree_is_of, .timeout = 60)
{
	cleanup_stage struct stage s;
	struct err e;

	stage_make(&s, "6.1.*");
	cancel_set(&s.cancel);
	cr_expect_eq(stage_run(&s, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED, "%s", e.message);
	cr_expect_eq(is_there(&s, "kernel-modules/MODULE_VERSION.txt"), 1);
	cr_expect_eq(is_there(&s, "failures/6.1.0-1-amd64"), 0, "to be cancelled is no failure of a kernel");
	cr_expect_eq(s.plan.jobs[0].tasks[KIND_MOD].verdict, VERDICT_PLANNED);
}
