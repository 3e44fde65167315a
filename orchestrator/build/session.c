#include "build/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/exec.h"
#include "gate/result.h"
#include "package/unpack.h"

/* What lives as long as one kernel is in the builder. */
struct session {
	const struct session_options *options;
	const struct job *job;
	char *container, *job_name; /* job_name: the directory below /work and the mark by which its processes are found */
	struct exec *exec;
	struct filter *tree;
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
	free(s->container);
	free(s->job_name);
}

static bool wants(const struct job *job, int kind)
{
	return job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED;
}

/* --- the environment of the in-container script (images/build.sh) --- */

static int add_env(struct strv *env, struct err *e, const char *name, const char *value)
{
	return strv_take(env, str_printf(e, "%s=%s", name, value), e);
}

static int add_kinds(const struct session *s, struct strv *env, struct err *e)
{
	cleanup_buf struct buf kinds = { 0 };

	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct probe_kind *what = &s->options->inputs->probe.kinds[kind];
		const char *name = kind_name((enum probe_kind_id)kind);
		if (!wants(s->job, kind))
			continue;
		if (buf_printf(&kinds, e, "%s%s", kinds.len ? " " : "", name) < 0 ||
		    strv_take(env, str_printf(e, "BUILD_%s=%s", name, what->build), e) < 0 ||
		    strv_take(env, str_printf(e, "OUTPUT_%s=%s", name, what->output), e) < 0)
			return -1;
	}
	return add_env(env, e, "KINDS", buf_text(&kinds));
}

static int add_toolchain(const struct session *s, struct strv *env, struct err *e)
{
	const struct recipe *recipe = s->job->choice.recipe;
	unsigned gcc = (unsigned)s->job->choice.gcc;

	if (strv_take(env, str_printf(e, "CC=gcc-%u", gcc), e) < 0 ||
	    strv_take(env, str_printf(e, "CLANG=clang-%u", recipe->clang), e) < 0 ||
	    strv_take(env, str_printf(e, "LLVM_STRIP=llvm-strip-%u", recipe->clang), e) < 0 ||
	    add_env(env, e, "STRIP", "strip") < 0)
		return -1;
	for (size_t i = 0; i < recipe->env_count; i++) {
		cleanup_free char *value = recipe_expand(recipe, recipe->env[i].value, gcc, e);
		if (!value || add_env(env, e, recipe->env[i].name, value) < 0)
			return -1;
	}
	return 0;
}

/* As make itself writes variables into MAKEFLAGS: it splits at blanks and expands what it reads. */
static int append_for_makeflags(struct buf *flags, const char *variable, struct err *e)
{
	if (buf_puts(flags, " ", e) < 0)
		return -1;
	for (const char *p = variable; *p; p++) {
		const char *before = *p == '$' ? "$" : *p == ' ' || *p == '\t' || *p == '\\' ? "\\" : "";
		if (buf_printf(flags, e, "%s%c", before, *p) < 0)
			return -1;
	}
	return 0;
}

/* Variables behind `--` in MAKEFLAGS count as if given on make's command line (GNU make manual, "Options/Recursion"). */
static int add_make_variables(const struct strv *variables, struct strv *env, struct err *e)
{
	cleanup_buf struct buf flags = { 0 };

	if (!variables->len)
		return 0;
	if (buf_puts(&flags, " --", e) < 0)
		return -1;
	for (size_t i = 0; i < variables->len; i++)
		if (append_for_makeflags(&flags, variables->items[i], e) < 0)
			return -1;
	return add_env(env, e, "MAKEFLAGS", buf_text(&flags));
}

static int fill_env(const struct session *s, const struct tree_rules *rules, struct strv *env, struct err *e)
{
	const struct inputs *in = s->options->inputs;

	if (add_env(env, e, "JOB", s->job_name) < 0 || strv_take(env, str_printf(e, "PROBE_BYTES=%zu", in->sources.len), e) < 0 ||
	    add_env(env, e, "BUILD_DIR", rules->build_dir) < 0 || add_env(env, e, "KERNEL_RELEASE", s->job->kernel->release) < 0 ||
	    add_env(env, e, "ARCH", s->job->kernel->arch->srcarch) < 0 ||
	    add_env(env, e, "MODULE_VERSION", in->module_version) < 0 ||
	    strv_take(env, str_printf(e, "JOBS=%u", s->options->make_jobs), e) < 0)
		return -1;
	if (add_kinds(s, env, e) < 0 || add_toolchain(s, env, e) < 0)
		return -1;
	return add_make_variables(&s->job->distro->distro->toolchain.make, env, e);
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
	const struct result_expect expect = { .release = s->job->kernel->release,
					      .elf_machine = s->job->kernel->arch->elf_machine };
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

/* Starts the script and everything that feeds it; the tree goes from the filter straight into the engine's socket. */
static int start_build(struct session *s, const int package_fds[], struct err *e)
{
	const struct distro *distro = s->job->distro->distro;
	const struct kernel *kernel = s->job->kernel;
	const struct inputs *in = s->options->inputs;
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cleanup_strv struct strv env = { 0 };
	const char *names[UNPACK_PACKAGES_MAX];

	if (distro_tree_rules(distro, kernel, &rules, e) < 0 || fill_env(s, &rules, &env, e) < 0 || start_result_filter(s, e) < 0)
		return -1;
	for (size_t i = 0; i < kernel->package_count; i++)
		names[i] = kernel->packages[i].file_name;
	const char *const argv[] = { "sh", "-c", in->build_script, "orchestrate-build", NULL };
	const struct exec_spec spec = {
		.container = s->container, .argv = argv, .env = (const char *const *)env.items, .workdir = "/work"
	};
	if (exec_start(s->options->engine, &spec, true, &s->exec, e) < 0)
		return -1;
	int socket = exec_stdin_fd(s->exec);
	if (fd_write_all(socket, in->sources.data, in->sources.len, e) < 0)
		return err_set(e, ERR_TEMPORARY, "sending the probe's sources: %s", strerror(e->errnum));
	return tree_filter_start(NULL, package_fds, names, kernel->package_count, distro->format, &rules, socket, &s->tree, e);
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

/* The connection ended otherwise than by the script's end. */
static int explain_broken(struct session *s, struct session_result *ret, struct err *e)
{
	struct err why = *e, checking;

	if (why.kind == ERR_CANCELLED || cancel_is_set(s->options->cancel))
		return err_set(e, ERR_CANCELLED, "cancelled");
	int alive = builders_alive(s->options->builders, s->container, &checking);
	if (alive == 0)
		return err_set(e, ERR_TEMPORARY, "the builder died while it built this kernel");
	if (alive < 0)
		return err_set(e, checking.kind, "%s", checking.message);
	/* The script may still run: end it before anybody else works in there under the same name. */
	if (builders_kill_job(s->options->builders, s->container, s->job_name, &checking) < 0) {
		log_printf(s->options->log, LOG_WARNING, "the builder of '%s' is replaced: %s", s->job->kernel->id,
			   checking.message);
		builders_discard(s->options->builders, s->container);
	}
	if (why.kind == ERR_TIMEOUT) {
		char reason[128];
		snprintf(reason, sizeof(reason), "not done after %u s (--timeout); all its processes were ended",
			 s->options->timeout_s);
		return fail_all(s, ret, reason);
	}
	*e = why;
	return -1;
}

/* What goes with the artifact for those who look at the store later. */
static char *meta_text(const struct session *s, int kind, const struct result_object *object, struct err *e)
{
	char raw[DIGEST_HEX + 1], compiler[32];
	json_t *packages = json_array();

	digest_hex(&object->raw, raw);
	snprintf(compiler, sizeof(compiler), "gcc-%d", s->job->choice.gcc);
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
	if (!tree_good && (exit_code == 0 || tree_failed.kind != ERR_FAILED))
		return fail_all(s, ret, tree_failed.message);
	if (exit_code == 2)
		return fail_all(s, ret, "the header tree could not be unpacked in the builder");
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

static int run(struct session *s, const char *toolchain_id, const int package_fds[], struct session_result *ret, struct err *e)
{
	struct exec_io io = EXEC_IO_NONE;
	int exit_code = -1;

	s->job_name = str_printf(e, "%s-%s", s->job->distro->distro->name, s->job->kernel->id);
	if (!s->job_name || builders_get(s->options->builders, s->job->distro->distro->family, toolchain_id, &s->container, e) < 0)
		return -1;
	if (start_build(s, package_fds, e) < 0)
		return explain_broken(s, ret, e);
	io.writer_fd = filter_poll_fd(s->tree);
	io.deadline_ms = clock_now_ms() + (int64_t)s->options->timeout_s * 1000;
	io.sinks = (struct frame_sinks){ .out = on_stdout, .err = on_stderr, .context = s };
	io.cancel = s->options->cancel;
	int pumped = exec_pump(s->exec, &io, e);
	/* A script that ended before it had read everything leaves the filter writing to a socket that nobody reads. */
	exec_stdin_close(s->exec);
	if (pumped < 0 || exec_wait(s->exec, &io, &exit_code, e) < 0)
		return explain_broken(s, ret, e);
	/* The connection ends cleanly too when the container is killed; only the container itself tells. */
	if (exit_code >= 128) {
		int alive = builders_alive(s->options->builders, s->container, e);
		if (alive <= 0)
			return alive < 0 ? -1 : err_set(e, ERR_TEMPORARY, "the builder died while it built this kernel");
	}
	return collect(s, exit_code, ret, e);
}

int session_run(const struct session_options *options, const struct job *job, const char *toolchain_id, const int package_fds[],
		struct session_result *ret, struct err *e)
{
	struct session s = { .options = options, .job = job, .result_fd = -1, .result.report_fd = -1, .log = &ret->log };

	int result = run(&s, toolchain_id, package_fds, ret, e);
	session_release(&s);
	return result;
}
