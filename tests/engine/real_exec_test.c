/* Commands in containers of a real engine. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/exec.h"
#include "stream/digest.h"
#include "toolbox_image.h"

struct taken {
	struct buf out, err;
};

static int take_out(void *context, const void *bytes, size_t len, struct err *e)
{
	return buf_append(&((struct taken *)context)->out, bytes, len, e);
}

static int take_err(void *context, const void *bytes, size_t len, struct err *e)
{
	return buf_append(&((struct taken *)context)->err, bytes, len, e);
}

/* Runs `toolbox ARGV...`; what came out is in *t. */
static int run(struct toolbox *box, const char *container, const char *const *argv, struct taken *t, struct err *e)
{
	const struct exec_spec spec = { .container = container, .argv = argv };
	struct exec_io io = EXEC_IO_NONE;
	int code = -1;

	io.sinks = (struct frame_sinks){ take_out, take_err, t };
	return exec_run(box->engine, &spec, &io, &code, e) < 0 ? -1 : code;
}

Test(real_exec, commands_give_their_streams_and_exit_codes, .timeout = 120)
{
	static const struct {
		const char *argv[4], *out, *err;
		int code;
	} rows[] = {
		{ { "/toolbox", "hello" }, "hello\n", "on the other stream\n", 0 },
		{ { "/toolbox", "exit", "3" }, "", "", 3 },
		{ { "/toolbox", "exit", "255" }, "", "", 255 },
		{ { "/toolbox", "cat" }, "", "", 0 }, /* without stdin it reads the end at once */
		{ { "/toolbox", "touch", "/work/file" }, "", "", 0 },
		{ { "/toolbox", "touch", "/file" }, "", "", 1 }, /* read-only */
		{ { "/toolbox", "env", "PATH" }, "/ 65534 /\n", "", 0 },
	};
	struct toolbox box;
	int lease = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct taken t = { 0 };
		struct err e = { 0 };
		int code = run(&box, id, rows[i].argv, &t, &e);
		cr_expect_eq(code, rows[i].code, "%s: %d %s", rows[i].argv[1], code, e.message);
		cr_expect_str_eq(buf_text(&t.out), rows[i].out, "%s: %s", rows[i].argv[1], buf_text(&t.out));
		cr_expect_str_eq(buf_text(&t.err), rows[i].err, "%s: %s", rows[i].argv[1], buf_text(&t.err));
		buf_release(&t.out);
		buf_release(&t.err);
	}
	close(lease);
	toolbox_close(&box);
}

Test(real_exec, a_command_gets_env_and_directory, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "env", "COLOUR", NULL }, *const env[] = { "COLOUR=teal", NULL };
	struct toolbox box;
	struct taken t = { 0 };
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int lease = -1, code = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv, .env = env, .workdir = "/work", .user = "1000" };
	io.sinks = (struct frame_sinks){ take_out, take_err, &t };
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&t.out), "teal 1000 /work\n");
	cr_expect_eq(code, 0);
	buf_release(&t.out);
	close(lease);
	toolbox_close(&box);
}

/* No such program: told somehow, never as success. */
Test(real_exec, a_program_that_is_not_there_is_no_success, .timeout = 120)
{
	static const char *const argv[] = { "/nothing", NULL };
	struct toolbox box;
	struct taken t = { 0 };
	struct err e = { 0 };
	int lease = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	int code = run(&box, id, argv, &t, &e);
	cr_expect_neq(code, 0);
	fprintf(stderr, "no such program gives: code %d, stdout '%s', error '%s'\n", code, buf_text(&t.out), e.message);
	buf_release(&t.out);
	buf_release(&t.err);
	close(lease);
	toolbox_close(&box);
}

/* The profile of the builder containers, as the engine applies it. */
Test(real_exec, the_builders_profile_refuses_what_no_build_needs, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "forbidden", NULL };
	cleanup_buf struct buf profile = { 0 };
	struct toolbox box;
	struct taken t = { 0 };
	struct err e = { 0 };
	int lease = -1;

	toolbox_open(&box, NULL);
	if (engine_info(box.engine)->is_podman || !engine_info(box.engine)->has_seccomp) {
		toolbox_close(&box);
		cr_skip_test("this engine takes no profile");
	}
	cr_assert(file_read("images/seccomp.json", 1 << 20, &profile, &e) == 0, "%s", e.message);
	cleanup_free char *id = toolbox_container_under(&box, profile.data, &lease);
	cr_expect_eq(run(&box, id, argv, &t, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&t.out), "pppppppppppppppps pair\n", "%s", buf_text(&t.out));
	buf_release(&t.out);
	buf_release(&t.err);
	close(lease);
	toolbox_close(&box);
}

enum { BULK = 64 << 20 };

/* Not compressible, not periodic in any buffer's size. */
static void fill(unsigned char *bytes, size_t len)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(x >> 24);
	}
}

struct writer {
	const unsigned char *bytes;
	int fd;
};

static void *write_bulk(void *context)
{
	struct writer *w = context;

	for (size_t at = 0; at < BULK;) {
		ssize_t n = write(w->fd, w->bytes + at, BULK - at < 100000 ? BULK - at : 100000);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	close(w->fd);
	return NULL;
}

static int hash_out(void *context, const void *bytes, size_t len, struct err *e)
{
	return hasher_update(context, bytes, len, e);
}

Test(real_exec, bulk_goes_in_and_comes_back_unchanged, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "cat", NULL };
	unsigned char *bytes = malloc(BULK);
	struct toolbox box;
	struct digest sent, got;
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int lease = -1, fds[2], code = -1;
	pthread_t thread;

	fill(bytes, BULK);
	cr_assert(digest_of(bytes, BULK, &sent, &e) == 0);
	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	struct hasher *h = hasher_new(&e);
	cr_assert(pipe(fds) == 0);
	struct writer w = { bytes, fds[1] };
	cr_assert(pthread_create(&thread, NULL, write_bulk, &w) == 0);
	io.stdin_fd = fds[0];
	io.sinks = (struct frame_sinks){ hash_out, NULL, h };
	io.deadline_ms = clock_now_ms() + 60000;
	int64_t began = clock_now_ms();
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), 0, "%s", e.message);
	fprintf(stderr, "64 MiB there and back: %lld ms\n", (long long)(clock_now_ms() - began));
	cr_expect_eq(code, 0);
	pthread_join(thread, NULL);
	cr_assert(hasher_finish(h, &got, &e) == 0);
	cr_expect(digest_equal(&sent, &got));
	hasher_free(h);
	close(fds[0]);
	close(lease);
	toolbox_close(&box);
	free(bytes);
}

/* By the way of a child that has the connection as its stdout. */
Test(real_exec, a_child_can_write_the_stdin_itself, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "cat", NULL };
	struct toolbox box;
	struct taken t = { 0 };
	struct exec_io io = EXEC_IO_NONE;
	cleanup_of(exec) struct exec *x = NULL;
	struct err e = { 0 };
	int lease = -1, fds[2], code = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	cr_assert(exec_start(box.engine, &spec, true, &x, &e) == 0, "%s", e.message);
	cr_assert(pipe(fds) == 0);
	pid_t child = fork();
	if (child == 0) {
		char line[4096];
		memset(line, 'c', sizeof(line));
		for (int i = 0; i < 1000; i++)
			if (write(exec_stdin_fd(x), line, sizeof(line)) != sizeof(line))
				_exit(1);
		_exit(0);
	}
	close(fds[1]);
	io.writer_fd = fds[0];
	io.sinks = (struct frame_sinks){ take_out, take_err, &t };
	cr_expect_eq(exec_pump(x, &io, &e), 0, "%s", e.message);
	cr_expect_eq(exec_wait(x, &io, &code, &e), 0, "%s", e.message);
	cr_expect_eq(code, 0);
	cr_expect_eq(t.out.len, 4096000);
	int status = -1;
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0);
	buf_release(&t.out);
	close(fds[0]);
	close(lease);
	toolbox_close(&box);
}

/* The command fills both outputs before it reads a byte of input that is more than any buffer on the way. */
Test(real_exec, full_in_both_directions_is_no_deadlock, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "both", NULL };
	unsigned char *bytes = calloc(1, BULK);
	struct toolbox box;
	struct taken t = { 0 };
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int lease = -1, fds[2], code = -1;
	pthread_t thread;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	cr_assert(pipe(fds) == 0);
	struct writer w = { bytes, fds[1] };
	cr_assert(pthread_create(&thread, NULL, write_bulk, &w) == 0);
	io.stdin_fd = fds[0];
	io.sinks = (struct frame_sinks){ take_out, take_err, &t };
	io.deadline_ms = clock_now_ms() + 60000;
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), 0, "%s", e.message);
	cr_expect_eq(code, 0);
	cr_expect_eq(t.out.len, BULK + 64 * 65536);
	cr_expect_eq(t.err.len, 64 * 1000);
	pthread_join(thread, NULL);
	buf_release(&t.out);
	buf_release(&t.err);
	close(fds[0]);
	close(lease);
	toolbox_close(&box);
	free(bytes);
}

/* A command that ends without having read its input: its exit code counts, not the input. */
Test(real_exec, input_nobody_reads_is_no_error, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "exit", "5", NULL };
	unsigned char *bytes = calloc(1, BULK);
	struct toolbox box;
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int lease = -1, fds[2], code = -1;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	cr_assert(pipe(fds) == 0);
	struct writer w = { bytes, fds[1] };
	cr_assert(pthread_create(&thread, NULL, write_bulk, &w) == 0);
	io.stdin_fd = fds[0];
	io.deadline_ms = clock_now_ms() + 60000;
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), 0, "%s", e.message);
	cr_expect_eq(code, 5);
	close(fds[0]);
	pthread_join(thread, NULL);
	close(lease);
	toolbox_close(&box);
	free(bytes);
}

Test(real_exec, deadline_ends_a_command_that_never_stops_writing, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "spam", NULL };
	struct toolbox box;
	struct exec_io io = EXEC_IO_NONE;
	struct container_state state;
	struct err e = { 0 };
	int lease = -1, code = -1;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	int64_t began = clock_now_ms();
	io.deadline_ms = began + 500;
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), -1);
	cr_expect_eq(e.kind, ERR_TIMEOUT, "%s", e.message);
	cr_expect_lt(clock_now_ms() - began, 10000);
	cr_assert(container_inspect(box.engine, id, &state, &e) == 0, "%s", e.message);
	cr_expect_eq(state.status, CONTAINER_RUNNING);
	close(lease);
	toolbox_close(&box);
}

struct killer {
	struct engine *engine;
	const char *id;
};

static void *kill_soon(void *context)
{
	const struct killer *k = context;
	struct timespec t = { .tv_nsec = 300000000 };
	struct err e;

	nanosleep(&t, NULL);
	if (container_kill(k->engine, k->id, &e) < 0)
		fprintf(stderr, "%s\n", e.message);
	return NULL;
}

Test(real_exec, a_container_killed_beneath_a_command_is_told, .timeout = 120)
{
	static const char *const argv[] = { "/toolbox", "spam", NULL };
	struct toolbox box;
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int lease = -1, code = -1;
	pthread_t thread;

	toolbox_open(&box, NULL);
	cleanup_free char *id = toolbox_container(&box, &lease);
	const struct exec_spec spec = { .container = id, .argv = argv };
	struct killer k = { box.engine, id };
	cr_assert(pthread_create(&thread, NULL, kill_soon, &k) == 0);
	io.deadline_ms = clock_now_ms() + 60000;
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), -1);
	cr_expect_eq(e.kind, ERR_TEMPORARY, "%s: %s", err_kind_name(e.kind), e.message);
	cr_expect(strstr(e.message, "ended while the command ran (exit code 137"), "%d %s", code, e.message);
	pthread_join(thread, NULL);
	struct pollfd p = { .fd = lease, .events = POLLIN };
	cr_expect_eq(poll(&p, 1, 10000), 1, "the lease does not tell that the container is gone");
	cr_expect_eq(exec_run(box.engine, &spec, &io, &code, &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT, "%s: %s", err_kind_name(e.kind), e.message);
	close(lease);
	toolbox_close(&box);
}
