#include "build/shared_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "build/build_log.h"
#include "engine/exec.h"

/* Raise it when what lies in such a tree changes for another reason than its packages and rules. */
static const char scheme[] = "orchestrate shared tree 1";

enum { REMOVE_MS = 20000 };

bool shared_tree_wanted(const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->package_count; i++)
		if (kernel->packages[i].shared)
			return true;
	return false;
}

char *shared_tree_need(const struct job *job, struct err *e)
{
	cleanup_buf struct buf need = { 0 };

	if (buf_puts(&need, job->distro->distro->name, e) < 0)
		return NULL;
	for (size_t i = 0; i < job->kernel->package_count; i++)
		if (job->kernel->packages[i].shared && buf_printf(&need, e, "\n%s", job->kernel->packages[i].url) < 0)
			return NULL;
	return buf_steal(&need);
}

static int hash_tree(struct hasher *h, const struct job *job, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	cleanup_tree_rules struct tree_rules rules = { 0 };

	if (distro_shared_rules(distro, job->kernel, &rules, e) < 0)
		return -1;
	cleanup_free char *text = tree_rules_encode(&rules, e);
	if (!text || hasher_text(h, scheme, e) < 0 || hasher_text(h, distro->format, e) < 0 || hasher_text(h, text, e) < 0)
		return -1;
	for (size_t i = 0; i < job->kernel->package_count; i++)
		if (job->kernel->packages[i].shared && hasher_field(h, job->package_digests[i].bytes, DIGEST_BYTES, e) < 0)
			return -1;
	return 0;
}

char *shared_tree_path(const struct job *job, struct err *e)
{
	struct hasher *h = hasher_new(e);
	char hex[DIGEST_HEX + 1];
	struct digest digest;

	if (!h)
		return NULL;
	int result = hash_tree(h, job, e);
	if (result == 0)
		result = hasher_finish(h, &digest, e);
	hasher_free(h);
	if (result < 0)
		return NULL;
	digest_hex(&digest, hex);
	/* A job's directory begins with a distro's name and a dash, so it is never this. */
	return str_printf(e, "/work/common_%s", hex);
}

void package_part(const struct kernel *kernel, const int package_fds[], bool shared, struct package_part *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < kernel->package_count; i++) {
		if (kernel->packages[i].shared != shared)
			continue;
		ret->fds[ret->count] = package_fds[i];
		ret->names[ret->count++] = kernel->packages[i].file_name;
	}
}

unsigned shared_tree_slot(unsigned slot)
{
	return BUILDERS_SLOTS_MAX + slot;
}

static int on_output(void *context, const void *bytes, size_t len, struct err *e)
{
	return build_log_feed(context, bytes, len, e);
}

/* The other end of the stream is open: what the filter writes goes into it. */
static int pump(const struct shared_tree_spec *spec, struct exec *exec, struct filter *filter, struct err *e)
{
	const struct exec_io io = {
		.stdin_fd = -1,
		.writer_fd = filter_poll_fd(filter),
		.sinks = { .out = on_output, .err = on_output, .context = spec->log },
		.deadline_ms = spec->deadline_ms,
		.cancel = spec->cancel,
	};
	struct err unpacking;
	int code = -1;

	int pumped = exec_pump(exec, &io, e);
	/* A tar that ended before it had read everything leaves the filter writing to a socket that nobody reads. */
	exec_stdin_close(exec);
	if (pumped < 0 || exec_wait(exec, &io, &code, e) < 0)
		return -1;
	/* Where tar gave up first, the filter's broken pipe is only the consequence. */
	if (filter_wait(filter, spec->cancel, &unpacking) < 0 && (code == 0 || unpacking.kind != ERR_TEMPORARY)) {
		*e = unpacking;
		return -1;
	}
	return code == 0 ? 0 : err_set(e, ERR_FAILED, "what it shares with other kernels could not be unpacked in the builder");
}

static const char make_script[] = "umask 022; mkdir \"$1\" && exec tar -x -f - -b 128 -C \"$1\" --no-same-owner";

int shared_tree_make(const struct shared_tree_spec *spec, const struct job *job, const int package_fds[], struct err *e)
{
	const char *const argv[] = { "sh", "-c", make_script, "orchestrate-unpack", spec->place->path, NULL };
	const struct distro *distro = job->distro->distro;
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cleanup_of(exec) struct exec *exec = NULL;
	struct filter *filter = NULL;
	struct package_part part;
	char user[BUILDERS_USER_MAX];
	const struct exec_spec what = { .container = spec->place->container, .argv = argv, .workdir = "/work", .user = user };

	builders_user(shared_tree_slot(spec->place->slot), user);
	package_part(job->kernel, package_fds, true, &part);
	if (distro_shared_rules(distro, job->kernel, &rules, e) < 0 || exec_start(spec->engine, &what, true, &exec, e) < 0 ||
	    tree_filter_start(NULL, part.fds, part.names, part.count, distro->format, spec->threads, &rules, exec_stdin_fd(exec),
			      spec->place->captures_fd, &filter, e) < 0)
		return -1;
	int result = pump(spec, exec, filter, e);
	filter_free(filter);
	return result;
}

static int remove_tree(struct engine *engine, const struct shared_place *place, struct err *e)
{
	const char *const argv[] = { "rm", "-rf", place->path, NULL };
	char user[BUILDERS_USER_MAX];
	const struct exec_spec spec = { .container = place->container, .argv = argv, .user = user };
	struct exec_io io = EXEC_IO_NONE;
	int code = 0;

	builders_user(shared_tree_slot(place->slot), user);
	io.deadline_ms = clock_now_ms() + REMOVE_MS;
	if (exec_run(engine, &spec, &io, &code, e) < 0)
		return -1;
	return code == 0 ? 0 : err_set(e, ERR_FAILED, "rm failed");
}

void shared_tree_sweep(struct shared_trees *trees, struct engine *engine, struct log *log)
{
	struct shared_place *place;
	struct err e;

	while (shared_trees_unneeded(trees, &place)) {
		if (remove_tree(engine, place, &e) < 0)
			log_printf(log, LOG_WARNING, "'%s' stays in the builder until it ends: %s", place->path, e.message);
		else
			log_printf(log, LOG_DEBUG, "builder %.12s: '%s' is removed", place->container, place->path);
		shared_trees_removed(trees, place);
	}
}
