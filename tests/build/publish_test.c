#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/publish.h"
#include "fixture.h"

DEFINE_CLEANUP(output, struct output, output_free)

static void put_artifact(struct artifact_store *store, const struct digest *key, const char *text, struct artifact *ret)
{
	cleanup_of(artifact_draft) struct artifact_draft *draft = NULL;
	struct err e;

	cr_assert_eq(artifact_draft_new(store, key, &draft, &e), 0, "%s", e.message);
	cr_assert_eq(fd_write_all(artifact_draft_fd(draft), text, strlen(text), &e), 0);
	cr_assert_eq(artifact_draft_commit(draft, "{}", ret, &e), 0, "%s", e.message);
}

Test(publish, only_what_is_still_what_was_built)
{
	static const struct {
		const char *bytes; /* written over the stored object of the same size */
		enum verdict verdict;
	} rows[] = { { "good", VERDICT_REUSED }, { "evil", VERDICT_FAILED } };
	static const char *const names[] = { "example", NULL };
	static const char id[] = "6.1.0-1-amd64";
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	cleanup_of(output) struct output *o = NULL;
	const struct listener nobody = { 0 };
	struct artifact artifact = { .fd = -1 };
	char out[160], path[256];
	struct err e;

	checkout_make(&c);
	checkout_load(&c, &in, names);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	snprintf(out, sizeof(out), "%s/out", c.dir.path);
	snprintf(path, sizeof(path), "%s/kernel-modules/example-%s.ko.gz", out, id);
	cr_assert_eq(output_open(out, "example", "1.0.0", OUTPUT_FILL, NULL, &o, &e), 0, "%s", e.message);
	struct job *job = plan_job_of(&plan, id);
	struct task *task = &job->tasks[KIND_MOD];
	put_artifact(p.options.artifacts, &task->key, "good", &artifact);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_assert_eq(chmod(artifact.path, 0644), 0);
		FILE *f = fopen(artifact.path, "r+e");
		cr_assert(f && fputs(rows[i].bytes, f) >= 0 && fclose(f) == 0);
		task_end(task, VERDICT_REUSED, strdup("built before"));
		publish_task(o, p.options.artifacts, &nobody, job, KIND_MOD, NULL);
		cr_expect_eq(task->verdict, rows[i].verdict, "row %zu: %s", i, task->reason);
		cr_expect_eq(access(path, F_OK) == 0, rows[i].verdict == VERDICT_REUSED, "row %zu: nothing older stands for it", i);
	}
	cr_expect_not_null(strstr(task->reason, "damaged"), "%s", task->reason);
	artifact_release(&artifact);
}
