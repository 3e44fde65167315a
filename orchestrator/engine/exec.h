/* Commands in running containers, with their streams over one hijacked connection: stdin raw towards the engine, stdout and
 * stderr in frames (engine/frame.h) back.
 *
 * Facts to know:
 * - Ending the connection does not end the command, and the API cannot kill one: after ERR_TIMEOUT or ERR_CANCELLED it may still
 * run. Kill from inside (a second exec) or kill the container.
 * - A command that cannot be started (no such program) is reported by dockerd as text on stdout and exit code 126 or 127.
 * - The socket takes bytes only as fast as the command reads them. Nothing is buffered beyond 128 KiB per exec. */
#ifndef ORCHESTRATE_ENGINE_EXEC_H
#define ORCHESTRATE_ENGINE_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "engine/engine.h"
#include "engine/frame.h"

struct exec;

/* Nothing is owned; lists end with NULL. */
struct exec_spec {
	const char *container; /* id or name */
	const char *const *argv;
	const char *const *env; /* "KEY=value", on top of the container's; NULL: none */
	const char *workdir;	/* NULL: the container's */
	const char *user;	/* NULL: the container's */
};

struct exec_io {
	/* Its bytes go to the command's stdin, and its end is the stdin's end. -1: nothing is read here. Borrowed; may be a pipe, a
	 * file or a socket. Where the command ends before it has read all, the rest is left unread and that is no error. */
	int stdin_fd;
	/* For commands whose stdin is written by somebody else through exec_stdin_fd: polls readable or hung up (a pidfd, a pipe's
	 * read end) when that somebody has finished; then stdin is half-closed. -1: none. Never read. */
	int writer_fd;
	struct frame_sinks sinks;    /* what comes back; NULL functions drop */
	int64_t deadline_ms;	     /* as clock_now_ms; 0: none */
	const struct cancel *cancel; /* besides the engine's; NULL: none */
};

#define EXEC_IO_NONE                                                                                                               \
	{                                                                                                                          \
		.stdin_fd = -1, .writer_fd = -1                                                                                    \
	}

/* Creates and starts. with_stdin false: the command's stdin is empty. No such container: ERR_NOT_FOUND; not running: ERR_CONFLICT.
 */
must_check int exec_start(struct engine *engine, const struct exec_spec *spec, bool with_stdin, struct exec **ret, struct err *e);
/* The connection, a blocking socket: what is written to it is the command's stdin. May be given to a child as its stdout. Only
 * write. The half-close is a property of the socket, not of the descriptor: closing copies of it does nothing, exec_stdin_close (or
 * writer_fd) must be used. Borrowed, valid until exec_free. -1: started without stdin. */
int exec_stdin_fd(const struct exec *exec);
/* Half-closes: the command reads end of file. Idempotent; safe from another thread than the one that pumps. */
void exec_stdin_close(struct exec *exec);
/* Moves bytes both ways until the engine ends the connection. ERR_TIMEOUT at the deadline, ERR_CANCELLED, ERR_CORRUPT where the
 * answer is cut inside a frame, ERR_PROTOCOL for a broken frame, or what a sink returned. Sinks are called from here and may block,
 * as long as what they wait for does not itself wait for this command's stdin. */
must_check int exec_pump(struct exec *exec, const struct exec_io *io, struct err *e);
/* After exec_pump: the command's exit code, as soon as the engine knows it (128 + signal where killed). Where the container ended
 * beneath the command: ERR_TEMPORARY saying so. */
must_check int exec_wait(struct exec *exec, const struct exec_io *io, int *ret_exit_code, struct err *e);
/* Closes the connection. NULL is fine. */
void exec_free(struct exec *exec);

DEFINE_CLEANUP(exec, struct exec, exec_free)

/* All of it: start, pump, wait. Any exit code is success here; look at it. Where the pump fails because the container ended, the
 * error says that (ERR_TEMPORARY). */
must_check int exec_run(struct engine *engine, const struct exec_spec *spec, const struct exec_io *io, int *ret_exit_code,
			struct err *e);

#endif
