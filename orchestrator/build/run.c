#include "build/run.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "build/builders.h"
#include "build/packages.h"
#include "build/publish.h"
#include "build/session.h"
#include "build/shared_tree.h"
#include "build/supply.h"
#include "engine/engine.h"
#include "engine/sweep.h"

enum { ATTEMPTS_MAX = 2, JOBS_MAX = BUILDERS_SLOTS_MAX };

struct run {
	const struct run_options *options;
	struct plan *plan;
	struct supply *supply;
	struct builders *builders;
	struct shared_trees *shared;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned working;	/* under lock: workers that have not ended */
	struct err failed;	/* under lock: why the run as a whole ends */
	struct cancel finished; /* set by the last worker, for the main thread's poll */
};

struct worker {
	struct run *run;
	unsigned slot;
	pthread_t thread;
};

void run_count(const struct plan *plan, struct run_counts *ret)
{
	*ret = (struct run_counts){ 0 };
	for (size_t i = 0; i < plan->count; i++)
		for (int kind = 0; kind < KIND_COUNT; kind++)
			if (plan->jobs[i].tasks[kind].wanted)
				ret->verdicts[plan->jobs[i].tasks[kind].verdict]++;
}

static void fail_run(struct run *r, const struct err *e)
{
	pthread_mutex_lock(&r->lock);
	if (r->failed.kind == ERR_NONE)
		r->failed = *e;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* In the supply's thread. */
static void package_arrived(void *context, struct job *job, const struct err *failure)
{
	struct run *r = context;

	if (failure && failure->kind == ERR_CANCELLED) {
		fail_run(r, failure);
		return;
	}
	pthread_mutex_lock(&r->lock);
	job->packages_missing--;
	if (failure && job_has_work(job))
		job_fail(job, failure->message);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* --- one job --- */

/* Puts the job back until these packages have come once more. 0, or -1 when they could not be asked for. */
static int ask_again(struct run *r, struct job *job, const size_t packages[], size_t count, struct err *e)
{
	size_t asked = 0;

	pthread_mutex_lock(&r->lock);
	job->asked_again = true;
	job->packages_missing = (unsigned)count;
	pthread_mutex_unlock(&r->lock);
	while (asked < count && supply_again(r->supply, job, packages[asked], e) == 0)
		asked++;
	pthread_mutex_lock(&r->lock);
	if (asked == count)
		job->taken = false;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return asked == count ? 0 : -1;
}

/* 1 all open, 0 some were damaged and have been asked for again. */
static int open_packages(struct run *r, struct job *job, struct open_packages *ret, struct err *e)
{
	const struct kernel *kernel = job->kernel;
	cleanup_free struct digest *digests = calloc(kernel->package_count, sizeof(*digests));
	size_t damaged[UNPACK_PACKAGES_MAX], damaged_count = 0;

	if (!digests)
		return err_no_memory(e);
	if (kernel->package_count > UNPACK_PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d packages", UNPACK_PACKAGES_MAX);
	for (size_t i = 0; i < kernel->package_count; i++) {
		const char *url = kernel->packages[i].url;
		const struct package_digest *listed = digest_table_find(job->distro->digests, url);
		struct cache_entry entry = { .fd = -1 };
		if (cache_open_package(r->options->plan->cache, url, listed ? &listed->sha256 : NULL, &entry, e) < 0) {
			if ((e->kind != ERR_CORRUPT && e->kind != ERR_NOT_FOUND) || job->asked_again)
				return -1;
			log_printf(r->options->log, LOG_WARNING, "%s; fetching it again", e->message);
			damaged[damaged_count++] = i;
			continue;
		}
		ret->fds[ret->count++] = steal_fd(&entry.fd);
		digests[i] = entry.digest;
		cache_entry_release(&entry);
	}
	if (damaged_count)
		return ask_again(r, job, damaged, damaged_count, e);
	free(job->package_digests);
	job->package_digests = steal_ptr(&digests);
	return 1;
}

static void publish_all(struct run *r, struct job *job, const struct session_result *result)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted)
			publish_task(r->options->output, r->options->plan->artifacts, r->options->listener, job,
				     (enum probe_kind_id)kind, result ? &result->log : NULL);
}

/* Verdicts out of a session's result. */
static void settle(struct job *job, struct session_result *result, double seconds)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		struct session_object *object = &result->objects[kind];
		struct task *task = &job->tasks[kind];
		if (!task->wanted || task->verdict != VERDICT_PLANNED)
			continue;
		if (object->built)
			task_end(task, VERDICT_BUILT, str_printf(NULL, "%s, %.1f s", job->choice.why, seconds));
		else
			task_end(task, VERDICT_FAILED, object->reason ? steal_ptr(&object->reason) : strdup("it was not built"));
	}
}

static int build_in_session(struct run *r, unsigned slot, struct job *job, const char *toolchain_id,
			    const struct open_packages *packages, struct session_result *result, struct err *e)
{
	const struct session_options options = {
		.inputs = r->options->inputs,
		.engine = r->options->engine,
		.builders = r->builders,
		.shared = r->shared,
		.artifacts = r->options->plan->artifacts,
		.slot = slot,
		.rebuild = r->options->plan->rebuild,
		.make_jobs = r->options->make_jobs,
		.threads = r->options->threads,
		.timeout_s = r->options->timeout_s,
		.cancel = r->options->cancel,
		.listener = r->options->listener,
		.log = r->options->log,
	};

	for (int attempt = 1;; attempt++) {
		if (session_run(&options, job, toolchain_id, packages->fds, result, e) == 0)
			return 0;
		if (e->kind != ERR_TEMPORARY || attempt == ATTEMPTS_MAX)
			return -1;
		log_printf(r->options->log, LOG_WARNING, "'%s': %s; once more in a new one", job->kernel->id, e->message);
		session_result_release(result);
		session_result_init(result);
	}
}

/* Facts, and what follows from them. A name that another kernel has already is left to that one. */
static int learn(struct run *r, struct job *job, struct open_packages *packages, struct err *e)
{
	if (packages_facts(r->options, job, packages, e) < 0 || plan_learn(r->options->inputs, job, e) < 0)
		return -1;
	job->has_facts = true;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->plan->count && !job->named; i++) {
		const struct job *other = &r->plan->jobs[i];
		if (other->named && strcmp(other->kernel->id, job->kernel->id) == 0)
			plan_yield(job, other);
	}
	job->named = true;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* Decides on the compiler, makes its image, and reuses or builds. */
static int build_job(struct run *r, unsigned slot, struct job *job, struct open_packages *packages, struct session_result *result,
		     struct err *e)
{
	const struct plan_options *plan = r->options->plan;
	int64_t started = clock_now_ms();
	const char *toolchain_id;

	if (!job->has_facts && learn(r, job, packages, e) < 0)
		return -1;
	if (!job_has_work(job))
		return 0;
	if (plan_choose(plan->toolchains, job, e) < 0)
		return -1;
	if (toolchains_ensure(plan->toolchains, job->choice.recipe, &toolchain_id, e) < 0)
		return -1;
	if (plan_reuse(r->options->inputs, plan, job, toolchain_id, e) < 0)
		return -1;
	if (!job_has_work(job))
		return 0;
	if (packages_repack(r->options, job, packages, e) < 0)
		return -1;
	if (build_in_session(r, slot, job, toolchain_id, packages, result, e) < 0)
		return -1;
	settle(job, result, (double)(clock_now_ms() - started) / 1000);
	return 0;
}

/* The job needs nothing any more that it shared. */
static void leave_shared(struct run *r, struct job *job)
{
	if (!job->shared_need)
		return;
	shared_trees_leave(r->shared, job->shared_need);
	shared_tree_sweep(r->shared, r->options->engine, r->options->log);
}

static void do_job(struct run *r, unsigned slot, struct job *job)
{
	cleanup_session_result struct session_result result;
	struct open_packages packages = { .count = 0 };
	int64_t started = clock_now_ms();
	struct err e;

	session_result_init(&result);
	event_send(r->options->listener, &(struct event){ .kind = EVENT_KERNEL_START, .kernel = job_listed(job)->id });
	int opened = open_packages(r, job, &packages, &e);
	if (opened == 0) {
		open_packages_release(&packages);
		return;
	}
	int done = opened < 0 ? -1 : build_job(r, slot, job, &packages, &result, &e);
	open_packages_release(&packages);
	if (done < 0 && (e.kind == ERR_CANCELLED || e.kind == ERR_UNREACHABLE)) {
		fail_run(r, &e);
		return;
	}
	if (done < 0)
		job_fail(job, e.message);
	publish_all(r, job, &result);
	event_send(r->options->listener, &(struct event){ .kind = EVENT_KERNEL_DONE,
							  .kernel = job_listed(job)->id,
							  .seconds = (double)(clock_now_ms() - started) / 1000 });
	leave_shared(r, job);
}

/* --- the workers --- */

/* The next job that has all it needs; waits for one. NULL when there is none any more, or the run has failed. What failed for want
 * of a package is reported by whoever comes across it. */
static struct job *next_job(struct run *r)
{
	struct job *found = NULL;

	pthread_mutex_lock(&r->lock);
	while (!found && r->failed.kind == ERR_NONE) {
		bool waiting = false;
		for (size_t i = 0; i < r->plan->count && !found; i++) {
			struct job *job = &r->plan->jobs[i];
			if (job->taken)
				continue;
			if (job->packages_missing == 0)
				found = job;
			else
				waiting = true;
		}
		if (found || !waiting)
			break;
		pthread_cond_wait(&r->changed, &r->lock);
	}
	if (r->failed.kind != ERR_NONE)
		found = NULL;
	if (found)
		found->taken = true;
	pthread_mutex_unlock(&r->lock);
	return found;
}

/* Nothing to build (any more): reused, unavailable, or failed for want of a package. */
static void finish_job(struct run *r, struct job *job)
{
	publish_all(r, job, NULL);
	if (job->had_work)
		event_send(r->options->listener, &(struct event){ .kind = EVENT_KERNEL_DONE, .kernel = job_listed(job)->id });
	leave_shared(r, job);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct run *r = worker->run;
	struct job *job;

	while ((job = next_job(r))) {
		if (job_has_work(job))
			do_job(r, worker->slot, job);
		else
			finish_job(r, job);
	}
	pthread_mutex_lock(&r->lock);
	if (--r->working == 0)
		cancel_set(&r->finished);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static int start_workers(struct run *r, struct worker workers[], unsigned *ret_started, struct err *e)
{
	unsigned want = r->options->jobs < JOBS_MAX ? r->options->jobs : JOBS_MAX;

	r->working = want;
	for (unsigned i = 0; i < want; i++)
		workers[i] = (struct worker){ .run = r, .slot = i };
	for (*ret_started = 0; *ret_started < want; ++*ret_started) {
		int rc = pthread_create(&workers[*ret_started].thread, NULL, work, &workers[*ret_started]);
		if (!rc)
			continue;
		if (*ret_started == 0)
			return err_system(e, rc, "starting a thread");
		/* One is enough to go on with. */
		pthread_mutex_lock(&r->lock);
		r->working -= want - *ret_started;
		if (r->working == 0)
			cancel_set(&r->finished);
		pthread_mutex_unlock(&r->lock);
		break;
	}
	return 0;
}

/* Until the workers have ended. Those that wait for packages or for each other notice a cancel by way of those who are told here.
 */
static void await_workers(struct run *r)
{
	struct pollfd fds[] = { { .fd = cancel_fd(&r->finished), .events = POLLIN },
				{ .fd = cancel_fd(r->options->cancel), .events = POLLIN } };

	while (!fds[0].revents) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents) {
			supply_stop(r->supply);
			shared_trees_stop(r->shared);
			fds[1].fd = -1;
			fds[1].revents = 0;
		}
	}
}

static int expect_jobs(struct run *r, struct err *e)
{
	for (size_t i = 0; i < r->plan->count; i++) {
		struct job *job = &r->plan->jobs[i];
		job->had_work = job_has_work(job);
		job->packages_missing = job->had_work ? (unsigned)job->kernel->package_count : 0;
		if (!job->had_work || !shared_tree_wanted(job->kernel))
			continue;
		job->shared_need = shared_tree_need(job, e);
		if (!job->shared_need || shared_trees_expect(r->shared, job->shared_need, e) < 0)
			return -1;
	}
	return 0;
}

static int run_workers(struct run *r, struct err *e)
{
	const struct supply_options supply = {
		.cache = r->options->plan->cache,
		.mirrors = r->options->mirrors,
		.listener = r->options->listener,
		.arrived = package_arrived,
		.context = r,
	};
	struct worker workers[JOBS_MAX];
	unsigned started = 0;

	if (expect_jobs(r, e) < 0 || supply_start(&supply, r->plan->jobs, r->plan->count, &r->supply, e) < 0)
		return -1;
	int result = start_workers(r, workers, &started, e);
	if (result == 0)
		await_workers(r);
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	supply_free(r->supply);
	if (result == 0 && r->failed.kind != ERR_NONE) {
		*e = r->failed;
		result = -1;
	}
	return result;
}

int run_plan(const struct run_options *options, struct plan *plan, struct err *e)
{
	const struct builders_options builders = {
		.engine = options->engine,
		.seccomp_profile = options->inputs->seccomp_profile,
		.jobs = options->jobs,
		.log = options->log,
	};
	struct run r = { .options = options, .plan = plan, .finished.event_fd = -1 };
	struct err sweeping;

	if (cancel_init(&r.finished, e) < 0 || shared_trees_new(&r.shared, e) < 0 || builders_new(&builders, &r.builders, e) < 0) {
		shared_trees_free(r.shared);
		cancel_release(&r.finished);
		return -1;
	}
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.changed, NULL);
	/* Before the first object: of a tree that a killed run left it must be known which version's objects it holds. */
	int result = output_put_version(options->output, e);
	if (result == 0)
		result = run_workers(&r, e);
	builders_free(r.builders);
	shared_trees_free(r.shared);
	/* A container whose creation was under way when the run ended is known to the engine alone. */
	if (result < 0 && options->engine && engine_sweep_own(options->engine, NULL, &sweeping) < 0)
		log_printf(options->log, LOG_WARNING, "looking for containers left behind: %s", sweeping.message);
	cancel_release(&r.finished);
	pthread_cond_destroy(&r.changed);
	pthread_mutex_destroy(&r.lock);
	return result;
}
