#include "stream/source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

ssize_t source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	if (s->failed.kind != ERR_NONE) {
		if (e)
			*e = s->failed;
		return -1;
	}
	if (s->ended || len == 0)
		return 0;
	ssize_t n = s->ops->read(s, bytes, len, &s->failed);
	if (n < 0 && e)
		*e = s->failed;
	if (n == 0)
		s->ended = true;
	return n;
}

int source_read_exact(struct source *s, void *bytes, size_t len, struct err *e)
{
	char *p = bytes;

	while (len) {
		ssize_t n = source_read(s, p, len, e);
		if (n < 0)
			return -1;
		if (n == 0)
			return err_set(e, ERR_CORRUPT, "ends %zu bytes early", len);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int source_drain(struct source *s, struct err *e)
{
	char chunk[65536];
	ssize_t n;

	do
		n = source_read(s, chunk, sizeof(chunk), e);
	while (n > 0);
	return n < 0 ? -1 : 0;
}

void source_free(struct source *s)
{
	if (s)
		s->ops->free(s);
}

struct fd_source {
	struct source base;
	int fd;
	bool owned;
};

static ssize_t fd_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct fd_source *f = (struct fd_source *)s;
	ssize_t n;

	do
		n = read(f->fd, bytes, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_system(e, errno, "reading");
	return n;
}

static void fd_source_free(struct source *s)
{
	struct fd_source *f = (struct fd_source *)s;

	if (f->owned)
		close(f->fd);
	free(f);
}

static const struct source_ops fd_source_ops = { fd_source_read, fd_source_free };

struct source *source_from_fd(int fd, bool owned, struct err *e)
{
	struct fd_source *f = calloc(1, sizeof(*f));
	if (!f) {
		if (owned)
			close(fd);
		err_no_memory(e);
		return NULL;
	}
	f->base.ops = &fd_source_ops;
	f->fd = fd;
	f->owned = owned;
	return &f->base;
}

struct memory_source {
	struct source base;
	const char *bytes;
	size_t left;
};

static ssize_t memory_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct memory_source *m = (struct memory_source *)s;

	(void)e;
	if (len > m->left)
		len = m->left;
	if (len == 0)
		return 0;
	memcpy(bytes, m->bytes, len);
	m->bytes += len;
	m->left -= len;
	return (ssize_t)len;
}

static void plain_free(struct source *s)
{
	free(s);
}

static const struct source_ops memory_source_ops = { memory_source_read, plain_free };

struct source *source_from_memory(const void *bytes, size_t len, struct err *e)
{
	struct memory_source *m = calloc(1, sizeof(*m));
	if (!m) {
		err_no_memory(e);
		return NULL;
	}
	m->base.ops = &memory_source_ops;
	m->bytes = bytes;
	m->left = len;
	return &m->base;
}

struct limit_source {
	struct source base;
	struct source *inner;
	uint64_t max, seen;
	const char *what;
};

static ssize_t limit_source_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct limit_source *l = (struct limit_source *)s;

	ssize_t n = source_read(l->inner, bytes, len, e);
	if (n < 0)
		return -1;
	l->seen += (uint64_t)n;
	if (l->seen > l->max)
		return err_set(e, ERR_LIMIT, "%s is larger than %llu bytes", l->what, (unsigned long long)l->max);
	return n;
}

static void limit_source_free(struct source *s)
{
	source_free(((struct limit_source *)s)->inner);
	free(s);
}

static const struct source_ops limit_source_ops = { limit_source_read, limit_source_free };

struct source *source_limit(struct source *inner, uint64_t max, const char *what, struct err *e)
{
	struct limit_source *l = calloc(1, sizeof(*l));
	if (!l) {
		source_free(inner);
		err_no_memory(e);
		return NULL;
	}
	l->base.ops = &limit_source_ops;
	l->inner = inner;
	l->max = max;
	l->what = what;
	return &l->base;
}
