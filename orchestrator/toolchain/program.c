#include "toolchain/program.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"

enum { LINE_MAX_BYTES = 4096, TAIL_LINES = 4, TAIL_LINE_BYTES = 200, GRACE_MS = 20000 };

struct program {
	struct source output; /* first, so that the source is the program */
	struct program_options options;
	const char *name;
	struct process process;
	int out, messages;  /* -1: at its end */
	struct buf partial; /* a line that has not ended yet */
	char tail[TAIL_LINES][TAIL_LINE_BYTES];
	size_t lines;
};

static void take_line(struct program *p, const char *line)
{
	if (!*line)
		return;
	if (p->options.line && !p->options.line(p->options.context, line))
		return;
	snprintf(p->tail[p->lines++ % TAIL_LINES], TAIL_LINE_BYTES, "%s", line);
}

/* Lines end with newlines, and with carriage returns where a program draws progress. */
static void take_lines(struct program *p)
{
	size_t end;

	while ((end = strcspn(buf_text(&p->partial), "\r\n")) < p->partial.len) {
		p->partial.data[end] = '\0';
		take_line(p, p->partial.data);
		buf_consume(&p->partial, end + 1);
	}
	if (p->partial.len > LINE_MAX_BYTES) {
		take_line(p, p->partial.data);
		buf_clear(&p->partial);
	}
}

static int read_messages(struct program *p, struct err *e)
{
	char chunk[4096];
	ssize_t n = read(p->messages, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return err_system(e, errno, "reading messages of '%s'", p->name);
	if (n == 0) {
		if (p->partial.len)
			take_line(p, p->partial.data);
		buf_clear(&p->partial);
		close(steal_fd(&p->messages));
		return 0;
	}
	/* A NUL would hide the rest of the line. */
	for (ssize_t i = 0; i < n; i++)
		if (!chunk[i])
			chunk[i] = ' ';
	if (buf_append(&p->partial, chunk, (size_t)n, e) < 0)
		return -1;
	take_lines(p);
	return 0;
}

/* Waits until the output (when it is open) or anything at all has happened. 1: the output can be read. */
static int wait_once(struct program *p, struct err *e)
{
	struct pollfd fds[] = { { .fd = p->out, .events = POLLIN },
				{ .fd = p->messages, .events = POLLIN },
				{ .fd = cancel_fd(p->options.cancel), .events = POLLIN } };

	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return errno == EINTR ? 0 : err_system(e, errno, "poll");
	if (fds[2].revents)
		return err_set(e, ERR_CANCELLED, "cancelled");
	if (fds[1].revents && read_messages(p, e) < 0)
		return -1;
	return fds[0].revents != 0;
}

static ssize_t output_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct program *p = (struct program *)s;
	int ready;

	while ((ready = wait_once(p, e)) == 0)
		;
	if (ready < 0)
		return -1;
	ssize_t n;
	do
		n = read(p->out, bytes, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? err_system(e, errno, "reading from '%s'", p->name) : n;
}

static void output_free(struct source *s)
{
	(void)s;
}

static const struct source_ops output_ops = { output_read, output_free };

struct program *program_start(const struct program_options *options, struct err *e)
{
	int out[2], messages[2];

	if (fd_pipe(out, e) < 0)
		return NULL;
	cleanup_close int out_read = out[0], out_write = out[1];
	if (fd_pipe(messages, e) < 0)
		return NULL;
	cleanup_close int messages_read = messages[0], messages_write = messages[1];
	cleanup_of(program) struct program *p = calloc(1, sizeof(*p));
	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->output.ops = &output_ops;
	p->options = *options;
	p->name = options->name ? options->name : options->argv[0];
	p->process.pid_fd = -1;
	p->out = p->messages = -1;
	const struct process_fd fds[] = { { out_write, 1 }, { messages_write, 2 } };
	if (process_start(&p->process, options->argv, options->envp, fds, ARRAY_LEN(fds), e) < 0)
		return NULL;
	p->out = steal_fd(&out_read);
	p->messages = steal_fd(&messages_read);
	return steal_ptr(&p);
}

struct source *program_output(struct program *p)
{
	return &p->output;
}

static int append_tail(struct program *p, struct err *e)
{
	size_t first = p->lines > TAIL_LINES ? p->lines - TAIL_LINES : 0;

	for (size_t i = first; i < p->lines; i++)
		err_append(e, "%s", p->tail[i % TAIL_LINES]);
	return -1;
}

int program_finish(struct program *p, struct err *e)
{
	int status;

	if (source_drain(&p->output, e) < 0)
		return -1;
	if (p->out >= 0)
		close(steal_fd(&p->out));
	while (p->messages >= 0)
		if (wait_once(p, e) < 0)
			return -1;
	if (process_wait(&p->process, p->options.cancel, &status, e) < 0)
		return -1;
	return process_status_check(p->name, status, e) < 0 ? append_tail(p, e) : 0;
}

void program_free(struct program *p)
{
	if (!p)
		return;
	process_release(&p->process);
	if (p->out >= 0)
		close(p->out);
	int64_t deadline = clock_now_ms() + GRACE_MS;
	while (p->messages >= 0 && clock_now_ms() < deadline) {
		struct pollfd fd = { .fd = p->messages, .events = POLLIN };
		if (poll(&fd, 1, clock_poll_timeout(deadline)) > 0 && read_messages(p, NULL) < 0)
			break;
	}
	if (p->messages >= 0)
		close(p->messages);
	buf_release(&p->partial);
	free(p);
}
