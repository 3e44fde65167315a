/* Commands in containers, with engines that answer oddly. A half-close that never comes would be waited for for ever, hence
 * the alarm. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../support/fake_engine.h"
#include "base/buf.h"
#include "base/clock.h"
#include "engine/exec.h"

static struct engine *engine_on(const struct fake_step *steps, size_t count, struct fake_engine **ret_fake)
{
	struct engine *engine = NULL;
	struct err e = { 0 };

	alarm(60);
	*ret_fake = fake_engine_start(steps, count);
	cr_assert(engine_open(fake_engine_endpoint(*ret_fake), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	return engine;
}

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

#define CREATED FAKE_ANSWER("201 Created", "{\"Id\":\"e1\"}")
#define CREATE                                                                                                                     \
	{                                                                                                                          \
		"POST /v1.41/containers/c/exec ", CREATED, 0, 0                                                                    \
	}
#define START(bytes)                                                                                                               \
	{                                                                                                                          \
		"POST /v1.41/exec/e1/start ", bytes, sizeof(bytes) - 1, 0                                                          \
	}
#define INSPECT(json)                                                                                                              \
	{                                                                                                                          \
		"GET /v1.41/exec/e1/json ", FAKE_OK(json), 0, 0                                                                    \
	}
#define CONTAINER(json)                                                                                                            \
	{                                                                                                                          \
		"GET /v1.41/containers/c/json ", FAKE_OK(json), 0, 0                                                               \
	}
#define ENDED                                                                                                                      \
	{                                                                                                                          \
		"POST /v1.41/containers/c/wait?condition=not-running ", FAKE_OK("{\"StatusCode\":137}"), 0, 0                      \
	}
#define RUNNING "{\"State\":{\"Status\":\"running\",\"Running\":true}}"
#define HELLO	"\1\0\0\0\0\0\0\5hello\2\0\0\0\0\0\0\3bad"

static const struct exec_row {
	const char *what;
	struct fake_step steps[6];
	int expect, exit_code;
	enum err_kind kind;
	const char *message, *out, *err;
} exec_rows[] = {
	{ "first frames come with the head",
	  { CREATE, START(FAKE_UPGRADED HELLO), INSPECT("{\"Running\":false,\"ExitCode\":3}") },
	  0,
	  3,
	  ERR_NONE,
	  NULL,
	  "hello",
	  "bad" },
	{ "200 from an engine that knows no upgrade",
	  { CREATE, START("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n" HELLO),
	    INSPECT("{\"Running\":false,\"ExitCode\":0}") },
	  0,
	  0,
	  ERR_NONE,
	  NULL,
	  "hello",
	  "bad" },
	{ "the end is seen before the engine knows it",
	  { CREATE, START(FAKE_UPGRADED), INSPECT("{\"Running\":true,\"ExitCode\":null}"),
	    INSPECT("{\"Running\":false,\"ExitCode\":null}"), INSPECT("{\"Running\":true,\"ExitCode\":0}"),
	    INSPECT("{\"Running\":false,\"ExitCode\":7}") },
	  0,
	  7,
	  ERR_NONE,
	  NULL,
	  "",
	  "" },
	{ "cut inside a frame's payload",
	  { CREATE, START(FAKE_UPGRADED "\1\0\0\0\0\0\0\5hel"), CONTAINER(RUNNING) },
	  -1,
	  0,
	  ERR_CORRUPT,
	  "cut 2 bytes before the end",
	  "hel",
	  "" },
	{ "cut inside a frame's head",
	  { CREATE, START(FAKE_UPGRADED "\1\0\0\0"), CONTAINER(RUNNING) },
	  -1,
	  0,
	  ERR_CORRUPT,
	  "cut inside a frame's head",
	  "",
	  "" },
	{ "a frame of absurd length",
	  { CREATE, START(FAKE_UPGRADED "\1\0\0\0\377\377\377\377xx"), CONTAINER(RUNNING) },
	  -1,
	  0,
	  ERR_PROTOCOL,
	  "a frame of 4294967295 bytes",
	  "",
	  "" },
	{ "text instead of frames",
	  { CREATE, START(FAKE_UPGRADED "panic: runtime error"), CONTAINER(RUNNING) },
	  -1,
	  0,
	  ERR_PROTOCOL,
	  "no frame",
	  "",
	  "" },
	{ "cut because the container ended",
	  { CREATE, START(FAKE_UPGRADED "\1\0\0\0\0\0\0\5hel"), ENDED,
	    CONTAINER("{\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true}}") },
	  -1,
	  0,
	  ERR_TEMPORARY,
	  "container 'c' ended while the command ran (exit code 137, out of memory)",
	  "hel",
	  "" },
	{ "killed together with its container",
	  { CREATE, START(FAKE_UPGRADED), INSPECT("{\"Running\":false,\"ExitCode\":137}"), ENDED,
	    CONTAINER("{\"State\":{\"Status\":\"exited\",\"ExitCode\":137}}") },
	  -1,
	  0,
	  ERR_TEMPORARY,
	  "container 'c' ended while the command ran (exit code 137)",
	  "",
	  "" },
	{ "killed in a container that lives",
	  { CREATE, START(FAKE_UPGRADED), INSPECT("{\"Running\":false,\"ExitCode\":137}"), CONTAINER(RUNNING) },
	  0,
	  137,
	  ERR_NONE,
	  NULL,
	  "",
	  "" },
	{ "removed beneath the command",
	  { CREATE,
	    START(FAKE_UPGRADED),
	    { "GET /v1.41/exec/e1/json ", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such exec\"}"), 0, 0 },
	    { "GET /v1.41/containers/c/json ", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such container\"}"), 0, 0 } },
	  -1,
	  0,
	  ERR_TEMPORARY,
	  "container 'c' was removed while the command ran",
	  "",
	  "" },
	{ "no such container",
	  { { "POST /v1.41/containers/c/exec ", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such container: c\"}"), 0, 0 } },
	  -1,
	  0,
	  ERR_NOT_FOUND,
	  "engine: POST /containers/c/exec: 404 No such container: c",
	  "",
	  "" },
	{ "start refused, answered in chunks",
	  { CREATE,
	    START("HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n{\"message\":\"it is paused\"}\r\n0\r\n\r\n") },
	  -1,
	  0,
	  ERR_CONFLICT,
	  "engine: POST /exec/e1/start: 409 it is paused",
	  "",
	  "" },
	{ "start answered by silence",
	  { CREATE, { "POST /v1.41/exec/e1/start ", NULL, 0, 0 } },
	  -1,
	  0,
	  ERR_TEMPORARY,
	  "engine: POST /exec/e1/start: the engine ended the connection",
	  "",
	  "" },
	{ "start answered by half a head",
	  { CREATE, START("HTTP/1.1 101 UPGR") },
	  -1,
	  0,
	  ERR_TEMPORARY,
	  "midway through the head",
	  "",
	  "" },
	{ "start answered by something else",
	  { CREATE, START("220 smtp.example ESMTP\r\n\r\n") },
	  -1,
	  0,
	  ERR_PROTOCOL,
	  "not HTTP/1.1",
	  "",
	  "" },
	{ "an id that leaves its place",
	  { { "POST /v1.41/containers/c/exec ", FAKE_ANSWER("201 Created", "{\"Id\":\"../x\"}"), 0, 0 } },
	  -1,
	  0,
	  ERR_PROTOCOL,
	  "no id",
	  "",
	  "" },
	{ "inspect that says nothing",
	  { CREATE, START(FAKE_UPGRADED), INSPECT("{}"), CONTAINER(RUNNING) },
	  -1,
	  0,
	  ERR_PROTOCOL,
	  "does not say",
	  "",
	  "" },
};

Test(exec, every_outcome_is_told)
{
	for (size_t i = 0; i < sizeof(exec_rows) / sizeof(exec_rows[0]); i++) {
		const struct exec_row *row = &exec_rows[i];
		size_t count = 0;
		while (count < 6 && row->steps[count].expect)
			count++;
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(row->steps, count, &f);
		static const char *const argv[] = { "true", NULL };
		const struct exec_spec spec = { .container = "c", .argv = argv };
		struct taken taken = { 0 };
		struct exec_io io = EXEC_IO_NONE;
		struct err e = { 0 };
		int code = 0;
		io.sinks = (struct frame_sinks){ take_out, take_err, &taken };
		cr_expect_eq(exec_run(engine, &spec, &io, &code, &e), row->expect, "%s: %s", row->what, e.message);
		cr_expect_eq(code, row->exit_code, "%s: %d", row->what, code);
		cr_expect_eq(e.kind, row->kind, "%s: %s: %s", row->what, err_kind_name(e.kind), e.message);
		cr_expect(!row->message || strstr(e.message, row->message), "%s: %s", row->what, e.message);
		cr_expect_str_eq(buf_text(&taken.out), row->out, "%s: %s", row->what, buf_text(&taken.out));
		cr_expect_str_eq(buf_text(&taken.err), row->err, "%s: %s", row->what, buf_text(&taken.err));
		buf_release(&taken.out);
		buf_release(&taken.err);
		fake_engine_stop(f);
	}
}

Test(exec, deadline_ends_a_start_and_a_command_that_hang)
{
	static const struct {
		struct fake_step start;
		const char *message;
	} rows[] = {
		{ { "POST /v1.41/exec/e1/start ", NULL, 0, FAKE_HANG }, "did not answer in time" },
		{ { "POST /v1.41/exec/e1/start ", FAKE_UPGRADED, 0, FAKE_HANG }, "the command did not end in time" },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct fake_step steps[] = { CREATE, rows[i].start };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(steps, 2, &f);
		static const char *const argv[] = { "true", NULL };
		const struct exec_spec spec = { .container = "c", .argv = argv };
		struct exec_io io = EXEC_IO_NONE;
		struct err e = { 0 };
		int code;
		int64_t began = clock_now_ms();
		io.deadline_ms = began + 100;
		cr_expect_eq(exec_run(engine, &spec, &io, &code, &e), -1);
		cr_expect_eq(e.kind, ERR_TIMEOUT, "%s", e.message);
		cr_expect(strstr(e.message, rows[i].message), "%s", e.message);
		cr_expect_lt(clock_now_ms() - began, 5000);
		fake_engine_stop(f);
	}
}

/* The bytes of a pipe arrive raw and whole behind the head, and its end arrives as a half-close. */
Test(exec, stdin_is_sent_and_half_closed)
{
	static const struct fake_step steps[] = { CREATE,
						  { "POST /v1.41/exec/e1/start ", FAKE_UPGRADED, 0, FAKE_DRAIN },
						  INSPECT("{\"Running\":false,\"ExitCode\":0}") };
	static const char *const argv[] = { "cat", NULL };
	const struct exec_spec spec = { .container = "c", .argv = argv };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 3, &f);
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int code = -1, fds[2];

	cr_assert(pipe(fds) == 0);
	cr_assert(write(fds[1], "seven\n!", 7) == 7);
	close(fds[1]);
	io.stdin_fd = fds[0];
	cr_expect_eq(exec_run(engine, &spec, &io, &code, &e), 0, "%s", e.message);
	cr_expect(strstr(fake_engine_requests(f), "(half-closed)\nseven\n!\n"), "%s", fake_engine_requests(f));
	cr_expect(strstr(fake_engine_requests(f), "\"AttachStdin\":true"));
	close(fds[0]);
	fake_engine_stop(f);
}

/* A child that got the connection as its stdout: its end, not its closing, is what half-closes. */
Test(exec, end_of_the_writer_half_closes)
{
	static const struct fake_step steps[] = { CREATE, { "POST /v1.41/exec/e1/start ", FAKE_UPGRADED, 0, FAKE_DRAIN } };
	static const char *const argv[] = { "cat", NULL };
	const struct exec_spec spec = { .container = "c", .argv = argv };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 2, &f);
	cleanup_of(exec) struct exec *x = NULL;
	struct exec_io io = EXEC_IO_NONE;
	struct err e = { 0 };
	int fds[2];

	cr_assert(exec_start(engine, &spec, true, &x, &e) == 0, "%s", e.message);
	cr_expect_eq(fcntl(exec_stdin_fd(x), F_GETFL) & O_NONBLOCK, 0);
	cr_expect_neq(fcntl(exec_stdin_fd(x), F_GETFD) & FD_CLOEXEC, 0);
	cr_assert(pipe(fds) == 0);
	io.writer_fd = fds[0];
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		_exit(write(exec_stdin_fd(x), "by the child", 12) == 12 ? 0 : 1);
	}
	close(fds[1]);
	cr_expect_eq(exec_pump(x, &io, &e), 0, "%s", e.message);
	cr_expect(strstr(fake_engine_requests(f), "(half-closed)\nby the child\n"), "%s", fake_engine_requests(f));
	close(fds[0]);
	fake_engine_stop(f);
}
