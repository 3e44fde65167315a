#include "build/session.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "build/captures.h"
#include "build/environment.h"
#include "build/shared_tree.h"
#include "engine/exec.h"
#include "gate/result.h"
#include "package/capture.h"
#include "package/unpack.h"

/* What lives as long as one kernel is in the builder. */
struct session {
	const struct session_options *options;
	const struct job *job;
	char *container, *job_name; /* job_name: the directory below /work */
	char user[BUILDERS_USER_MAX];
	int64_t deadline_ms;
	struct shared_place *shared; /* held */
	struct exec *exec;
	struct filter *tree;
	int captures_fd; /* of the kernel's own packages */
	struct result_filter result;
	struct artifact_draft *drafts[KIND_COUNT];
	int result_fd; /* the builder's stdout goes on to the result filter here */
	struct build_log *log;
};

void session_result_init(struct session_result *r)
{
	*r = (struct session_result){ 0 };
	for (int kind = 0; kind < KIND_COUNT; kind++)
		r->objects[kind].artifact.fd = -1;
}

void session_result_release(struct session_result *r)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		artifact_release(&r->objects[kind].artifact);
		free(r->objects[kind].reason);
	}
	build_log_release(&r->log);
}

static void session_release(struct session *s)
{
	exec_free(s->exec);
	filter_free(s->tree);
	result_filter_release(&s->result);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		artifact_draft_free(s->drafts[kind]);
	if (s->result_fd >= 0)
		close(s->result_fd);
	if (s->captures_fd >= 0)
		close(s->captures_fd);
	if (s->shared)
		shared_trees_put(s->options->shared, s->shared);
	free(s->container);
	free(s->job_name);
}

static bool wants(const struct job *job, int kind)
{
	return job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED;
}

/* What this session alone adds to the environment that the key covers (build/environment.h). */
static int fill_env(const struct session *s, struct strv *env, struct err *e)
{
	const struct inputs *in = s->options->inputs;
	cleanup_buf struct buf kinds = { 0 };

	if (environment_common(in, s->job, env, e) < 0)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (!wants(s->job, kind))
			continue;
		if (buf_printf(&kinds, e, "%s%s", kinds.len ? " " : "", kind_name((enum probe_kind_id)kind)) < 0 ||
		    environment_kind(in, (enum probe_kind_id)kind, env, e) < 0)
			return -1;
	}
	if (strv_take(env, str_printf(e, "KINDS=%s", buf_text(&kinds)), e) < 0 ||
	    strv_take(env, str_printf(e, "JOB=%s", s->job_name), e) < 0 ||
	    strv_take(env, str_printf(e, "PROBE_BYTES=%zu", in->sources_len), e) < 0 ||
	    strv_take(env, str_printf(e, "MEMORY_BYTES=%zu", in->ahead.len - in->sources_len), e) < 0)
		return -1;
	return strv_take(env, str_printf(e, "JOBS=%u", s->options->make_jobs), e);
}

/* --- the streams --- */

static int on_stdout(void *context, const void *bytes, size_t len, struct err *e)
{
	struct session *s = context;
	struct err failed;

	if (s->result_fd < 0 || fd_write_all(s->result_fd, bytes, len, &failed) == 0)
		return 0;
	if (failed.errnum != EPIPE) {
		*e = failed;
		return -1;
	}
	/* The result filter has given up; it will say why. */
	close(steal_fd(&s->result_fd));
	return 0;
}

static int on_stderr(void *context, const void *bytes, size_t len, struct err *e)
{
	return build_log_feed(((struct session *)context)->log, bytes, len, e);
}

static int start_result_filter(struct session *s, struct err *e)
{
	cleanup_free char *module_name = captures_module_name(&s->options->inputs->probe);
	const int captures[] = { s->captures_fd, s->shared ? s->shared->captures_fd : -1 };
	const struct result_expect expect = { .release = s->job->kernel->release,
					      .elf_machine = s->job->kernel->arch->elf_machine,
					      .module_name = module_name,
					      .capture_fds = captures,
					      .capture_count = s->shared ? 2 : 1 };
	int out_fds[KIND_COUNT], pipe_fds[2];

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		out_fds[kind] = -1;
		if (!wants(s->job, kind))
			continue;
		if (artifact_draft_new(s->options->artifacts, &s->job->tasks[kind].key, &s->drafts[kind], e) < 0)
			return -1;
		out_fds[kind] = artifact_draft_fd(s->drafts[kind]);
	}
	if (fd_pipe(pipe_fds, e) < 0)
		return -1;
	cleanup_close int read_end = pipe_fds[0];
	s->result_fd = pipe_fds[1];
	return result_filter_start(NULL, read_end, &expect, out_fds, &s->result, e);
}

/* What goes in before the tree. A script that ended already takes none; the pump will tell. */
static int send_ahead(struct session *s, int socket, struct err *e)
{
	const struct buf *ahead = &s->options->inputs->ahead;
	struct pollfd fds[] = { { .fd = socket, .events = POLLOUT }, { .fd = cancel_fd(s->options->cancel), .events = POLLIN } };

	for (size_t at = 0; at < ahead->len;) {
		ssize_t n = send(socket, ahead->data + at, ahead->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_system(e, errno, "sending the probe's sources");
		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		int ready = poll(fds, ARRAY_LEN(fds), clock_poll_timeout(s->deadline_ms));
		if (ready < 0 && errno != EINTR)
			return err_system(e, errno, "poll");
		if (cancel_check(s->options->cancel, e) < 0)
			return -1;
		if (ready == 0)
			return err_set(e, ERR_TIMEOUT, "the probe's sources were not taken in time");
	}
	return 0;
}

/* Starts the script and everything that feeds it; the tree of the kernel's own packages goes from the filter straight into the
 * engine's socket. */
static int start_build(struct session *s, const int package_fds[], struct err *e)
{
	const struct distro *distro = s->job->distro->distro;
	const struct kernel *kernel = s->job->kernel;
	const struct inputs *in = s->options->inputs;
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cleanup_strv struct strv env = { 0 };
	struct package_part own;

	/* The result filter reads from it what the tree filter writes: the whole of it is there before the builder has the whole
	 * of the tree, hence before there can be any object. */
	s->captures_fd = captures_memory(e);
	if (s->captures_fd < 0 || distro_tree_rules(distro, kernel, &rules, e) < 0 || fill_env(s, &env, e) < 0 ||
	    start_result_filter(s, e) < 0)
		return -1;
	package_part(kernel, package_fds, false, &own);
	const char *const argv[] = { "sh", "-c", in->build_script, "orchestrate-build", NULL };
	const struct exec_spec spec = {
		.container = s->container, .argv = argv, .env = (const char *const *)env.items, .workdir = "/work", .user = s->user
	};
	if (exec_start(s->options->engine, &spec, true, &s->exec, e) < 0)
		return -1;
	int socket = exec_stdin_fd(s->exec);
	if (send_ahead(s, socket, e) < 0)
		return -1;
	return tree_filter_start(NULL, own.fds, own.names, own.count, distro->format, s->options->threads, &rules, socket,
				 s->captures_fd, &s->tree, e);
}

/* --- how it went --- */

static int fail_all(const struct session *s, struct session_result *ret, const char *reason)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (wants(s->job, kind)) {
			free(ret->objects[kind].reason);
			ret->objects[kind].reason = strdup(reason);
		}
	return 0;
}

static void builder_is_gone(struct session *s)
{
	shared_trees_forget(s->options->shared, s->container);
}

/* The connection ended otherwise than by the script's end; or what was unpacked must go again. What the user of `slot` still does
 * in there is ended, and its directory removed. *e becomes the reason. */
static int explain_broken(struct session *s, unsigned slot, const char *directory, struct err *e)
{
	struct err why = *e, checking;

	if (why.kind == ERR_CANCELLED || cancel_is_set(s->options->cancel))
		return err_set(e, ERR_CANCELLED, "cancelled");
	int alive = builders_alive(s->options->builders, s->container, &checking);
	if (alive == 0) {
		builder_is_gone(s);
		return err_set(e, ERR_TEMPORARY, "the builder died while it built this kernel");
	}
	if (alive < 0)
		return err_set(e, checking.kind, "%s", checking.message);
	/* The script may still run: end it before anybody else works in there under the same name. */
	if (builders_kill_job(s->options->builders, s->container, slot, directory, &checking) < 0) {
		log_printf(s->options->log, LOG_WARNING, "the builder of '%s' is replaced: %s", s->job->kernel->id,
			   checking.message);
		builders_discard(s->options->builders, s->container);
		builder_is_gone(s);
	}
	if (why.kind == ERR_TIMEOUT && clock_now_ms() >= s->deadline_ms)
		return err_set(e, ERR_TIMEOUT, "not done after %u s (--timeout); all its processes were ended",
			       s->options->timeout_s);
	*e = why;
	return -1;
}

/* What goes with the artifact for those who look at the store later. */
static char *meta_text(const struct session *s, int kind, const struct result_object *object, struct err *e)
{
	char raw[DIGEST_HEX + 1], compiler[32];
	json_t *packages = json_array();

	digest_hex(&object->raw, raw);
	const struct toolchain_choice *choice = &s->job->choice;
	snprintf(compiler, sizeof(compiler), choice->clang ? "clang-%d" : "gcc-%d", choice->clang ? choice->clang : choice->gcc);
	for (size_t i = 0; i < s->job->kernel->package_count; i++)
		json_array_append_new(packages, json_string(s->job->kernel->packages[i].file_name));
	json_t *meta = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "kernel", s->job->kernel->id, "release",
				 s->job->kernel->release, "kind", kind_name((enum probe_kind_id)kind), "distro",
				 s->job->distro->distro->name, "module_version", s->options->inputs->module_version, "toolchain",
				 s->job->choice.recipe->name, "compiler", compiler, "vermagic", object->report.vermagic,
				 "object_sha256", raw, "object_bytes", (json_int_t)object->raw_bytes, "packages", packages);
	char *text = meta ? json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(meta);
	if (!text)
		err_no_memory(e);
	return text;
}

static int collect_object(struct session *s, int kind, const struct result_object *object, struct session_object *ret,
			  struct err *e)
{
	struct err check;

	if (!object->present) {
		ret->reason = str_dup("its build command failed", e);
		return ret->reason ? 0 : -1;
	}
	if (result_check(object, (enum probe_kind_id)kind, &check) < 0) {
		ret->reason = str_dup(check.message, e);
		return ret->reason ? 0 : -1;
	}
	cleanup_free char *meta = meta_text(s, kind, object, e);
	if (s->options->rebuild)
		artifact_draft_replace(s->drafts[kind]);
	if (!meta || artifact_draft_commit(s->drafts[kind], meta, &ret->artifact, e) < 0)
		return -1;
	ret->built = true;
	return 0;
}

static int collect(struct session *s, int exit_code, struct session_result *ret, struct err *e)
{
	struct result_report report = { 0 };
	struct err tree_failed;
	bool tree_good = filter_wait(s->tree, s->options->cancel, &tree_failed) == 0;

	if (s->result_fd >= 0)
		close(steal_fd(&s->result_fd));
	int result = result_filter_finish(&s->result, &report, s->options->cancel, e);
	if (cancel_is_set(s->options->cancel))
		return err_set(e, ERR_CANCELLED, "cancelled");
	/* A package that could not be unpacked explains everything that came after it. Only where the script gave up first is the
	 * filter's broken pipe the consequence. */
	if (!tree_good && (exit_code == 0 || tree_failed.kind != ERR_TEMPORARY))
		return fail_all(s, ret, tree_failed.message);
	if (exit_code == 2)
		return fail_all(s, ret, "the header tree could not be unpacked in the builder");
	if (exit_code == 3)
		return fail_all(s, ret, "its own packages and those that it shares with other kernels don't go together");
	if (exit_code == 4)
		return fail_all(s, ret, "its sources could not be prepared for modules");
	if (exit_code > 1)
		return fail_all(s, ret,
				exit_code == 137 ? "the build was killed (out of memory?)" : "the build script did not start");
	if (result < 0)
		return fail_all(s, ret, e->message);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (wants(s->job, kind) && collect_object(s, kind, &report.objects[kind], &ret->objects[kind], e) < 0)
			return -1;
	return 0;
}

static void send_phase(const struct session *s, const char *phase)
{
	event_send(s->options->listener,
		   &(struct event){ .kind = EVENT_KERNEL_PHASE, .kernel = job_listed(s->job)->id, .text = phase });
}

/* Sees to it that what the kernel shares with others is in the builder, and stays while the session lasts. */
static int hold_shared(struct session *s, const int package_fds[], struct err *e)
{
	const struct session_options *o = s->options;
	cleanup_free char *path = shared_tree_path(s->job, e);
	struct shared_place *place = NULL;

	if (!path)
		return -1;
	int make = shared_trees_get(o->shared, s->container, path, s->job->shared_need, o->slot, s->deadline_ms, &place, e);
	if (make <= 0) {
		s->shared = place;
		return make;
	}
	place->captures_fd = captures_memory(e);
	if (place->captures_fd < 0) {
		shared_trees_failed(o->shared, place, e);
		return -1;
	}
	const struct shared_tree_spec spec = {
		.engine = o->engine,
		.place = place,
		.threads = o->threads,
		.deadline_ms = s->deadline_ms,
		.cancel = o->cancel,
		.log = s->log,
	};
	send_phase(s, "unpacking");
	if (shared_tree_make(&spec, s->job, package_fds, e) < 0) {
		explain_broken(s, shared_tree_slot(o->slot), path_base(path), e);
		shared_trees_failed(o->shared, place, e);
		return -1;
	}
	log_printf(o->log, LOG_DEBUG, "builder %.12s: '%s' is unpacked for '%s'", s->container, path, s->job->kernel->id);
	shared_trees_made(o->shared, place);
	s->shared = place;
	return 0;
}

static int run(struct session *s, const char *toolchain_id, const int package_fds[], struct session_result *ret, struct err *e)
{
	struct exec_io io = EXEC_IO_NONE;
	int exit_code = -1;

	s->job_name = str_printf(e, "%s-%s", s->job->distro->distro->name, s->job->kernel->id);
	if (!s->job_name || builders_get(s->options->builders, s->job->distro->distro->family, toolchain_id, &s->container, e) < 0)
		return -1;
	builders_user(s->options->slot, s->user);
	s->deadline_ms = clock_now_ms() + (int64_t)s->options->timeout_s * 1000;
	if (s->job->shared_need && hold_shared(s, package_fds, e) < 0)
		return -1;
	send_phase(s, "building");
	if (start_build(s, package_fds, e) < 0)
		return explain_broken(s, s->options->slot, s->job_name, e);
	io.writer_fd = filter_poll_fd(s->tree);
	io.deadline_ms = s->deadline_ms;
	io.sinks = (struct frame_sinks){ .out = on_stdout, .err = on_stderr, .context = s };
	io.cancel = s->options->cancel;
	int pumped = exec_pump(s->exec, &io, e);
	/* A script that ended before it had read everything leaves the filter writing to a socket that nobody reads. */
	exec_stdin_close(s->exec);
	if (pumped < 0 || exec_wait(s->exec, &io, &exit_code, e) < 0)
		return explain_broken(s, s->options->slot, s->job_name, e);
	/* The script was killed, so it has not cleaned up after itself. */
	if (exit_code >= 128 && builders_kill_job(s->options->builders, s->container, s->options->slot, s->job_name, e) < 0)
		return explain_broken(s, s->options->slot, s->job_name, e);
	return collect(s, exit_code, ret, e);
}

int session_run(const struct session_options *options, const struct job *job, const char *toolchain_id, const int package_fds[],
		struct session_result *ret, struct err *e)
{
	struct session s = {
		.options = options, .job = job, .result_fd = -1, .captures_fd = -1, .result.report_fd = -1, .log = &ret->log
	};

	int result = run(&s, toolchain_id, package_fds, ret, e);
	session_release(&s);
	return result;
}
