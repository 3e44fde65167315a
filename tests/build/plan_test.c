#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/facts_store.h"
#include "build/run.h"
#include "fixture.h"

static const char *const example[] = { "example", NULL };
static const char *const second_only[] = { "second", NULL };
static const char *const both[] = { "second", "example", NULL };

Test(plan, floors_decide_what_is_unavailable)
{
	static const struct {
		const char *kernel;
		enum verdict verdicts[KIND_COUNT];
		const char *reason, *toolchain;
	} rows[] = {
		{ "3.9.0-1-amd64", { VERDICT_UNAVAILABLE, VERDICT_UNAVAILABLE }, "the kernel is below 4.14", NULL },
		{ "4.9.0-1-amd64", { VERDICT_PLANNED, VERDICT_UNAVAILABLE }, "the kernel is below 4.14", "gcc-12" },
		{ "5.10.0-1-amd64", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL, "gcc-10" },
		{ "6.1.0-1-amd64", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL, "gcc-12" },
		{ "6.1.0-1-cloud-amd64", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL, "gcc-12" },
	};
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	struct run_counts counts;

	checkout_make(&c);
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	cr_assert_eq(plan.count, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct job *job = &plan.jobs[i];
		cr_expect_str_eq(job->kernel->id, rows[i].kernel, "in order");
		for (int kind = 0; kind < KIND_COUNT; kind++)
			cr_expect_eq(job->tasks[kind].verdict, rows[i].verdicts[kind], "%s %d", rows[i].kernel, kind);
		if (rows[i].reason)
			cr_expect_str_eq(job->tasks[KIND_BPF].reason, rows[i].reason);
		cr_expect_eq(job->has_choice, rows[i].toolchain != NULL, "%s", rows[i].kernel);
		if (rows[i].toolchain)
			cr_expect_str_eq(job->choice.recipe->name, rows[i].toolchain, "%s", rows[i].kernel);
		cr_expect_eq(job_has_work(job), rows[i].toolchain != NULL);
	}
	run_count(&plan, &counts);
	cr_expect_eq(counts.verdicts[VERDICT_PLANNED], 7);
	cr_expect_eq(counts.verdicts[VERDICT_UNAVAILABLE], 3);
}

Test(plan, the_higher_floor_counts)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 }, higher = { 0 };

	checkout_make(&c);
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	free(in.probe.kinds[KIND_BPF].minimum_kernel);
	in.probe.kinds[KIND_BPF].minimum_kernel = strdup("5.10");
	planner_make(&p, &in, &plan);
	cr_expect_eq(plan_job_of(&plan, "5.10.0-1-amd64")->tasks[KIND_BPF].verdict, VERDICT_PLANNED, "the floor itself is reached");
	free(in.distros.items[0].floors[KIND_BPF]);
	in.distros.items[0].floors[KIND_BPF] = strdup("5.11");
	planner_make(&p, &in, &higher);
	cr_expect_eq(plan_job_of(&higher, "5.10.0-1-amd64")->tasks[KIND_BPF].verdict, VERDICT_UNAVAILABLE);
	cr_expect_str_eq(plan_job_of(&higher, "5.10.0-1-amd64")->tasks[KIND_BPF].reason, "the kernel is below 5.11");
}

/* A vendor's old kernel counts as a newer one from a release of its own on, for one kind, and no further than it says. */
Test(plan, backports_lift_a_kernel_over_the_floor)
{
	static const struct {
		const char *kernel;
		enum verdict verdict;
		const char *reason;
	} rows[] = {
		{ "3.10.0-862.x86_64", VERDICT_UNAVAILABLE,
		  "the kernel is below 4.14, and not of 3.10.0-957 or newer, which count as 4.14" },
		{ "3.10.0-957.x86_64", VERDICT_PLANNED, "counts as 4.14, being 3.10.0-957 or newer" },
		{ "3.10.0-1160.x86_64", VERDICT_PLANNED, "counts as 4.14, being 3.10.0-957 or newer" },
		{ "4.4.0-1000.x86_64", VERDICT_UNAVAILABLE, NULL },
		{ "5.14.0-1.x86_64", VERDICT_PLANNED, NULL },
	};
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 }, higher = { 0 };
	cleanup_buf struct buf list = { 0 }, yaml = { 0 };
	struct err e = { 0 };

	checkout_make(&c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_assert_eq(buf_printf(&list, &e, "http://packages.second.example.org/pool/devel-%s_1.deb\n", rows[i].kernel), 0);
	checkout_write(&c, "supported-kernels/second.txt", buf_text(&list));
	cleanup_free char *path = str_printf(&e, "%s/distros/second.yaml", c.root), *text = read_all(path);
	cr_assert_eq(buf_printf(&yaml, &e, "%sbackports: {bpf: {\"3.10.0-957\": \"4.14\"}}\n", text), 0);
	checkout_write(&c, "distros/second.yaml", buf_text(&yaml));
	checkout_load(&c, &in, second_only);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct job *job = plan_job_of(&plan, rows[i].kernel);
		cr_expect_eq(job->tasks[KIND_BPF].verdict, rows[i].verdict, "%s", rows[i].kernel);
		cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_PLANNED, "%s", rows[i].kernel);
		if (rows[i].reason)
			cr_expect_str_eq(job->tasks[KIND_BPF].reason, rows[i].reason);
	}
	/* A probe that needs more than was backported. */
	free(in.probe.kinds[KIND_BPF].minimum_kernel);
	in.probe.kinds[KIND_BPF].minimum_kernel = strdup("5.8");
	planner_make(&p, &in, &higher);
	cr_expect_str_eq(plan_job_of(&higher, "3.10.0-1160.x86_64")->tasks[KIND_BPF].reason, "the kernel is below 5.8");
}

Test(plan, globs_choose_kernels)
{
	static const struct {
		const char *globs[3];
		size_t count; /* 0: an error that names the last glob */
	} rows[] = {
		{ { "6.1.*" }, 2 },
		{ { "*-cloud-*" }, 1 },
		{ { "6.1.0-1-amd64" }, 1 },
		{ { "5.*", "6.1.*" }, 4 },
		{ { "*" }, 7 },
		{ { "6.1.*", "6.1.0-1-amd64" }, 2 },
		{ { "6.1" }, 0 },
		{ { "6.1.*", "7.*" }, 0 },
		{ { "" }, 0 },
	};
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };

	checkout_make(&c);
	checkout_load(&c, &in, both);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		struct err e = { .kind = ERR_NONE };
		const char *last = "";
		planner_open(&p, &c, &in);
		for (size_t g = 0; g < 3 && rows[i].globs[g]; g++) {
			last = rows[i].globs[g];
			cr_assert_eq(strv_add(&p.kernels, last, &e), 0);
		}
		int made = plan_make(&in, &p.options, &plan, &e);
		cr_expect_eq(made, rows[i].count ? 0 : -1, "row %zu: %s", i, e.message);
		cr_expect_eq(plan.count, rows[i].count, "row %zu: %zu", i, plan.count);
		if (rows[i].count)
			continue;
		cr_expect_eq(e.kind, ERR_USAGE);
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "'%s'", last);
		cr_expect_not_null(strstr(e.message, quoted), "%s", e.message);
	}
}

Test(plan, kinds_not_asked_for_are_not_counted)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	struct run_counts counts;

	checkout_make(&c);
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	p.options.kinds[KIND_MOD] = false;
	planner_make(&p, &in, &plan);
	run_count(&plan, &counts);
	cr_expect_eq(counts.verdicts[VERDICT_PLANNED], 3);
	cr_expect_eq(counts.verdicts[VERDICT_UNAVAILABLE], 2);
	cr_expect_not(job_has_work(plan_job_of(&plan, "4.9.0-1-amd64")));
}

Test(plan, a_probe_must_have_one_of_the_kinds_asked_for)
{
	static const struct {
		bool asked[KIND_COUNT], has[KIND_COUNT];
		const char *message; /* NULL: there is a plan */
	} rows[] = {
		{ { false, true }, { true, false }, "probe 'example' has no bpf kind" },
		{ { true, false }, { false, true }, "probe 'example' has no mod kind" },
		{ { true, true }, { true, false }, NULL },
		{ { true, true }, { false, true }, NULL },
		{ { true, false }, { true, false }, NULL },
	};
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;

	checkout_make(&c);
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_plan struct plan plan = { 0 };
		struct err e = { .kind = ERR_NONE };
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			p.options.kinds[kind] = rows[i].asked[kind];
			in.probe.kinds[kind].present = rows[i].has[kind];
		}
		cr_expect_eq(plan_make(&in, &p.options, &plan, &e), rows[i].message ? -1 : 0, "row %zu: %s", i, e.message);
		if (!rows[i].message)
			continue;
		cr_expect_eq(e.kind, ERR_USAGE, "row %zu", i);
		cr_expect_str_eq(e.message, rows[i].message);
	}
}

Test(plan, equal_ids_of_two_distros_are_refused)
{
	static const struct {
		const char *kernel; /* glob */
		bool refused;
	} rows[] = { { "*", true }, { "6.1.0-1-amd64", true }, { "5.*", false } };
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	struct err e;

	checkout_make(&c);
	cleanup_free char *path = path_join(c.root, "distros/second.yaml", &e), *text = read_all(path);
	char *at = strstr(text, "  packages:\n");
	cr_assert_not_null(at);
	cleanup_free char *changed = str_printf(&e, "%.*s  id: \"${base}-amd64\"\n%s", (int)(at - text), text, at);
	write_all(path, changed);
	checkout_write(&c, "supported-kernels/second.txt",
		       "http://packages.second.example.org/pool/devel-6.1.0-1.x86_64_1.deb\n"
		       "http://packages.second.example.org/pool/devel-9.0.0-1.x86_64_1.deb\n");
	checkout_load(&c, &in, both);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		planner_open(&p, &c, &in);
		cr_assert_eq(strv_add(&p.kernels, rows[i].kernel, &e), 0);
		e = (struct err){ .kind = ERR_NONE };
		cr_expect_eq(plan_make(&in, &p.options, &plan, &e), rows[i].refused ? -1 : 0, "row %zu: %s", i, e.message);
		if (!rows[i].refused)
			continue;
		cr_expect_eq(e.kind, ERR_INPUT);
		static const char *const says[] = { "'example'", "'second'", "'6.1.0-1-amd64'", "`id:`" };
		for (size_t w = 0; w < ARRAY_LEN(says); w++)
			cr_expect_not_null(strstr(e.message, says[w]), "row %zu: %s: %s", i, says[w], e.message);
	}
}

/* One distro rebuilds another's kernels: whoever asks for both gets one of each. */
Test(plan, a_distro_yields_to_another)
{
	static const struct {
		const char *const *names;
		size_t jobs, second;
	} rows[] = { { both, 6, 1 }, { second_only, 2, 2 } };
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		size_t second = 0;
		checkout_make(&c);
		cleanup_free char *path = path_join(c.root, "distros/second.yaml", &e), *text = read_all(path);
		char *at = strstr(text, "  packages:\n");
		cr_assert_not_null(at);
		cleanup_free char *changed =
			str_printf(&e, "yields-to: example\n%.*s  id: \"${base}-amd64\"\n%s", (int)(at - text), text, at);
		write_all(path, changed);
		checkout_write(&c, "supported-kernels/second.txt",
			       "http://packages.second.example.org/pool/devel-6.1.0-1.x86_64_1.deb\n"
			       "http://packages.second.example.org/pool/devel-9.0.0-1.x86_64_1.deb\n");
		checkout_load(&c, &in, rows[i].names);
		planner_open(&p, &c, &in);
		planner_make(&p, &in, &plan);
		cr_expect_eq(plan.count, rows[i].jobs, "%zu", plan.count);
		for (size_t j = 0; j < plan.count; j++)
			second += strcmp(plan.jobs[j].distro->distro->name, "second") == 0;
		cr_expect_eq(second, rows[i].second, "row %zu", i);
		cr_expect_eq(strstr(c.said, "1 of the kernels of 'second' are those of 'example' too") != NULL, i == 0, "%s",
			     c.said);
	}
}

/* What can't be built as things stand costs its own kernel only, and says why. */
Test(plan, kernels_that_cannot_be_built_are_refused_one_by_one)
{
	static const struct {
		const char *from, *to, *reason;
	} rows[] = {
		{ "tree:\n  build-dir: usr/src/${release}\n", "", "the descriptor of 'second' does not say where its headers are" },
	};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		checkout_make(&c);
		cleanup_free char *path = path_join(c.root, "distros/second.yaml", &e), *text = read_all(path);
		char *at = strstr(text, rows[i].from);
		cr_assert_not_null(at, "row %zu", i);
		cleanup_free char *changed =
			str_printf(&e, "%.*s%s%s", (int)(at - text), text, rows[i].to, at + strlen(rows[i].from));
		write_all(path, changed);
		checkout_load(&c, &in, both);
		planner_open(&p, &c, &in);
		planner_make(&p, &in, &plan);
		for (size_t j = 0; j < plan.count; j++) {
			const struct task *task = &plan.jobs[j].tasks[KIND_MOD];
			bool refused = strcmp(plan.jobs[j].distro->distro->name, "second") == 0;
			cr_expect_eq(task->verdict == VERDICT_FAILED, refused, "row %zu: %s", i, plan.jobs[j].kernel->id);
			if (refused)
				cr_expect(task->reason && str_starts(task->reason, rows[i].reason), "row %zu: %s", i, task->reason);
		}
	}
}

/* Makes the store know what a kernel's packages say. */
static void put_facts(struct checkout *c, struct planner *p, struct inputs *in, const char *kernel, const struct facts *facts)
{
	cleanup_plan struct plan plan = { 0 };
	struct err e;

	planner_make(p, in, &plan);
	struct job *job = plan_job_of(&plan, kernel);
	cr_assert_eq(plan_find_digests(&p->options, job, &e), 1, "%s", e.message);
	cr_assert_eq(facts_store_put(c->cache, job, facts, &e), 0, "%s", e.message);
}

Test(plan, facts_decide_over_the_expectation)
{
	static const struct {
		struct facts facts;
		const char *toolchain; /* NULL: none fits */
	} rows[] = {
		{ { .release = "5.10.0-1-amd64", .gcc = 12 }, "gcc-12" },
		{ { .release = "5.10.0-1-amd64", .gcc = 10 }, "gcc-10" },
		{ { .release = "5.10.0-1-amd64", .gcc = 10, .glibc = "2.34" }, "gcc-12" },
		{ { .release = "5.10.0-1-amd64", .gcc = 10, .glibc = "9.99" }, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		checkout_make(&c);
		checkout_load(&c, &in, example);
		planner_open(&p, &c, &in);
		put_facts(&c, &p, &in, "5.10.0-1-amd64", &rows[i].facts);
		planner_make(&p, &in, &plan);
		const struct job *job = plan_job_of(&plan, "5.10.0-1-amd64");
		cr_expect(job->has_facts);
		cr_expect_eq(job->has_choice, rows[i].toolchain != NULL, "row %zu", i);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			cr_expect_eq(job->tasks[kind].verdict, rows[i].toolchain ? VERDICT_PLANNED : VERDICT_FAILED, "row %zu", i);
		if (rows[i].toolchain)
			cr_expect_str_eq(job->choice.recipe->name, rows[i].toolchain, "row %zu", i);
		else
			cr_expect_not_null(strstr(job->tasks[KIND_MOD].reason, "9.99"), "%s", job->tasks[KIND_MOD].reason);
		cr_expect_not(plan_job_of(&plan, "6.1.0-1-amd64")->has_facts, "the others have none");
	}
}

/* A descriptor whose list does not say the releases, of two kernels. more: further lines of the descriptor. */
static void make_untold(struct checkout *c, const char *told_id, const char *more)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	checkout_make(c);
	cr_assert_eq(
		buf_printf(&text, &e,
			   "name: second\nfamily: second\narchitecture: amd64\nlist: supported-kernels/second.txt\nformat: tar\n"
			   "kernel:\n  id: \"build-${version}\"\n%s  path-parts: 2\n  packages:\n"
			   "    - {role: sources, file: '(?<version>[0-9.]+)/src', holds: [config]}\n"
			   "tree: {build-dir: \"linux-${release}\"}\nfloors: {mod: \"3.10\", bpf: \"4.14\"}\n%s",
			   told_id, more),
		0);
	checkout_write(c, "distros/second.yaml", buf_text(&text));
	checkout_write(c, "supported-kernels/second.txt", "http://h/1.2/src\nhttp://h/1.3/src\n");
	checkout_write(c, "supported-kernels/second.digests",
		       "70e8e191373e033fb9942e1c4580fc7e1433aa4ebfd679c977e2ea08eac9bc7d  10  http://h/1.2/src\n"
		       "d784f15fcad952be1a10928fdffa6780222b13bbf21af9138ae37dffaa8e10d7  10  http://h/1.3/src\n");
}

/* What is known of such kernels once their packages have been read. */
Test(plan, packages_tell_what_the_list_does_not)
{
	static const char prepare[] = "prepare: {config: [h/.config], local-version: \"+\"}\n";
	static const struct {
		const char *told_id, *more;
		struct facts facts; /* of build-1.2 */
		const char *id, *release;
		enum verdict verdicts[KIND_COUNT];
		const char *reason; /* of the module's verdict */
	} rows[] = {
		{ "", "", { .release = "6.1.4-x", .gcc = 12 }, "6.1.4-x", "6.1.4-x", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL },
		{ "  told-id: \"${version}-${package-version}-own\"\n",
		  prepare,
		  { .release = "6.1.4", .gcc = 12, .from_sources = true },
		  "6.1.4-1.2-own",
		  "6.1.4+",
		  { VERDICT_PLANNED, VERDICT_PLANNED },
		  NULL },
		{ "", prepare, { .release = "6.1.4+" }, "6.1.4+", "6.1.4+", { VERDICT_PLANNED, VERDICT_PLANNED }, NULL },
		{ "",
		  prepare,
		  { .release = "6.1.4+", .modversions = true },
		  "6.1.4+",
		  "6.1.4+",
		  { VERDICT_UNAVAILABLE, VERDICT_PLANNED },
		  "it loads only modules with symbol versions" },
		{ "",
		  prepare,
		  { .release = "6.1.4+", .modversions = true, .symvers = true },
		  "6.1.4+",
		  "6.1.4+",
		  { VERDICT_PLANNED, VERDICT_PLANNED },
		  NULL },
		{ "",
		  "",
		  { .release = "4.9.1-x", .gcc = 12 },
		  "4.9.1-x",
		  "4.9.1-x",
		  { VERDICT_PLANNED, VERDICT_UNAVAILABLE },
		  NULL },
		{ "",
		  "",
		  { .release = "", .gcc = 12 },
		  "build-1.2",
		  "",
		  { VERDICT_FAILED, VERDICT_FAILED },
		  "neither its list nor its packages say which release it is" },
		{ "",
		  "",
		  { .release = "6.1.4-x" },
		  "build-1.2",
		  "",
		  { VERDICT_FAILED, VERDICT_FAILED },
		  "its packages do not say which compiler built it" },
		{ "",
		  "",
		  { .release = "6.1.4-blocked", .gcc = 12 },
		  "6.1.4-blocked",
		  "6.1.4-blocked",
		  { VERDICT_BLOCKED, VERDICT_BLOCKED },
		  "BLOCKLIST:1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		cleanup_planner struct planner p;
		cleanup_plan struct plan plan = { 0 };
		make_untold(&c, rows[i].told_id, rows[i].more);
		checkout_write(&c, "supported-kernels/BLOCKLIST", "*-blocked\n");
		checkout_load(&c, &in, second_only);
		planner_open(&p, &c, &in);
		put_facts(&c, &p, &in, "build-1.2", &rows[i].facts);
		planner_make(&p, &in, &plan);
		cr_assert_eq(plan.count, 2);
		const struct job *job = &plan.jobs[0];
		cr_expect_str_eq(job->kernel->id, rows[i].id, "row %zu: %s", i, job->kernel->id);
		cr_expect_str_eq(job->kernel->release, rows[i].release, "row %zu: %s", i, job->kernel->release);
		cr_expect_str_eq(job_listed(job)->id, "build-1.2", "row %zu", i);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			cr_expect_eq(job->tasks[kind].verdict, rows[i].verdicts[kind], "row %zu kind %d: %d (%s)", i, kind,
				     job->tasks[kind].verdict, job->tasks[kind].reason);
		if (rows[i].reason)
			cr_expect(strstr(job->tasks[KIND_MOD].reason, rows[i].reason), "row %zu: %s", i,
				  job->tasks[KIND_MOD].reason);
		cr_expect_str_eq(plan.jobs[1].kernel->id, "build-1.3", "the other one has not been asked");
	}
}

Test(plan, of_kernels_that_turn_out_to_be_one_the_first_counts)
{
	static const struct facts said = { .release = "6.1.4-x", .gcc = 12 };
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };

	make_untold(&c, "", "");
	checkout_load(&c, &in, second_only);
	planner_open(&p, &c, &in);
	put_facts(&c, &p, &in, "build-1.2", &said);
	put_facts(&c, &p, &in, "build-1.3", &said);
	planner_make(&p, &in, &plan);
	cr_assert_eq(plan.count, 2);
	cr_expect_eq(plan.jobs[0].tasks[KIND_MOD].verdict, VERDICT_PLANNED);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct task *task = &plan.jobs[1].tasks[kind];
		cr_expect_eq(task->verdict, VERDICT_REUSED);
		cr_expect(task->yielded, "it has nothing of its own to publish");
		cr_expect_str_eq(task->reason, "'build-1.2' is the same kernel, and its objects stand for both");
	}
}

/* Puts bytes into the artifact store under a key. */
static void put_artifact(struct artifact_store *store, const struct digest *key)
{
	cleanup_of(artifact_draft) struct artifact_draft *draft = NULL;
	struct err e;

	cr_assert_eq(artifact_draft_new(store, key, &draft, &e), 0, "%s", e.message);
	cr_assert_eq(fd_write_all(artifact_draft_fd(draft), "object", 6, &e), 0);
	cr_assert_eq(artifact_draft_commit(draft, "{}", NULL, &e), 0, "%s", e.message);
}

Test(plan, reuses_what_was_built_under_the_same_key)
{
	static const struct facts said = { .release = "6.1.0-1-amd64", .gcc = 12 };
	static const char kernel[] = "6.1.0-1-amd64", toolchain[] = "sha256:abcd";
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan first = { 0 }, second = { 0 }, third = { 0 }, fourth = { 0 };
	struct err e;

	checkout_make(&c);
	checkout_load(&c, &in, example);
	planner_open(&p, &c, &in);
	put_facts(&c, &p, &in, kernel, &said);
	planner_make(&p, &in, &first);
	struct job *job = plan_job_of(&first, kernel);
	cr_expect_not(job->tasks[KIND_MOD].has_key, "without the toolchain's image there is no key");
	cr_assert_eq(plan_reuse(&in, &p.options, job, toolchain, &e), 0, "%s", e.message);
	cr_expect(job->tasks[KIND_MOD].has_key && job->tasks[KIND_BPF].has_key);
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_PLANNED);
	put_artifact(p.options.artifacts, &job->tasks[KIND_MOD].key);

	planner_make(&p, &in, &second);
	job = plan_job_of(&second, kernel);
	cr_assert_eq(plan_reuse(&in, &p.options, job, toolchain, &e), 0, "%s", e.message);
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_REUSED);
	cr_expect_not_null(job->tasks[KIND_MOD].reason);
	cr_expect_eq(job->tasks[KIND_BPF].verdict, VERDICT_PLANNED);

	planner_make(&p, &in, &third);
	job = plan_job_of(&third, kernel);
	cr_assert_eq(plan_reuse(&in, &p.options, job, "sha256:another", &e), 0, "%s", e.message);
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_PLANNED, "another toolchain, another key");

	p.options.rebuild = true;
	planner_make(&p, &in, &fourth);
	job = plan_job_of(&fourth, kernel);
	cr_assert_eq(plan_reuse(&in, &p.options, job, toolchain, &e), 0, "%s", e.message);
	cr_expect_eq(job->tasks[KIND_MOD].verdict, VERDICT_PLANNED, "--rebuild takes nothing");
	cr_expect(job->tasks[KIND_MOD].has_key);
}

Test(plan, digests_come_from_the_companion_file)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_planner struct planner p;
	cleanup_plan struct plan plan = { 0 };
	struct err e;

	checkout_make(&c);
	checkout_load(&c, &in, both);
	planner_open(&p, &c, &in);
	planner_make(&p, &in, &plan);
	struct job *known = plan_job_of(&plan, "6.1.0-1-amd64"), *unknown = plan_job_of(&plan, "5.14.0-70.x86_64");
	cr_expect_eq(plan_find_digests(&p.options, known, &e), 1);
	struct digest expected;
	const char *url = known->kernel->packages[0].url;
	cr_assert_eq(digest_of(url, strlen(url), &expected, &e), 0);
	cr_expect(digest_equal(&known->package_digests[0], &expected));
	cr_expect_eq(plan_find_digests(&p.options, unknown, &e), 0);
	cr_expect_null(unknown->package_digests);
	cr_expect(job_has_work(unknown), "it is planned all the same");
}

Test(job, failing_leaves_what_was_settled)
{
	struct job job = { .tasks = { { .wanted = true }, { .wanted = true } } };

	task_end(&job.tasks[KIND_BPF], VERDICT_UNAVAILABLE, strdup("below the floor"));
	cr_expect(job_has_work(&job));
	job_fail(&job, "a package is missing");
	cr_expect_eq(job.tasks[KIND_MOD].verdict, VERDICT_FAILED);
	cr_expect_str_eq(job.tasks[KIND_MOD].reason, "a package is missing");
	cr_expect_eq(job.tasks[KIND_BPF].verdict, VERDICT_UNAVAILABLE);
	cr_expect_not(job_has_work(&job));
	job_fail(&job, "later");
	cr_expect_str_eq(job.tasks[KIND_MOD].reason, "a package is missing");
	job_release(&job);
	struct job unwanted = { .tasks = { { .wanted = false } } };
	cr_expect_not(job_has_work(&unwanted));
}
