#include "engine/exec.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/container.h"
#include "engine/hijack.h"
#include "engine/request.h"

enum {
	CHUNK = 65536,
	EXIT_WAIT_MS = 60000, /* for the exit code, after the output has ended, where there is no deadline */
	LAST_MOMENT_MS = 2000,
	KILLED = 128 + 9,
	EXIT_POLL_FIRST_MS = 2,
	EXIT_POLL_MOST_MS = 500,
};

struct exec {
	struct engine *engine;
	char *id, *container;
	int fd;
	bool with_stdin;
	struct buf early; /* came together with the answer's head */
	struct frame_reader frames;
	char in[CHUNK], out[CHUNK];
};

void exec_free(struct exec *x)
{
	if (!x)
		return;
	if (x->fd >= 0)
		close(x->fd);
	buf_release(&x->early);
	free(x->id);
	free(x->container);
	free(x);
}

int exec_stdin_fd(const struct exec *x)
{
	return x->with_stdin ? x->fd : -1;
}

void exec_stdin_close(struct exec *x)
{
	/* Fails only where the engine has already gone, which the reading side reports. */
	shutdown(x->fd, SHUT_WR);
}

static int exec_create(struct exec *x, const struct exec_spec *spec, struct err *e)
{
	cleanup_of(json) json_t *reply = NULL,
				*body = json_pack("{s:b, s:b, s:b, s:b, s:o, s:o, s:s*, s:s*}", "AttachStdin", (int)x->with_stdin,
						  "AttachStdout", 1, "AttachStderr", 1, "Tty", 0, "Cmd", json_strings(spec->argv),
						  "Env", json_strings(spec->env), "WorkingDir", spec->workdir, "User", spec->user);
	cleanup_free char *path = NULL;

	if (!body)
		return json_not_made(e);
	if (url_check_name(spec->container, e) < 0 || !(path = str_printf(e, "/containers/%s/exec", spec->container)))
		return -1;
	const struct request q = { .method = "POST", .path = path, .body = body };
	if (request_json(x->engine, &q, &reply, NULL, e) < 0)
		return -1;
	const char *id = json_text(reply, "Id");
	if (!id || url_check_name(id, NULL) < 0)
		return err_set(e, ERR_PROTOCOL, "engine: POST %s: the answer holds no id", path);
	x->id = str_dup(id, e);
	return x->id ? 0 : -1;
}

static int start(struct engine *engine, const struct exec_spec *spec, bool with_stdin, int64_t deadline_ms,
		 const struct cancel *also, struct exec **ret, struct err *e)
{
	cleanup_of(exec) struct exec *x = calloc(1, sizeof(*x));

	if (!x)
		return err_no_memory(e);
	x->engine = engine;
	x->fd = -1;
	x->with_stdin = with_stdin;
	x->container = str_dup(spec->container ? spec->container : "", e);
	if (!x->container || exec_create(x, spec, e) < 0)
		return -1;
	cleanup_of(json) json_t *body = json_pack("{s:b, s:b}", "Detach", 0, "Tty", 0);
	if (!body)
		return err_no_memory(e);
	cleanup_free char *path = str_printf(e, "/exec/%s/start", x->id);
	if (!path || hijack_open(engine, path, body, deadline_ms, also, &x->fd, &x->early, e) < 0)
		return -1;
	*ret = steal_ptr(&x);
	return 0;
}

int exec_start(struct engine *engine, const struct exec_spec *spec, bool with_stdin, struct exec **ret, struct err *e)
{
	return start(engine, spec, with_stdin, 0, NULL, ret, e);
}

/* One exec_pump under way. */
struct pump {
	struct exec *x;
	const struct exec_io *io;
	size_t in_at, in_len;	 /* bytes of x->in still to be sent */
	int stdin_fd, writer_fd; /* -1 once done with */
};

/* The command, or the engine, takes no more input. */
static void pump_stop_input(struct pump *p)
{
	p->stdin_fd = -1;
	p->in_len = p->in_at = 0;
}

static int pump_fill(struct pump *p, struct err *e)
{
	ssize_t n = read(p->stdin_fd, p->x->in, sizeof(p->x->in));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : err_system(e, errno, "reading what goes to the command's stdin");
	p->in_at = 0;
	p->in_len = (size_t)n;
	if (n == 0) {
		exec_stdin_close(p->x);
		pump_stop_input(p);
	}
	return 0;
}

static void pump_send(struct pump *p)
{
	ssize_t n = send(p->x->fd, p->x->in + p->in_at, p->in_len - p->in_at, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EINTR && errno != EAGAIN)
		pump_stop_input(p);
	if (n > 0)
		p->in_at += (size_t)n;
}

/* 1 more may come, 0 the engine has ended the stream. A reset is what a Unix socket gives where the other side closed with input of
 * ours unread: an end too; whether it came too early the frames and the exit code tell. */
static int pump_receive(struct pump *p, struct err *e)
{
	struct exec *x = p->x;
	ssize_t n = recv(x->fd, x->out, sizeof(x->out), MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n < 0 && errno != ECONNRESET)
		return err_system(e, errno, "engine: reading the command's output");
	if (n <= 0)
		return 0;
	return frame_feed(&x->frames, x->out, (size_t)n, &p->io->sinks, e) < 0 ? -1 : 1;
}

static int pump_turn(struct pump *p, struct err *e)
{
	struct exec *x = p->x;
	bool sending = p->in_at < p->in_len;
	struct pollfd f[] = {
		{ .fd = x->fd, .events = (short)(POLLIN | (sending ? POLLOUT : 0)) },
		{ .fd = sending ? -1 : p->stdin_fd, .events = POLLIN },
		{ .fd = p->writer_fd, .events = POLLIN },
		{ .fd = cancel_fd(x->engine->cancel), .events = POLLIN },
		{ .fd = cancel_fd(p->io->cancel), .events = POLLIN },
	};
	int n = poll(f, ARRAY_LEN(f), clock_poll_timeout(p->io->deadline_ms));

	if (n < 0)
		return errno == EINTR ? 1 : err_system(e, errno, "engine: poll");
	if (cancel_check(x->engine->cancel, e) < 0 || cancel_check(p->io->cancel, e) < 0)
		return -1;
	/* Not only when nothing happens: a command that writes without end must end too. */
	if (p->io->deadline_ms && clock_now_ms() >= p->io->deadline_ms)
		return err_set(e, ERR_TIMEOUT, "the command did not end in time");
	if (f[1].revents && pump_fill(p, e) < 0)
		return -1;
	if (f[2].revents) {
		exec_stdin_close(x);
		p->writer_fd = -1;
	}
	if (f[0].revents & POLLOUT)
		pump_send(p);
	return f[0].revents & ~POLLOUT ? pump_receive(p, e) : 1;
}

int exec_pump(struct exec *x, const struct exec_io *io, struct err *e)
{
	struct pump p = { .x = x, .io = io, .stdin_fd = x->with_stdin ? io->stdin_fd : -1, .writer_fd = io->writer_fd };

	int more = frame_feed(&x->frames, buf_text(&x->early), x->early.len, &io->sinks, e) < 0 ? -1 : 1;
	buf_release(&x->early);
	while (more > 0)
		more = pump_turn(&p, e);
	return more < 0 ? -1 : frame_finish(&x->frames, e);
}

/* Waits for the next try; the clock is the only thing that can tell, the API has no event for the end of an exec that has been seen
 * by its inspect. */
static int pause_ms(const struct exec *x, const struct exec_io *io, int ms, struct err *e)
{
	struct pollfd f[] = {
		{ .fd = cancel_fd(x->engine->cancel), .events = POLLIN },
		{ .fd = cancel_fd(io->cancel), .events = POLLIN },
	};

	if (poll(f, ARRAY_LEN(f), ms) < 0 && errno != EINTR)
		return err_system(e, errno, "engine: poll");
	return cancel_check(x->engine->cancel, e) < 0 || cancel_check(io->cancel, e) < 0 ? -1 : 0;
}

/* 1 ended, 0 still running. */
static int ask_exit_code(const struct exec *x, int *ret, struct err *e)
{
	cleanup_free char *path = str_printf(e, "/exec/%s/json", x->id);
	cleanup_of(json) json_t *reply = NULL;

	if (!path)
		return -1;
	const struct request q = { .method = "GET", .path = path };
	if (request_json(x->engine, &q, &reply, NULL, e) < 0)
		return -1;
	const json_t *running = json_object_get(reply, "Running"), *code = json_object_get(reply, "ExitCode");
	if (!json_is_boolean(running))
		return err_set(e, ERR_PROTOCOL, "engine: GET %s: the answer does not say whether the command runs", path);
	if (json_is_true(running) || !json_is_integer(code))
		return 0;
	*ret = (int)json_integer_value(code);
	return 1;
}

/* 1 and *e set where the container no longer runs; 0 where it does, or nobody can tell. A container that is being killed still
 * counts as running when its commands have long ended: it is given a moment. */
static int container_ended(const struct exec *x, struct err *e)
{
	struct container_state state;
	struct err why;
	int code;

	if (container_wait(x->engine, x->container, clock_now_ms() + LAST_MOMENT_MS, &code, &why) < 0 && why.kind == ERR_CANCELLED)
		return 0;

	if (container_inspect(x->engine, x->container, &state, &why) < 0) {
		if (why.kind != ERR_NOT_FOUND)
			return 0;
		err_set(e, ERR_TEMPORARY, "container '%.12s' was removed while the command ran", x->container);
		return 1;
	}
	if (state.status == CONTAINER_RUNNING)
		return 0;
	err_set(e, ERR_TEMPORARY, "container '%.12s' ended while the command ran (exit code %d%s)", x->container, state.exit_code,
		state.out_of_memory ? ", out of memory" : "");
	return 1;
}

int exec_wait(struct exec *x, const struct exec_io *io, int *ret_exit_code, struct err *e)
{
	int64_t deadline = io->deadline_ms ? io->deadline_ms : clock_now_ms() + EXIT_WAIT_MS;
	int code = 0;

	for (int wait = EXIT_POLL_FIRST_MS;; wait = wait * 2 < EXIT_POLL_MOST_MS ? wait * 2 : EXIT_POLL_MOST_MS) {
		int ended = ask_exit_code(x, &code, e);
		/* Killed from outside, or gone: the command's own code says nothing then. */
		if ((ended < 0 || (ended && code == KILLED) || (!ended && wait >= EXIT_POLL_MOST_MS)) && container_ended(x, e))
			return -1;
		if (ended < 0)
			return -1;
		if (ended)
			break;
		if (clock_now_ms() >= deadline)
			return err_set(e, ERR_TIMEOUT, "the command closed its output and did not end in time");
		if (pause_ms(x, io, wait, e) < 0)
			return -1;
	}
	*ret_exit_code = code;
	return 0;
}

int exec_run(struct engine *engine, const struct exec_spec *spec, const struct exec_io *io, int *ret_exit_code, struct err *e)
{
	cleanup_of(exec) struct exec *x = NULL;

	if (start(engine, spec, io->stdin_fd >= 0, io->deadline_ms, io->cancel, &x, e) < 0)
		return -1;
	if (exec_pump(x, io, e) < 0) {
		struct err why;
		if (e && (e->kind == ERR_CORRUPT || e->kind == ERR_PROTOCOL || e->kind == ERR_SYSTEM) && container_ended(x, &why))
			*e = why;
		return -1;
	}
	return exec_wait(x, io, ret_exit_code, e);
}
