#include "fake_engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "temp_dir.h"

enum { HANGING_MAX = 64 };

struct fake_engine {
	struct temp_dir dir;
	char endpoint[160];
	const struct fake_step *steps;
	size_t count;
	bool *used;
	int listen_fd, stop_fd;
	pthread_t thread;
	pthread_mutex_t lock;
	struct buf requests;
	int hanging[HANGING_MAX];
	size_t hanging_count;
};

static const struct fake_step well_known[] = {
	{ "GET /version ",
	  FAKE_OK("{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\",\"Version\":\"20.10.0\",\"Os\":\"linux\",\"Arch\":\"amd64\"}"),
	  0, 0 },
	{ "GET /v1.41/info ",
	  FAKE_OK("{\"Driver\":\"overlay2\",\"InitBinary\":\"docker-init\",\"SecurityOptions\":[\"name=seccomp,profile=default\"]}"),
	  0, 0 },
};

/* One read with an eye on the stop; 0 at the end or when told to stop. */
static ssize_t receive(struct fake_engine *f, int fd, char *bytes, size_t len)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = f->stop_fd, .events = POLLIN } };

	if (poll(p, 2, -1) < 0 || p[1].revents)
		return 0;
	ssize_t n = recv(fd, bytes, len, 0);
	return n < 0 ? 0 : n;
}

static bool more(struct fake_engine *f, int fd, struct buf *b)
{
	char chunk[16384];
	ssize_t n = receive(f, fd, chunk, sizeof(chunk));

	return n > 0 && buf_append(b, chunk, (size_t)n, NULL) == 0;
}

/* Reads the head, then the body by its length or up to the last chunk. Returns where the body begins, 0 when the client left. */
static size_t read_head(struct fake_engine *f, int fd, struct buf *b)
{
	for (;;) {
		const char *end = b->len ? memmem(b->data, b->len, "\r\n\r\n", 4) : NULL;
		if (end)
			return (size_t)(end - b->data) + 4;
		if (!more(f, fd, b))
			return 0;
	}
}

static void read_body(struct fake_engine *f, int fd, struct buf *b, size_t head)
{
	const char *length = strcasestr(b->data, "\r\nContent-Length: ");
	bool chunked = strcasestr(b->data, "\r\nTransfer-Encoding: chunked") != NULL;
	size_t want = length && length < b->data + head ? strtoul(length + 18, NULL, 10) : 0;

	while (chunked ? !memmem(b->data + head - 2, b->len - head + 2, "\r\n0\r\n\r\n", 7) : b->len - head < want)
		if (!more(f, fd, b))
			return;
}

static const struct fake_step *find_step(struct fake_engine *f, const char *line)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct fake_step *s = &f->steps[i];
		if (f->used[i] || (s->expect && !str_starts(line, s->expect)))
			continue;
		f->used[i] = !(s->flags & FAKE_REPEAT);
		return s;
	}
	for (size_t i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++)
		if (str_starts(line, well_known[i].expect))
			return &well_known[i];
	return NULL;
}

static bool is_well_known(const struct fake_step *s)
{
	return s >= well_known && s < well_known + sizeof(well_known) / sizeof(well_known[0]);
}

static void record(struct fake_engine *f, const char *line, size_t line_len, const char *body, size_t len)
{
	pthread_mutex_lock(&f->lock);
	if (buf_append(&f->requests, line, line_len, NULL) < 0 || buf_puts(&f->requests, "\n", NULL) < 0 ||
	    buf_append(&f->requests, body, len, NULL) < 0 || buf_puts(&f->requests, "\n", NULL) < 0)
		abort();
	pthread_mutex_unlock(&f->lock);
}

static void send_reply(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

/* True when fd is to stay open. */
static bool serve(struct fake_engine *f, int fd)
{
	static const struct fake_step unknown = { NULL,
						  FAKE_ANSWER("500 Internal Server Error", "{\"message\":\"not in the script\"}"),
						  0, 0 };
	cleanup_buf struct buf b = { 0 };

	size_t head = read_head(f, fd, &b);
	if (!head)
		return false;
	size_t line = (size_t)((char *)memmem(b.data, b.len, "\r\n", 2) - b.data);
	const struct fake_step *s = find_step(f, b.data);
	if (!s)
		s = &unknown;
	if (!(s->flags & FAKE_SKIP_BODY))
		read_body(f, fd, &b, head);
	if (!is_well_known(s))
		record(f, b.data, line, b.data + head, b.len - head);
	if (s->reply)
		send_reply(fd, s->reply, s->reply_len ? s->reply_len : strlen(s->reply));
	if (s->flags & FAKE_DRAIN) {
		buf_clear(&b);
		while (more(f, fd, &b))
			;
		record(f, "(half-closed)", 13, b.data, b.len);
	}
	return s->flags & FAKE_HANG;
}

static void *run(void *context)
{
	struct fake_engine *f = context;

	for (;;) {
		struct pollfd p[] = { { .fd = f->listen_fd, .events = POLLIN }, { .fd = f->stop_fd, .events = POLLIN } };
		if (poll(p, 2, -1) < 0 || p[1].revents)
			return NULL;
		int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		if (serve(f, fd) && f->hanging_count < HANGING_MAX)
			f->hanging[f->hanging_count++] = fd;
		else
			close(fd);
	}
}

struct fake_engine *fake_engine_start(const struct fake_step *steps, size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fake_engine *f = calloc(1, sizeof(*f));

	cr_assert(f);
	temp_dir_make(&f->dir);
	f->steps = steps;
	f->count = count;
	f->used = calloc(count + 1, sizeof(*f->used));
	pthread_mutex_init(&f->lock, NULL);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/engine.sock", f->dir.path);
	snprintf(f->endpoint, sizeof(f->endpoint), "unix://%s", address.sun_path);
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(f->listen_fd >= 0 && bind(f->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
			  listen(f->listen_fd, 64) == 0,
		  "%s: %s", address.sun_path, strerror(errno));
	cr_assert(pthread_create(&f->thread, NULL, run, f) == 0);
	return f;
}

const char *fake_engine_endpoint(const struct fake_engine *f)
{
	return f->endpoint;
}

const char *fake_engine_requests(const struct fake_engine *f)
{
	return buf_text(&f->requests);
}

void fake_engine_stop(struct fake_engine *f)
{
	uint64_t one = 1;

	if (!f)
		return;
	cr_assert(write(f->stop_fd, &one, sizeof(one)) == sizeof(one));
	pthread_join(f->thread, NULL);
	for (size_t i = 0; i < f->hanging_count; i++)
		close(f->hanging[i]);
	close(f->listen_fd);
	close(f->stop_fd);
	temp_dir_remove(&f->dir);
	buf_release(&f->requests);
	pthread_mutex_destroy(&f->lock);
	free(f->used);
	free(f);
}
