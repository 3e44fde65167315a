#include "http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATHS_MAX = 256, STEPS_MAX = 8, REQUESTS_MAX = 4096, THREADS_MAX = 4096 };

struct script {
	char path[256];
	struct http_step steps[STEPS_MAX];
	size_t count, used;
};

struct http_server {
	int listen_fd, stop_fd;
	char url[64];
	pthread_t acceptor, workers[THREADS_MAX];
	size_t worker_count, serving, most_serving;
	pthread_mutex_t lock;
	pthread_cond_t sent_more, asked;
	struct script scripts[PATHS_MAX];
	size_t script_count;
	unsigned behind; /* port that what has no script is passed on to; 0: none */
	struct http_request requests[REQUESTS_MAX];
	size_t request_count;
	size_t sent;
};

struct connection {
	struct http_server *server;
	int fd;
};

static void require(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

static bool send_all(struct http_server *s, int fd, const char *bytes, size_t len, bool is_body)
{
	while (len) {
		ssize_t n = send(fd, bytes, len > 65536 ? 65536 : len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
		if (!is_body)
			continue;
		pthread_mutex_lock(&s->lock);
		s->sent += (size_t)n;
		pthread_cond_broadcast(&s->sent_more);
		pthread_mutex_unlock(&s->lock);
	}
	return true;
}

/* False when the server is to stop. */
static bool wait_ms(struct http_server *s, int ms)
{
	struct pollfd stop = { .fd = s->stop_fd, .events = POLLIN };
	return poll(&stop, 1, ms) == 0;
}

static bool read_head(int fd, char *head, size_t room)
{
	size_t len = 0;

	while (len + 1 < room) {
		ssize_t n = recv(fd, head + len, room - len - 1, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void copy_header(const char *head, const char *name, char *ret, size_t room)
{
	ret[0] = '\0';
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		size_t n = strlen(name);
		if (strncasecmp(line + 2, name, n) != 0 || line[2 + n] != ':')
			continue;
		const char *value = line + 2 + n + 1;
		value += strspn(value, " ");
		snprintf(ret, room, "%.*s", (int)strcspn(value, "\r"), value);
		return;
	}
}

static struct http_request parse(const char *head)
{
	struct http_request r = { .range_start = -1 };
	char range[128];
	const char *path = strchr(head, ' ');

	if (path)
		snprintf(r.path, sizeof(r.path), "%.*s", (int)strcspn(path + 1, " \r"), path + 1);
	copy_header(head, "Range", range, sizeof(range));
	copy_header(head, "If-Range", r.if_range, sizeof(r.if_range));
	copy_header(head, "If-None-Match", r.if_none_match, sizeof(r.if_none_match));
	copy_header(head, "If-Modified-Since", r.if_modified_since, sizeof(r.if_modified_since));
	copy_header(head, "Authorization", r.authorization, sizeof(r.authorization));
	copy_header(head, "User-Agent", r.user_agent, sizeof(r.user_agent));
	if (strncmp(range, "bytes=", 6) == 0)
		r.range_start = atoll(range + 6);
	return r;
}

static struct script *find_script(struct http_server *s, const char *path)
{
	for (size_t i = 0; i < s->script_count; i++)
		if (strcmp(s->scripts[i].path, path) == 0)
			return &s->scripts[i];
	return NULL;
}

/* Gives the port to pass the request on to, or 0 and what to answer. */
static unsigned take_step(struct http_server *s, const struct http_request *r, struct http_step *ret)
{
	*ret = (struct http_step){ .status = 404, .body = "not here\n", .len = 9 };

	pthread_mutex_lock(&s->lock);
	require(s->request_count < REQUESTS_MAX, "too many requests");
	s->requests[s->request_count++] = *r;
	pthread_cond_broadcast(&s->asked);
	struct script *script = find_script(s, r->path);
	if (!script)
		script = find_script(s, HTTP_EVERY_PATH);
	if (script) {
		*ret = script->steps[script->used];
		if (script->used + 1 < script->count)
			script->used++;
	}
	unsigned behind = script ? 0 : s->behind;
	pthread_mutex_unlock(&s->lock);
	return behind;
}

/* --- passing on --- */

static int connect_to(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(fd >= 0, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The head as it came but for the connection, which is closed after one answer. */
static bool send_head(struct http_server *s, int fd, const char *head)
{
	static const char close_line[] = "\r\nConnection: close\r\n\r\n";
	const char *line = head, *end = strstr(head, "\r\n\r\n");
	bool ok = true;

	for (; ok && line < end; line = strstr(line + 2, "\r\n")) {
		const char *text = line == head ? line : line + 2;
		size_t n = (size_t)(strstr(text, "\r\n") - line);
		if (strncasecmp(text, "Connection:", 11) != 0)
			ok = send_all(s, fd, line, n, false);
	}
	return ok && send_all(s, fd, close_line, sizeof(close_line) - 1, false);
}

/* Nobody behind is a connection closed without an answer. */
static void pass_on(struct http_server *s, int fd, unsigned port, const char *head)
{
	char bytes[16384];
	ssize_t n;
	int behind = connect_to(port);

	if (behind < 0)
		return;
	if (send_head(s, behind, head))
		while ((n = recv(behind, bytes, sizeof(bytes), 0)) > 0 && send_all(s, fd, bytes, (size_t)n, true))
			;
	close(behind);
}

static void count_serving(struct http_server *s, bool more)
{
	pthread_mutex_lock(&s->lock);
	s->serving += more ? 1 : (size_t)-1;
	if (s->serving > s->most_serving)
		s->most_serving = s->serving;
	pthread_mutex_unlock(&s->lock);
}

/* Drips all but the last piece; the count goes down before the client can see the end and connect anew. */
static bool drip(struct http_server *s, int fd, const struct http_step *step, size_t *at, size_t end)
{
	size_t piece = step->drip_bytes ? step->drip_bytes : 1;
	bool ok = true;

	count_serving(s, true);
	for (; ok && end - *at > piece; *at += piece)
		ok = send_all(s, fd, step->body + *at, piece, true) && wait_ms(s, step->drip_ms);
	count_serving(s, false);
	return ok;
}

static void send_body(struct http_server *s, int fd, const struct http_step *step, size_t from)
{
	size_t end = step->len;

	if (step->cut_after && step->cut_after < end - from)
		end = from + step->cut_after;
	if (step->drip_ms && !drip(s, fd, step, &from, end))
		return;
	send_all(s, fd, step->body + from, end - from, true);
}

static void answer(struct http_server *s, int fd, const struct http_request *r, struct http_step step)
{
	char head[2048], location[512] = "", etag[200] = "", length[64] = "", range[128] = "";
	int status = step.status ? step.status : 200;
	size_t from = 0;
	bool fresh = !r->if_range[0] || (step.etag && strcmp(step.etag, r->if_range) == 0);

	if (status == 200 && r->range_start >= 0 && !step.ignore_range && fresh) {
		from = (size_t)r->range_start;
		status = from < step.len ? 206 : 416;
		if (step.wrong_range)
			from = from / 2;
		if (status == 416) {
			snprintf(range, sizeof(range), "Content-Range: bytes */%zu\r\n", step.len);
			step.len = from = 0;
		} else {
			snprintf(range, sizeof(range), "Content-Range: bytes %zu-%zu/%zu\r\n", from, step.len - 1, step.len);
		}
	}
	if (status == 200 && step.etag && strcmp(step.etag, r->if_none_match) == 0) {
		status = 304;
		step.len = 0;
	}
	if (step.location)
		snprintf(location, sizeof(location), "Location: %s%s\r\n", step.location[0] == '/' ? s->url : "", step.location);
	if (step.etag)
		snprintf(etag, sizeof(etag), "ETag: %s\r\n", step.etag);
	if (!step.no_length)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", step.len - from);
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d Scripted\r\nConnection: close\r\n%s%s%s%s%s\r\n", status, length, range,
			 etag, location, step.headers ? step.headers : "");
	if (send_all(s, fd, head, (size_t)n, false))
		send_body(s, fd, &step, from);
	if (step.reset)
		require(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger)) == 0,
			"SO_LINGER");
}

static void *serve(void *context)
{
	struct connection *c = context;
	struct http_server *s = c->server;
	char head[8192];
	bool reset = false;

	if (read_head(c->fd, head, sizeof(head))) {
		struct http_request r = parse(head);
		struct http_step step;
		unsigned behind = take_step(s, &r, &step);
		if (behind)
			pass_on(s, c->fd, behind, head);
		else
			answer(s, c->fd, &r, step);
		reset = !behind && step.reset;
	}
	/* Once shut down in order it would be too late for a reset. */
	if (!reset)
		shutdown(c->fd, SHUT_RDWR);
	close(c->fd);
	free(c);
	return NULL;
}

static void *accept_all(void *context)
{
	struct http_server *s = context;
	struct pollfd fds[] = { { .fd = s->listen_fd, .events = POLLIN }, { .fd = s->stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		struct connection *c = malloc(sizeof(*c));
		require(c && s->worker_count < THREADS_MAX, "connection");
		*c = (struct connection){ s, fd };
		require(pthread_create(&s->workers[s->worker_count++], NULL, serve, c) == 0, "pthread_create");
	}
}

struct http_server *http_server_start(void)
{
	struct http_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	require(s, "calloc");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->sent_more, NULL);
	pthread_cond_init(&s->asked, NULL);
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(s->listen_fd >= 0 && bind(s->listen_fd, (struct sockaddr *)&address, len) == 0 && listen(s->listen_fd, 128) == 0,
		"listen");
	require(getsockname(s->listen_fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
	require(pthread_create(&s->acceptor, NULL, accept_all, s) == 0, "pthread_create");
	return s;
}

void http_server_stop(struct http_server *s)
{
	require(eventfd_write(s->stop_fd, 1) == 0, "eventfd");
	pthread_join(s->acceptor, NULL);
	for (size_t i = 0; i < s->worker_count; i++)
		pthread_join(s->workers[i], NULL);
	close(s->listen_fd);
	close(s->stop_fd);
	pthread_cond_destroy(&s->sent_more);
	pthread_cond_destroy(&s->asked);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

const char *http_server_url(const struct http_server *s)
{
	return s->url;
}

void http_server_add(struct http_server *s, const char *path, const struct http_step *step)
{
	pthread_mutex_lock(&s->lock);
	struct script *script = find_script(s, path);
	if (!script) {
		require(s->script_count < PATHS_MAX, "too many paths");
		script = &s->scripts[s->script_count++];
		snprintf(script->path, sizeof(script->path), "%s", path);
	}
	require(script->count < STEPS_MAX, "too many steps");
	script->steps[script->count++] = *step;
	pthread_mutex_unlock(&s->lock);
}

void http_server_forget(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->script_count = 0;
	memset(s->scripts, 0, sizeof(s->scripts));
	pthread_mutex_unlock(&s->lock);
}

void http_server_pass_on(struct http_server *s, unsigned port)
{
	pthread_mutex_lock(&s->lock);
	s->behind = port;
	pthread_mutex_unlock(&s->lock);
}

static size_t count_requests(const struct http_server *s, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < s->request_count; i++)
		n += !path || strcmp(s->requests[i].path, path) == 0;
	return n;
}

size_t http_server_requests(struct http_server *s, const char *path)
{
	pthread_mutex_lock(&s->lock);
	size_t n = count_requests(s, path);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void http_server_wait_requests(struct http_server *s, const char *path, size_t count)
{
	pthread_mutex_lock(&s->lock);
	while (count_requests(s, path) < count)
		pthread_cond_wait(&s->asked, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

struct http_request http_server_request(struct http_server *s, const char *path, size_t i)
{
	struct http_request found = { .range_start = -2 };

	pthread_mutex_lock(&s->lock);
	for (size_t k = 0; k < s->request_count; k++)
		if (strcmp(s->requests[k].path, path) == 0 && i-- == 0) {
			found = s->requests[k];
			break;
		}
	pthread_mutex_unlock(&s->lock);
	return found;
}

void http_server_wait_sent(struct http_server *s, size_t bytes)
{
	pthread_mutex_lock(&s->lock);
	while (s->sent < bytes)
		pthread_cond_wait(&s->sent_more, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

size_t http_server_most_at_once(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	size_t n = s->most_serving;
	pthread_mutex_unlock(&s->lock);
	return n;
}
