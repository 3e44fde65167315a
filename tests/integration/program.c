#include "program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

void program_start(struct program *p, const char *const argv[])
{
	int out[2], err[2];
	struct err e;

	*p = (struct program)PROGRAM_NONE;
	cr_assert(fd_pipe(out, &e) == 0 && fd_pipe(err, &e) == 0, "%s", e.message);
	const struct process_fd fds[] = { { out[1], 1 }, { err[1], 2 } };
	int started = process_start(&p->process, argv, NULL, fds, ARRAY_LEN(fds), &e);
	close(out[1]);
	close(err[1]);
	p->out_fd = out[0];
	p->err_fd = err[0];
	p->pid = p->process.pid;
	cr_assert(started == 0, "%s", e.message);
}

static void take(int *fd, struct buf *to)
{
	char bytes[4096];
	struct err e;

	ssize_t n = read(*fd, bytes, sizeof(bytes));
	if (n > 0)
		cr_assert(buf_append(to, bytes, (size_t)n, &e) == 0);
	else if (n == 0 || errno != EINTR)
		close(steal_fd(fd));
}

/* false: nothing more will come, or the deadline has passed. */
static bool read_some(struct program *p, int64_t deadline_ms)
{
	struct pollfd fds[] = { { .fd = p->out_fd, .events = POLLIN }, { .fd = p->err_fd, .events = POLLIN } };

	if (p->out_fd < 0 && p->err_fd < 0)
		return false;
	int n = poll(fds, ARRAY_LEN(fds), clock_poll_timeout(deadline_ms));
	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (fds[0].revents)
		take(&p->out_fd, &p->out);
	if (fds[1].revents)
		take(&p->err_fd, &p->err);
	return true;
}

static bool wait_for(struct program *p, const struct buf *printed, const char *text)
{
	int64_t deadline = clock_now_ms() + PROGRAM_SECONDS_MAX * 1000;

	while (!strstr(buf_text(printed), text))
		if (!read_some(p, deadline))
			return false;
	return true;
}

bool program_wait_for(struct program *p, const char *text)
{
	return wait_for(p, &p->err, text);
}

bool program_wait_for_output(struct program *p, const char *text)
{
	return wait_for(p, &p->out, text);
}

int program_finish(struct program *p)
{
	int64_t deadline = clock_now_ms() + PROGRAM_SECONDS_MAX * 1000;
	int status;
	struct err e;

	while (read_some(p, deadline))
		;
	cr_assert(p->out_fd < 0 && p->err_fd < 0, "it goes on and on:\n%s", buf_text(&p->err));
	cr_assert(process_wait(&p->process, NULL, &status, &e) == 0, "%s", e.message);
	p->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return p->code;
}

void program_release(struct program *p)
{
	process_release(&p->process);
	p->process.pid = 0;
	if (p->out_fd >= 0)
		close(steal_fd(&p->out_fd));
	if (p->err_fd >= 0)
		close(steal_fd(&p->err_fd));
	buf_release(&p->out);
	buf_release(&p->err);
}
