#include "engine/hijack.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/request.h"

enum {
	HEAD_MAX = 65536,
	REFUSAL_MAX = 65536,
	REFUSAL_WAIT_MS = 5000, /* for the rest of an error's text */
};

/* What waits for what. */
struct wait {
	int fd;
	int64_t deadline_ms;
	const struct cancel *cancel, *also;
};

static int wait_for(const struct wait *w, short events, struct err *e)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = w->fd, .events = events },
			{ .fd = cancel_fd(w->cancel), .events = POLLIN },
			{ .fd = cancel_fd(w->also), .events = POLLIN },
		};
		int n = poll(p, ARRAY_LEN(p), clock_poll_timeout(w->deadline_ms));
		if (n < 0 && errno != EINTR)
			return err_system(e, errno, "engine: poll");
		if (cancel_check(w->cancel, e) < 0 || cancel_check(w->also, e) < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_TIMEOUT, "the engine did not answer in time");
		if (n > 0 && p[0].revents)
			return 0;
	}
}

static int send_all(const struct wait *w, const char *bytes, size_t len, struct err *e)
{
	while (len) {
		if (wait_for(w, POLLOUT, e) < 0)
			return -1;
		ssize_t n = send(w->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(e, ERR_TEMPORARY, "the engine ended the connection (%s)", strerrordesc_np(errno));
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One read, appended to *b: 1, or 0 at the end. */
static int receive_some(const struct wait *w, struct buf *b, struct err *e)
{
	char chunk[4096];

	for (;;) {
		if (wait_for(w, POLLIN, e) < 0)
			return -1;
		ssize_t n = recv(w->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return err_set(e, ERR_TEMPORARY, "the engine ended the connection (%s)", strerrordesc_np(errno));
		if (n == 0)
			return 0;
		return buf_append(b, chunk, (size_t)n, e) < 0 ? -1 : 1;
	}
}

/* Reads until the blank line; *ret_len: the head's length with it. */
static int receive_head(const struct wait *w, struct buf *b, size_t *ret_len, struct err *e)
{
	for (;;) {
		const char *end = b->len ? memmem(b->data, b->len, "\r\n\r\n", 4) : NULL;
		if (end) {
			*ret_len = (size_t)(end - b->data) + 4;
			return 0;
		}
		if (b->len > HEAD_MAX)
			return err_set(e, ERR_PROTOCOL, "the head of the answer is longer than %d bytes", (int)HEAD_MAX);
		int more = receive_some(w, b, e);
		if (more < 0)
			return -1;
		if (!more)
			return err_set(e, ERR_TEMPORARY, "the engine ended the connection midway through the head of its answer");
	}
}

/* "HTTP/1.1 101 UPGRADED" */
static int parse_status(const char *head, long *ret, struct err *e)
{
	char *end = NULL;

	if (!str_starts(head, "HTTP/1.") || !head[7] || head[8] != ' ' || (*ret = strtol(head + 9, &end, 10)) < 100 ||
	    end != head + 12)
		return err_set(e, ERR_PROTOCOL, "the answer is not HTTP/1.1");
	return 0;
}

/* The error's JSON, in whatever transfer coding: what lies between the first and the last brace. The text only serves people, so a
 * connection that breaks here is no further error. */
static int refused(struct wait w, const char *path, long status, struct buf *b, size_t head_len, struct err *e)
{
	int64_t soon = clock_now_ms() + REFUSAL_WAIT_MS;

	if (!w.deadline_ms || soon < w.deadline_ms)
		w.deadline_ms = soon;
	shutdown(w.fd, SHUT_WR);
	for (;;) {
		const char *body = b->data + head_len;
		size_t len = b->len - head_len;
		const char *first = memchr(body, '{', len), *last = memrchr(body, '}', len);
		if (first && last > first)
			return request_refused("POST", path, status, first, (size_t)(last - first) + 1, e);
		if (len > REFUSAL_MAX || receive_some(&w, b, NULL) <= 0)
			return request_refused("POST", path, status, body, strnlen(body, b->len - head_len), e);
	}
}

static int compose(struct engine *engine, const char *path, const json_t *body, struct buf *b, struct err *e)
{
	cleanup_free char *json = body ? json_dumps(body, JSON_COMPACT) : strdup("");

	if (!json)
		return err_no_memory(e);
	if (buf_printf(
		    b, e,
		    "POST %s%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: orchestrate/%s\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		    "Content-Length: %zu\r\n",
		    engine->prefix, path, ORCHESTRATE_VERSION, strlen(json)) < 0)
		return -1;
	if (body && buf_puts(b, "Content-Type: application/json\r\n", e) < 0)
		return -1;
	return buf_printf(b, e, "\r\n%s", json);
}

static int exchange(struct engine *engine, const struct wait *w, const char *path, const json_t *body, struct buf *answer,
		    size_t *ret_head, long *ret_status, struct err *e)
{
	cleanup_buf struct buf question = { 0 };

	if (compose(engine, path, body, &question, e) < 0)
		return -1;
	if (send_all(w, question.data, question.len, e) < 0 || receive_head(w, answer, ret_head, e) < 0)
		return -1;
	return parse_status(answer->data, ret_status, e);
}

int hijack_open(struct engine *engine, const char *path, const json_t *body, int64_t deadline_ms, const struct cancel *also,
		int *ret_fd, struct buf *ret_early, struct err *e)
{
	cleanup_close int fd = -1;
	cleanup_buf struct buf answer = { 0 };
	size_t head = 0;
	long status = 0;

	if (connection_open(engine, &fd, e) < 0)
		return -1;
	struct wait w = { fd, deadline_ms ? deadline_ms : clock_now_ms() + REQUEST_TIMEOUT_MS, engine->cancel, also };
	if (exchange(engine, &w, path, body, &answer, &head, &status, e) < 0)
		return e && e->kind == ERR_CANCELLED ? -1 : err_wrap(e, "engine: POST %.*s", (int)strcspn(path, "?"), path);
	if (status != 101 && status != 200)
		return refused(w, path, status, &answer, head, e);
	buf_consume(&answer, head);
	if (buf_append(ret_early, buf_text(&answer), answer.len, e) < 0)
		return -1;
	*ret_fd = steal_fd(&fd);
	return 0;
}
