#include "build/builders.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/container.h"
#include "engine/engine.h"
#include "engine/exec.h"

enum {
	/* Room for a header tree and a build, and for a tree that jobs share: not more of these than jobs are at work, or soon
	 * after. tmpfs takes only what is used. */
	WORK_MIB_PER_JOB = 2048 + 512,
	PIDS_PER_JOB = 1024,
	FIRST_UID = 61000, /* nobody's in any distribution's images */
	KILL_MS = 20000,
	REMOVALS_MAX = 16, /* at once */
};

struct builder {
	char *family, *image_id, *container; /* container NULL: none now */
	int lease;
	struct builder *next;
};

struct builders {
	struct builders_options options;
	pthread_mutex_t lock; /* also held while a container starts: who wants the same one has to wait anyway */
	struct builder *first;
};

int builders_new(const struct builders_options *options, struct builders **ret, struct err *e)
{
	struct builders *b = calloc(1, sizeof(*b));
	if (!b)
		return err_no_memory(e);
	b->options = *options;
	pthread_mutex_init(&b->lock, NULL);
	*ret = b;
	return 0;
}

/* With the lock held, or nobody else about. */
static void drop_container(struct builders *b, struct builder *one)
{
	struct err e;

	if (!one->container)
		return;
	if (one->lease >= 0)
		close(steal_fd(&one->lease));
	if (container_remove(b->options.engine, one->container, &e) < 0)
		log_printf(b->options.log, LOG_WARNING, "builder '%.12s' could not be removed: %s", one->container, e.message);
	free(steal_ptr(&one->container));
}

struct removal {
	struct builders *builders;
	struct builder *builder;
	pthread_t thread;
};

static void *remove_container(void *context)
{
	struct removal *r = context;

	drop_container(r->builders, r->builder);
	return NULL;
}

/* All at once: the engine takes its time over each, in which nothing else is left to be done. */
static void drop_all(struct builders *b)
{
	struct removal removals[REMOVALS_MAX];
	size_t count = 0;

	for (struct builder *one = b->first; one; one = one->next) {
		struct removal *r = &removals[count];
		if (!one->container)
			continue;
		*r = (struct removal){ .builders = b, .builder = one };
		if (count + 1 < REMOVALS_MAX && pthread_create(&r->thread, NULL, remove_container, r) == 0)
			count++;
		else
			remove_container(r);
	}
	for (size_t i = 0; i < count; i++)
		pthread_join(removals[i].thread, NULL);
}

void builders_free(struct builders *b)
{
	if (!b)
		return;
	drop_all(b);
	for (struct builder *one = b->first, *next; one; one = next) {
		next = one->next;
		free(one->family);
		free(one->image_id);
		free(one);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* Of this machine: the engine behind a Unix socket is on it. */
static uint64_t memory_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : (uint64_t)4 << 30;
}

static int create(struct builders *b, const struct builder *one, char **ret_id, struct err *e)
{
	const unsigned jobs = b->options.jobs;
	/* Ends with the lease on its stdin. The shell stays as the parent of what a killed job leaves behind, and reaps it. */
	static const char *const cmd[] = { "sh", "-c", "cat >/dev/null; exit 0", NULL };
	static const char *const env[] = { "LC_ALL=C", "HOME=/nonexistent",
					   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	static const struct container_ulimit ulimits[] = { { "nofile", 4096, 4096 }, { "nproc", 65536, 65536 }, { "core", 0, 0 } };
	const uint64_t memory = memory_bytes();
	const uint64_t wanted = ((uint64_t)WORK_MIB_PER_JOB << 20) * (jobs + 1);
	/* A full /work must not take the machine's memory with it, nor may a compiler. */
	cleanup_free char *work = str_printf(e, "rw,exec,nosuid,nodev,size=%llu,mode=1777",
					     (unsigned long long)(wanted < memory / 2 ? wanted : memory / 2));
	cleanup_free char *label = str_printf(e, "org.orchestrate.family=%s", one->family);
	if (!work || !label)
		return -1;
	const char *const labels[] = { label, NULL };
	const struct container_tmpfs tmpfs[] = { { "/work", work }, { "/tmp", "rw,noexec,nosuid,nodev,size=256m,mode=1777" } };
	const struct container_spec spec = {
		.image = one->image_id,
		.role = "builder",
		.cmd = cmd,
		.env = env,
		.labels = labels,
		.user = "65534:65534",
		/* No workdir: engines make it as root's in the image first, and a tmpfs takes its mode from what it covers. */
		.no_network = true,
		.drop_capabilities = true,
		.no_new_privileges = true,
		.read_only = true,
		.init = engine_info(b->options.engine)->has_init,
		.open_stdin = true,
		.memory_bytes = memory / 4 * 3,
		.pids_limit = (int)(PIDS_PER_JOB * (jobs + 1)),
		.tmpfs = tmpfs,
		.tmpfs_count = ARRAY_LEN(tmpfs),
		.ulimits = ulimits,
		.ulimit_count = ARRAY_LEN(ulimits),
		.seccomp = b->options.seccomp_profile,
	};
	return container_create(b->options.engine, &spec, ret_id, e);
}

/* With the lock held. */
static int start(struct builders *b, struct builder *one, struct err *e)
{
	cleanup_free char *id = NULL;
	cleanup_close int lease = -1;
	struct err ignored;

	if (create(b, one, &id, e) < 0)
		return err_wrap(e, "creating the builder");
	if (container_attach_lease(b->options.engine, id, &lease, e) < 0 || container_start(b->options.engine, id, e) < 0) {
		if (container_remove(b->options.engine, id, &ignored) < 0)
			log_printf(b->options.log, LOG_WARNING, "builder '%.12s' could not be removed: %s", id, ignored.message);
		return err_wrap(e, "starting the builder");
	}
	one->container = steal_ptr(&id);
	one->lease = steal_fd(&lease);
	return 0;
}

static struct builder *find(struct builders *b, const char *family, const char *image_id, struct err *e)
{
	struct builder *one = b->first;

	while (one && (strcmp(one->family, family) != 0 || strcmp(one->image_id, image_id) != 0))
		one = one->next;
	if (one)
		return one;
	one = calloc(1, sizeof(*one));
	if (!one) {
		err_no_memory(e);
		return NULL;
	}
	one->lease = -1;
	one->family = str_dup(family, e);
	one->image_id = str_dup(image_id, e);
	if (!one->family || !one->image_id) {
		free(one->family);
		free(one->image_id);
		free(one);
		return NULL;
	}
	one->next = b->first;
	b->first = one;
	return one;
}

int builders_get(struct builders *b, const char *family, const char *image_id, char **ret_id, struct err *e)
{
	int result = 0;

	pthread_mutex_lock(&b->lock);
	struct builder *one = find(b, family, image_id, e);
	if (!one || (!one->container && start(b, one, e) < 0))
		result = -1;
	if (result == 0) {
		*ret_id = str_dup(one->container, e);
		result = *ret_id ? 0 : -1;
	}
	pthread_mutex_unlock(&b->lock);
	return result;
}

static struct builder *find_container(struct builders *b, const char *container_id)
{
	for (struct builder *one = b->first; one; one = one->next)
		if (one->container && strcmp(one->container, container_id) == 0)
			return one;
	return NULL;
}

int builders_alive(struct builders *b, const char *container_id, struct err *e)
{
	struct container_state state;

	if (container_inspect(b->options.engine, container_id, &state, e) < 0) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		state.status = CONTAINER_EXITED;
	}
	if (state.status == CONTAINER_RUNNING)
		return 1;
	builders_discard(b, container_id);
	return 0;
}

void builders_discard(struct builders *b, const char *container_id)
{
	pthread_mutex_lock(&b->lock);
	struct builder *one = find_container(b, container_id);
	if (one)
		drop_container(b, one);
	pthread_mutex_unlock(&b->lock);
}

void builders_user(unsigned slot, char ret[BUILDERS_USER_MAX])
{
	snprintf(ret, BUILDERS_USER_MAX, "%u:%u", FIRST_UID + slot, FIRST_UID + slot);
}

/* kill(2) with -1 reaches all that the caller may signal, but not itself: just the processes of this user. The second round is for
 * what was being started meanwhile. */
static const char kill_script[] = "kill -KILL -1 2>/dev/null; rm -rf \"/work/$1\"; kill -KILL -1 2>/dev/null; rm -rf \"/work/$1\"";

int builders_kill_job(struct builders *b, const char *container_id, unsigned slot, const char *job, struct err *e)
{
	const char *const argv[] = { "sh", "-c", kill_script, "kill-job", job, NULL };
	char user[BUILDERS_USER_MAX];
	const struct exec_spec spec = { .container = container_id, .argv = argv, .user = user };
	struct exec_io io = EXEC_IO_NONE;
	int code = 0;

	builders_user(slot, user);
	io.deadline_ms = clock_now_ms() + KILL_MS;
	if (exec_run(b->options.engine, &spec, &io, &code, e) < 0)
		return -1;
	if (code != 0)
		return err_set(e, ERR_FAILED, "the directory of '%s' could not be removed", job);
	return 0;
}
