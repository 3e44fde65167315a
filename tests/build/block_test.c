#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/publish.h"
#include "build/run.h"
#include "fixture.h"

DEFINE_CLEANUP(output, struct output, output_free)

static const char *const example[] = { "example", NULL };

Test(block, what_is_blocked_is_not_built)
{
	static const struct {
		const char *kernel;
		enum verdict verdicts[KIND_COUNT];
		const char *reason; /* of mod */
	} rows[] = {
		/* Below every floor, but the user's word comes first. */
		{ "3.9.0-1-amd64", { VERDICT_BLOCKED, VERDICT_BLOCKED }, "BLOCKLIST:1: 3.9.* (too old)" },
		{ "4.9.0-1-amd64", { VERDICT_PLANNED, VERDICT_UNAVAILABLE }, NULL },
		{ "5.10.0-1-amd64", { VERDICT_BLOCKED, VERDICT_PLANNED }, "BLOCKLIST:2: ~5\\..* 1.2.0-rc1 mod" },
		{ "6.1.0-1-amd64", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL },
		{ "6.1.0-1-cloud-amd64", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL },
	};
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	struct run_counts counts;
	unsigned sum = 0;

	checkout_make(&c);
	checkout_write(&c, "supported-kernels/BLOCKLIST", "3.9.*  # reason: too old\n~5\\..* 1.2.0-rc1 mod\n~6\\..* 1.2.0 mod\n");
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	cr_assert_eq(plan.count, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct job *job = plan_job_of(&plan, rows[i].kernel);
		const struct task *mod = &job->tasks[KIND_MOD];
		for (int kind = 0; kind < KIND_COUNT; kind++)
			cr_expect_eq(job->tasks[kind].verdict, rows[i].verdicts[kind], "%s %d", rows[i].kernel, kind);
		cr_expect_eq(mod->rule != NULL, rows[i].reason != NULL, "%s", rows[i].kernel);
		if (rows[i].reason)
			cr_expect_str_eq(mod->reason, rows[i].reason);
	}
	cr_expect_not(job_has_work(plan_job_of(&plan, "3.9.0-1-amd64")), "no container for it");
	cr_expect(job_has_work(plan_job_of(&plan, "5.10.0-1-amd64")), "the other kind is built");
	run_count(&plan, &counts);
	for (int v = 0; v < VERDICT_COUNT; v++)
		sum += counts.verdicts[v];
	cr_expect_eq(counts.verdicts[VERDICT_BLOCKED], 3);
	cr_expect_eq(sum, 2 * plan.count, "the verdicts add up");
}

Test(block, what_is_blocked_has_no_file)
{
	static const char id[] = "3.9.0-1-amd64";
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	cleanup_of(output) struct output *o = NULL;
	const struct listener nobody = { 0 };
	char out[160], marker[256];
	struct err e;

	checkout_make(&c);
	checkout_write(&c, "supported-kernels/BLOCKLIST", "3.9.*\n");
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	snprintf(out, sizeof(out), "%s/out", c.dir.path);
	snprintf(marker, sizeof(marker), "%s/kernel-modules/.example-%s.unavail", out, id);
	cr_assert_eq(output_open(out, "example", "1.2.0-rc1", OUTPUT_FILL, NULL, &o, &e), 0, "%s", e.message);
	cr_assert_eq(output_put_unavailable(o, id, KIND_MOD, &e), 0);
	cr_assert_eq(access(marker, F_OK), 0);
	struct job *job = plan_job_of(&plan, id);
	publish_task(o, p.options.artifacts, &nobody, job, KIND_MOD, NULL);
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_BLOCKED);
	cr_expect_neq(access(marker, F_OK), 0, "what an earlier run has left is gone");
}

Test(block, the_list_is_the_checkouts_or_the_one_named)
{
	static const struct {
		const char *checkouts, *named; /* texts; NULL: no such file */
		bool name_it;
		int result;
		size_t rules;
		const char *says, *logged;
	} rows[] = {
		{ NULL, NULL, false, 0, 0, NULL, NULL },
		{ "5.10\n", NULL, false, 0, 1, NULL, NULL },
		{ "5.10\n", "5.10\n6.1\n", true, 0, 2, NULL, NULL },
		{ "~(\n", "5.10\n", true, 0, 1, NULL, NULL },
		{ "5.10\n", NULL, true, -1, 0, "other.rules", NULL },
		{ "~(\n5.10\n~[\n", NULL, false, -1, 0, "BLOCKLIST:1: ", "BLOCKLIST:3: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_strv struct strv distros = { 0 };
		char named[160];
		struct err e = { 0 };
		size_t count;
		checkout_make(&c);
		snprintf(named, sizeof(named), "%s/other.rules", c.root);
		if (rows[i].checkouts)
			checkout_write(&c, "supported-kernels/BLOCKLIST", rows[i].checkouts);
		if (rows[i].named)
			checkout_write(&c, "other.rules", rows[i].named);
		const struct inputs_options options = { .root = c.root,
							.distros = &distros,
							.block_list = rows[i].name_it ? named : NULL };
		cr_expect_eq(inputs_load(&options, &c.log, &in, &e), rows[i].result, "row %zu: %s", i, e.message);
		if (rows[i].says)
			cr_expect_not_null(strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
		if (rows[i].logged)
			cr_expect_not_null(strstr(c.said, rows[i].logged), "row %zu: %s", i, c.said);
		if (rows[i].result < 0)
			continue;
		block_list_rules(in.block_list, &count);
		cr_expect_eq(count, rows[i].rules, "row %zu: %zu", i, count);
	}
}

Test(block, an_expectation_that_no_toolchain_meets_is_kept)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };

	checkout_make(&c);
	checkout_load(&c, &in, example);
	in.recipes.items[0].gcc_count = in.recipes.items[1].gcc_count = 0;
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	const struct job *job = plan_job_of(&plan, "5.10.0-1-amd64");
	cr_expect_eq(job->wanted_gcc, 10);
	cr_expect_not(job->has_choice);
	cr_expect_str_eq(job->missing, "no toolchain has gcc");
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_PLANNED, "the packages have not been asked yet");
}
