#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

extern char **environ;

enum { FD_BASE = 64 };

/* dup2 in the child goes in two steps, by way of numbers that are neither a target nor a source: a target may be another one's
 * source. */
static int add_moves(posix_spawn_file_actions_t *actions, const struct process_fd *fds, size_t count)
{
	int rc = 0, between = FD_BASE;

	for (size_t i = 0; i < count; i++)
		if (fds[i].ours >= between)
			between = fds[i].ours + 1;
	for (size_t i = 0; i < count && !rc; i++)
		rc = posix_spawn_file_actions_adddup2(actions, fds[i].ours, between + (int)i);
	for (size_t i = 0; i < count && !rc; i++)
		rc = posix_spawn_file_actions_adddup2(actions, between + (int)i, fds[i].theirs);
	return rc;
}

static int add_fd_actions(posix_spawn_file_actions_t *actions, const struct process_fd *fds, size_t count)
{
	bool given[FD_BASE] = { false };
	int rc = add_moves(actions, fds, count);

	for (size_t i = 0; i < count; i++)
		given[fds[i].theirs] = true;
	for (int fd = 0; fd < FD_BASE && !rc; fd++) {
		if (given[fd])
			continue;
		rc = fd < 3 ? posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0)
			    : posix_spawn_file_actions_addclose(actions, fd);
	}
	return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, FD_BASE);
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, defaults;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGTERM);
	int rc = posix_spawnattr_setsigmask(attr, &none);
	if (!rc)
		rc = posix_spawnattr_setsigdefault(attr, &defaults);
	if (!rc)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (!rc)
		rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return rc;
}

int process_start(struct process *p, const char *const argv[], const char *const envp[], const struct process_fd *fds,
		  size_t fd_count, struct err *e)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid = 0;

	int rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return err_system(e, rc, "starting '%s'", argv[0]);
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&actions);
		return err_system(e, rc, "starting '%s'", argv[0]);
	}
	rc = add_fd_actions(&actions, fds, fd_count);
	if (!rc)
		rc = set_attributes(&attr);
	if (!rc)
		rc = posix_spawnp(&pid, argv[0], &actions, &attr, (char *const *)argv, envp ? (char *const *)envp : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (rc == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "program '%s' is not installed", argv[0]);
	if (rc)
		return err_system(e, rc, "starting '%s'", argv[0]);
	p->pid = pid;
	p->pid_fd = pidfd_open(pid, 0);
	if (p->pid_fd < 0) {
		rc = errno;
		process_release(p);
		return err_system(e, rc, "pidfd_open");
	}
	return 0;
}

static int reap(struct process *p, int *ret_status)
{
	pid_t got;

	do
		got = waitpid(p->pid, ret_status, 0);
	while (got < 0 && errno == EINTR);
	if (p->pid_fd >= 0)
		close(p->pid_fd);
	*p = (struct process){ .pid_fd = -1 };
	return got < 0 ? -1 : 0;
}

int process_wait(struct process *p, const struct cancel *cancel, int *ret_status, struct err *e)
{
	struct pollfd fds[] = { { .fd = p->pid_fd, .events = POLLIN }, { .fd = cancel_fd(cancel), .events = POLLIN } };

	while (!(fds[0].revents & POLLIN)) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_system(e, errno, "poll");
		if (fds[1].revents && !(fds[0].revents & POLLIN)) {
			process_release(p);
			return err_set(e, ERR_CANCELLED, "cancelled");
		}
	}
	if (reap(p, ret_status) < 0)
		return err_system(e, errno, "waitpid");
	return 0;
}

void process_release(struct process *p)
{
	int status;

	if (!p || p->pid <= 0)
		return;
	kill(-p->pid, SIGKILL);
	kill(p->pid, SIGKILL);
	reap(p, &status);
}

int process_status_check(const char *name, int status, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return err_set(e, ERR_FAILED, "'%s' was ended by signal %d (%s)", name, WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return err_set(e, ERR_FAILED, "'%s' exited with code %d", name, WEXITSTATUS(status));
}

enum { STDERR_KEPT = 4096 };

/* Reads what is there; 0 at the end. into NULL: dropped. */
static int drain(int *fd, struct buf *into, struct err *e)
{
	char chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 1;
	if (n < 0)
		return err_system(e, errno, "reading a program's output");
	if (n == 0) {
		close(steal_fd(fd));
		return 0;
	}
	if (into && buf_append(into, chunk, (size_t)n, e) < 0)
		return -1;
	return 1;
}

static int collect_output(int *out, int *errout, size_t max, struct buf *ret_stdout, struct buf *tail, const struct cancel *cancel,
			  struct err *e)
{
	size_t before = ret_stdout ? ret_stdout->len : 0, most = max > SIZE_MAX - before ? SIZE_MAX : before + max;

	while (*out >= 0 || *errout >= 0) {
		struct pollfd fds[] = { { .fd = *out, .events = POLLIN },
					{ .fd = *errout, .events = POLLIN },
					{ .fd = cancel_fd(cancel), .events = POLLIN } };
		if (poll(fds, ARRAY_LEN(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_system(e, errno, "poll");
		}
		if (fds[2].revents)
			return err_set(e, ERR_CANCELLED, "cancelled");
		if (fds[0].revents && drain(out, ret_stdout, e) < 0)
			return -1;
		/* Checked here, not at the end: a program that prints for ever has none. */
		if (ret_stdout && ret_stdout->len > most)
			return err_set(e, ERR_LIMIT, "it printed more than %zu bytes", max);
		if (fds[1].revents && drain(errout, tail, e) < 0)
			return -1;
		if (tail->len > 2 * STDERR_KEPT)
			buf_consume(tail, tail->len - STDERR_KEPT);
	}
	return 0;
}

/* The last line of text, cut in place. */
static const char *last_line(struct buf *text)
{
	while (text->len && strchr("\r\n ", text->data[text->len - 1]))
		text->data[--text->len] = '\0';
	const char *newline = text->len ? strrchr(text->data, '\n') : NULL;
	return newline ? newline + 1 : buf_text(text);
}

int process_run(const char *const argv[], const char *const envp[], size_t max, struct buf *ret_stdout, const struct cancel *cancel,
		struct err *e)
{
	int out[2], errout[2], status = 0;

	if (fd_pipe(out, e) < 0)
		return -1;
	cleanup_close int out_read = out[0], out_write = out[1];
	if (fd_pipe(errout, e) < 0)
		return -1;
	cleanup_close int err_read = errout[0], err_write = errout[1];
	cleanup_buf struct buf tail = { 0 };
	cleanup_process struct process p = { .pid_fd = -1 };
	const struct process_fd fds[] = { { out_write, 1 }, { err_write, 2 } };
	if (process_start(&p, argv, envp, fds, ARRAY_LEN(fds), e) < 0)
		return -1;
	close(steal_fd(&out_write));
	close(steal_fd(&err_write));
	if (collect_output(&out_read, &err_read, max, ret_stdout, &tail, cancel, e) < 0)
		return err_wrap(e, "running '%s'", argv[0]);
	if (process_wait(&p, cancel, &status, e) < 0)
		return -1;
	if (process_status_check(argv[0], status, e) == 0)
		return 0;
	const char *said = last_line(&tail);
	return *said ? err_append(e, "%s", said) : -1;
}
