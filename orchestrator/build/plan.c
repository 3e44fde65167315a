#include "build/plan.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "build/facts_store.h"
#include "build/key.h"
#include "kernel/floor.h"
#include "package/format.h"

void plan_release(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		job_release(&p->jobs[i]);
	free(p->jobs);
	*p = (struct plan){ 0 };
}

/* Matches each glob against the id; marks those that matched something. */
static bool is_chosen(const struct strv *globs, const char *id, bool *used)
{
	bool chosen = globs->len == 0;

	for (size_t i = 0; i < globs->len; i++) {
		if (fnmatch(globs->items[i], id, 0) != 0)
			continue;
		chosen = used[i] = true;
	}
	return chosen;
}

static int add_jobs(const struct inputs *in, const struct plan_options *options, bool *used, struct plan *plan, struct err *e)
{
	size_t most = 0;

	for (size_t d = 0; d < in->chosen_count; d++)
		most += in->chosen[d].kernels.count;
	plan->jobs = calloc(most ? most : 1, sizeof(*plan->jobs));
	if (!plan->jobs)
		return err_no_memory(e);
	for (size_t d = 0; d < in->chosen_count; d++)
		for (size_t k = 0; k < in->chosen[d].kernels.count; k++) {
			const struct kernel *kernel = &in->chosen[d].kernels.kernels[k];
			if (!is_chosen(options->kernels, kernel->id, used))
				continue;
			plan->jobs[plan->count++] = (struct job){ .distro = &in->chosen[d], .kernel = kernel };
		}
	for (size_t i = 0; i < options->kernels->len; i++)
		if (!used[i])
			return err_set(e, ERR_USAGE, "--kernel '%s' matches none of the %zu kernels listed",
				       options->kernels->items[i], most);
	return 0;
}

/* The user's own word comes before all that can be found out: a blocked kernel gets no marker either. */
static int block_tasks(const struct inputs *in, struct job *job, struct err *e)
{
	const struct block_rule *rules[KIND_COUNT];
	bool kinds[KIND_COUNT];

	for (int kind = 0; kind < KIND_COUNT; kind++)
		kinds[kind] = job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED;
	if (block_list_apply(in->block_list, job->kernel->id, in->module_version, kinds, rules, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (!rules[kind])
			continue;
		char *reason = block_rule_describe(in->block_list, rules[kind], e);
		if (!reason)
			return -1;
		task_end(&job->tasks[kind], VERDICT_BLOCKED, reason);
		job->tasks[kind].rule = rules[kind];
	}
	return 0;
}

/* 0 when the kernel reaches the floor, with the reason where that is not plain; 1 with the reason when it is below; -1 error.
 * *ret_reason: NULL or the caller's to free. */
static int look_at_floor(const struct inputs *in, const struct job *job, enum probe_kind_id kind, char **ret_reason, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	const struct backport_list *backports = &distro->backports[kind];
	const char *floor = floor_higher(in->probe.kinds[kind].minimum_kernel, distro->floors[kind]);
	cleanup_buf struct buf text = { 0 };

	/* Without a release nothing says that it is below. */
	if (!job->kernel->release[0] || floor_reached(job->kernel->version, floor))
		return 0;
	const struct backport *b = floor_find_backport(backports, job->kernel->release);
	bool reached = b && floor_reached(b->as, floor);
	if (reached ? buf_printf(&text, e, "counts as %s, being %s or newer", b->as, b->from) < 0
		    : buf_printf(&text, e, "the kernel is below %s", floor) < 0)
		return -1;
	for (size_t i = 0; !reached && i < backports->count; i++)
		if (floor_reached(backports->items[i].as, floor) &&
		    buf_printf(&text, e, ", and not of %s or newer, which count as %s", backports->items[i].from,
			       backports->items[i].as) < 0)
			return -1;
	*ret_reason = buf_steal(&text);
	return *ret_reason ? !reached : err_no_memory(e);
}

/* Those that are blocked or below their floor end here. */
static int sift_tasks(const struct inputs *in, struct job *job, struct err *e)
{
	if (block_tasks(in, job, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct task *task = &job->tasks[kind];
		char *reason = NULL;
		if (!task->wanted || task->verdict != VERDICT_PLANNED)
			continue;
		int below = look_at_floor(in, job, (enum probe_kind_id)kind, &reason, e);
		if (below < 0)
			return -1;
		task_end(task, below ? VERDICT_UNAVAILABLE : VERDICT_PLANNED, reason);
	}
	return 0;
}

/* Wants the kinds that are asked for and that the probe has. */
static int set_tasks(const struct inputs *in, const struct plan_options *options, struct job *job, struct err *e)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		job->tasks[kind].wanted = options->kinds[kind] && in->probe.kinds[kind].present;
	return sift_tasks(in, job, e);
}

/* What the packages call it, and what the objects are to be called by. */
static int tell_release(const struct inputs *in, struct job *job, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	const char *more = job->facts.from_sources && distro->prepare.local_version ? distro->prepare.local_version : "";

	if (!job->facts.release[0])
		return err_set(e, ERR_CHECK, "neither its list nor its packages say which release it is");
	cleanup_free char *release = str_printf(e, "%s%s", job->facts.release, more);
	if (!release || kernel_tell(&distro->kernel, job->kernel, release, &job->told, e) < 0)
		return -1;
	job->listed = job->kernel;
	job->kernel = &job->told;
	return sift_tasks(in, job, e);
}

/* Whether its packages are those of a kernel at all, and of which. */
static int check_facts(const struct job *job, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	const struct kernel *kernel = job->kernel;
	const struct facts *facts = &job->facts;
	const bool knows_compiler = facts->gcc || facts->clang;

	if (kernel->release[0] && facts->release[0] && !facts->from_sources && strcmp(facts->release, kernel->release) != 0)
		return err_set(e, ERR_CHECK, "its packages are of kernel '%s'", facts->release);
	if (facts->arch[0] && !arch_is_configured(kernel->arch, facts->arch))
		return err_set(e, ERR_CHECK, "its packages are for '%s', not for %s", facts->arch, kernel->arch->name);
	if (distro->prepare.wanted || knows_compiler)
		return 0;
	if (facts->release[0] || facts->cc_text[0])
		return err_set(e, ERR_CHECK,
			       "its packages do not say which compiler built it (no CONFIG_CC_VERSION_TEXT in .config)");
	cleanup_free char *places = distro_fact_places(distro, kernel, e);
	return places ? err_set(e, ERR_CHECK,
				"no kernel's .config is below '%s' in its packages; see `build-dir` and `holds` in distros/%s.yaml",
				places, distro->name)
		      : -1;
}

int plan_learn(const struct inputs *in, struct job *job, struct err *e)
{
	const struct facts *facts = &job->facts;
	const bool prepared = job->distro->distro->prepare.wanted;
	struct task *mod = &job->tasks[KIND_MOD];

	if (check_facts(job, e) < 0)
		return -1;
	if (!job->kernel->release[0] && tell_release(in, job, e) < 0)
		return -1;
	if (!prepared || !facts->modversions || facts->symvers || !mod->wanted || mod->verdict != VERDICT_PLANNED)
		return 0;
	task_end(mod, VERDICT_UNAVAILABLE,
		 str_dup("it loads only modules with symbol versions (CONFIG_MODVERSIONS), and its packages have no Module.symvers",
			 e));
	return mod->reason ? 0 : -1;
}

void plan_yield(struct job *job, const struct job *to)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct task *task = &job->tasks[kind];
		if (!task->wanted || task->verdict == VERDICT_BLOCKED)
			continue;
		task_end(task, VERDICT_REUSED,
			 str_printf(NULL, "'%s' is the same kernel, and its objects stand for both", job_listed(to)->id));
		task->yielded = true;
	}
}

/* 1 known, 0 not. */
static int find_digest(const struct plan_options *options, const struct job *job, const char *url, struct digest *ret,
		       struct err *e)
{
	const struct package_digest *listed = digest_table_find(job->distro->digests, url);
	struct cache_entry entry = { .fd = -1 };

	if (listed) {
		*ret = listed->sha256;
		return 1;
	}
	if (!options->cache)
		return 0;
	int found = cache_lookup(options->cache, url, &entry, e);
	if (found == 1)
		*ret = entry.digest;
	cache_entry_release(&entry);
	return found;
}

int plan_find_digests(const struct plan_options *options, struct job *job, struct err *e)
{
	cleanup_free struct digest *digests = calloc(job->kernel->package_count, sizeof(*digests));

	if (!digests)
		return err_no_memory(e);
	for (size_t i = 0; i < job->kernel->package_count; i++) {
		int found = find_digest(options, job, job->kernel->packages[i].url, &digests[i], e);
		if (found <= 0)
			return found;
	}
	free(job->package_digests);
	job->package_digests = steal_ptr(&digests);
	return 1;
}

int plan_choose(struct toolchains *toolchains, struct job *job, struct err *e)
{
	struct toolchain_want want = { .architecture = job->kernel->arch->name, .prefer = &job->distro->distro->toolchain.prefer };
	unsigned expected = 0;

	if (job->has_facts) {
		job->wanted_gcc = job->facts.gcc;
		job->wanted_clang = job->facts.clang;
	}
	if (job->has_facts && (job->facts.gcc || job->facts.clang)) {
		want.gcc = job->facts.gcc;
		want.clang = job->facts.clang;
		want.glibc = job->facts.glibc[0] ? job->facts.glibc : NULL;
	} else {
		if (distro_expected_gcc(job->distro->distro, job->kernel->release, &expected, e) < 0)
			return -1;
		/* Nothing is expected of it; its packages will say, or, where they are but sources, have nothing to say. */
		if (!expected && !job->has_facts)
			return 0;
		want.gcc = job->wanted_gcc = (int)expected;
	}
	if (toolchains_choose(toolchains, &want, &job->choice, e) < 0)
		return -1;
	job->has_choice = true;
	return 0;
}

/* 1 reused, 0 to be built. */
static int reuse_task(const struct inputs *in, const struct plan_options *options, struct job *job, enum probe_kind_id kind,
		      const char *toolchain_id, struct err *e)
{
	struct task *task = &job->tasks[kind];
	struct artifact artifact = { .fd = -1 };

	if (build_key(in, job, kind, toolchain_id, &task->key, e) < 0)
		return -1;
	task->has_key = true;
	if (options->rebuild || !options->artifacts)
		return 0;
	int found = artifact_lookup(options->artifacts, &task->key, &artifact, e);
	artifact_release(&artifact);
	if (found == 1)
		task_end(task, VERDICT_REUSED, str_dup("built before under the same key", e));
	return found;
}

int plan_reuse(const struct inputs *in, const struct plan_options *options, struct job *job, const char *toolchain_id,
	       struct err *e)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED &&
		    reuse_task(in, options, job, (enum probe_kind_id)kind, toolchain_id, e) < 0)
			return -1;
	return 0;
}

/* Something must be left to build of the kinds asked for. */
static int check_kinds(const struct inputs *in, const struct plan_options *options, struct err *e)
{
	const char *missing = NULL;

	for (int kind = KIND_COUNT - 1; kind >= 0; kind--) {
		if (!options->kinds[kind])
			continue;
		if (in->probe.kinds[kind].present)
			return 0;
		missing = kind_name((enum probe_kind_id)kind);
	}
	return err_set(e, ERR_USAGE, "probe '%s' has no %s kind", in->probe.name, missing ? missing : "such");
}

/* By id, then as they come. */
static int compare_ids(const void *a, const void *b)
{
	const struct job *left = *(const struct job *const *)a, *right = *(const struct job *const *)b;
	int by_id = strcmp(left->kernel->id, right->kernel->id);

	return by_id ? by_id : (left > right) - (left < right);
}

/* Objects are named by kernel only, so that two kernels of one id would overwrite each other's. */
static int check_ids(const struct plan *plan, struct err *e)
{
	cleanup_free const struct job **jobs = calloc(plan->count + 1, sizeof(*jobs));

	if (!jobs)
		return err_no_memory(e);
	for (size_t i = 0; i < plan->count; i++)
		jobs[i] = &plan->jobs[i];
	qsort(jobs, plan->count, sizeof(*jobs), compare_ids);
	for (size_t i = 1; i < plan->count; i++)
		if (strcmp(jobs[i - 1]->kernel->id, jobs[i]->kernel->id) == 0)
			return err_set(
				e, ERR_INPUT,
				"'%s' and '%s' both have a kernel '%s', and its objects would have the same names; let `id:` in "
				"one of the descriptors tell them apart",
				jobs[i - 1]->distro->distro->name, jobs[i]->distro->distro->name, jobs[i]->kernel->id);
	return 0;
}

/* What the descriptor lacks for a build: 1 *ret_reason (caller frees) says it, 0 nothing, -1 error. */
static int find_obstacle(const struct job *job, char **ret_reason, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	struct err unknown = { 0 };

	if (!package_format_find(distro->format, &unknown))
		*ret_reason = str_dup(unknown.message, e);
	else if (!distro->tree.build_dir)
		*ret_reason = str_printf(e, "the descriptor of '%s' does not say where its headers are (tree:)", distro->name);
	else
		return 0;
	return *ret_reason ? 1 : -1;
}

/* As far as it goes without touching a package. */
static int plan_job(const struct inputs *in, const struct plan_options *options, struct job *job, struct err *e)
{
	const char *toolchain_id;

	if (set_tasks(in, options, job, e) < 0)
		return -1;
	if (!job_has_work(job))
		return 0;
	cleanup_free char *obstacle = NULL;
	int refused = find_obstacle(job, &obstacle, e);
	if (refused == 1)
		job_fail(job, obstacle);
	if (refused)
		return refused < 0 ? -1 : 0;
	int known = plan_find_digests(options, job, e);
	if (known < 0)
		return -1;
	if (known) {
		int found = facts_store_get(options->cache_dir, job, &job->facts, e);
		if (found < 0)
			return -1;
		job->has_facts = found;
	}
	if (job->has_facts && plan_learn(in, job, e) < 0) {
		if (e->kind != ERR_CHECK)
			return -1;
		job_fail(job, e->message);
	}
	if (!job_has_work(job))
		return 0;
	if (plan_choose(options->toolchains, job, e) < 0) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		free(job->missing);
		job->missing = str_dup(e->message, e);
		if (!job->missing)
			return -1;
		/* An expectation that no toolchain meets decides nothing: the packages have not been asked yet. */
		if (job->has_facts)
			job_fail(job, job->missing);
		return 0;
	}
	if (!job->has_facts)
		return 0;
	int there = toolchains_find(options->toolchains, job->choice.recipe, &toolchain_id, e);
	if (there <= 0)
		return there;
	return plan_reuse(in, options, job, toolchain_id, e);
}

/* Of jobs whose packages have told the same name the first keeps it; the rest yields to it. */
static int settle_names(struct plan *plan, struct err *e)
{
	cleanup_free struct job **jobs = calloc(plan->count + 1, sizeof(*jobs));

	if (!jobs)
		return err_no_memory(e);
	for (size_t i = 0; i < plan->count; i++) {
		jobs[i] = &plan->jobs[i];
		jobs[i]->named = jobs[i]->kernel->release[0];
	}
	qsort(jobs, plan->count, sizeof(*jobs), compare_ids);
	for (size_t i = 1, first = 0; i < plan->count; i++) {
		if (strcmp(jobs[first]->kernel->id, jobs[i]->kernel->id) != 0)
			first = i;
		else if (jobs[i]->named && jobs[first]->named)
			plan_yield(jobs[i], jobs[first]);
	}
	return 0;
}

int plan_make(const struct inputs *in, const struct plan_options *options, struct plan *ret, struct err *e)
{
	cleanup_plan struct plan plan = { 0 };
	cleanup_free bool *used = calloc(options->kernels->len + 1, sizeof(*used));

	if (!used)
		return err_no_memory(e);
	if (check_kinds(in, options, e) < 0 || add_jobs(in, options, used, &plan, e) < 0 || check_ids(&plan, e) < 0)
		return -1;
	for (size_t i = 0; i < plan.count; i++)
		if (plan_job(in, options, &plan.jobs[i], e) < 0)
			return err_wrap(e, "planning '%s'", plan.jobs[i].kernel->id);
	if (settle_names(&plan, e) < 0)
		return -1;
	*ret = plan;
	plan = (struct plan){ 0 };
	return 0;
}
