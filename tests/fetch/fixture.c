#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/random_bytes.h"
#include "base/file.h"

static void write_log(void *context, enum log_level level, const char *line)
{
	struct fixture *x = context;
	(void)level;
	cr_assert_eq(buf_printf(&x->log, NULL, "%s\n", line), 0);
}

void fixture_init(struct fixture *x)
{
	struct err e;

	memset(x, 0, sizeof(*x));
	strcpy(x->dir, "/tmp/fetch-test.XXXXXX");
	cr_assert(mkdtemp(x->dir));
	x->server = http_server_start();
	cr_assert_eq(cancel_init(&x->cancel, &e), 0);
	x->logger = (struct log){ .write = write_log, .context = x, .level = LOG_DEBUG };
	x->options = (struct fetch_options){
		.backoff_ms = 5, .connect_timeout_ms = 2000, .stall_seconds = 2, .cancel = &x->cancel, .log = &x->logger
	};
}

void fixture_release(struct fixture *x)
{
	struct err e;

	http_server_stop(x->server);
	for (size_t i = 0; i < x->owned_count; i++)
		free(x->owned[i]);
	for (size_t i = 0; i < x->count; i++) {
		strv_release(&x->wanted[i].urls);
		free(x->wanted[i].name);
		free(x->wanted[i].path);
	}
	cancel_release(&x->cancel);
	buf_release(&x->log);
	cr_assert_eq(path_remove(x->dir, &e), 0, "%s", e.message);
}

struct wanted *fixture_want(struct fixture *x, const char *name, const char *url, ...)
{
	struct wanted *w = &x->wanted[x->count++];
	struct err e;
	va_list args;

	cr_assert_leq(x->count, WANTED_MAX);
	w->name = str_dup(name, &e);
	w->path = path_join(x->dir, name, &e);
	cr_assert(w->name && w->path);
	va_start(args, url);
	for (; url; url = va_arg(args, const char *))
		cr_assert_eq(strv_take(&w->urls, str_printf(&e, "%s%s", url[0] == '/' ? http_server_url(x->server) : "", url), &e),
			     0);
	va_end(args);
	return w;
}

void wanted_expect(struct wanted *w, const char *bytes, size_t len)
{
	struct err e;
	cr_assert_eq(digest_of(bytes, len, &w->digest, &e), 0);
	w->digest_known = true;
}

static int next(void *context, struct fetch_job *ret, struct err *e)
{
	struct fixture *x = context;
	(void)e;

	if (x->next == x->count)
		return 0;
	struct wanted *w = &x->wanted[x->next++];
	*ret = (struct fetch_job){
		.tag = w,
		.name = w->name,
		.urls = &w->urls,
		.partial_path = w->path,
		.digest = w->digest_known ? &w->digest : NULL,
		.size_known = w->size_known,
		.size = w->size,
		.max_bytes = w->max_bytes,
		.etag = w->etag,
		.last_modified = w->last_modified,
		.access = w->access,
	};
	return 1;
}

static int done(void *context, const struct fetch_job *job, const struct fetch_result *result, struct partial *p,
		const struct err *failure, struct err *e)
{
	struct fixture *x = context;
	struct wanted *w = job->tag;
	(void)e;

	w->done++;
	w->ok = result != NULL;
	if (result) {
		cr_assert_null(failure);
		cr_assert(result->unchanged ? p == NULL : p->size == result->size);
		w->result = *result;
		snprintf(w->got_etag, sizeof(w->got_etag), "%s", result->etag ? result->etag : "");
		snprintf(w->got_last_modified, sizeof(w->got_last_modified), "%s",
			 result->last_modified ? result->last_modified : "");
		snprintf(w->from, sizeof(w->from), "%s", result->url);
	} else {
		cr_assert_null(p);
		w->failure = *failure;
	}
	if (++x->done == x->cancel_after_done)
		cancel_set(&x->cancel);
	return 0;
}

static void rejected(void *context, const struct fetch_job *job, const char *url, struct partial *p, const struct digest *got,
		     const struct err *why)
{
	struct wanted *w = job->tag;
	struct digest again;
	struct err e;
	(void)context, (void)why;

	w->rejected++;
	snprintf(w->rejected_from, sizeof(w->rejected_from), "%s", url);
	cr_expect_eq(digest_of_fd(p->fd, &again, NULL, &e), 0);
	cr_expect(digest_equal(&again, got), "what is set aside is what was hashed");
}

static void progress(void *context, uint64_t bytes)
{
	struct fixture *x = context;
	cr_expect_geq(bytes, x->progress);
	x->progress = bytes;
}

int fixture_fetch(struct fixture *x, struct err *e)
{
	cleanup_of(fetch) struct fetch *f = NULL;
	const struct fetch_feed feed = { .next = next, .done = done, .rejected = rejected, .progress = progress, .context = x };

	x->next = 0;
	x->progress = 0;
	cr_assert_eq(fetch_new(&x->options, &f, e), 0, "%s", e->message);
	return fetch_all(f, &feed, e);
}

bool wanted_holds(const struct wanted *w, const char *bytes, size_t len)
{
	cleanup_buf struct buf b = { 0 };
	struct err e;

	if (file_read(w->path, 1 << 30, &b, &e) < 0)
		return false;
	return b.len == len && memcmp(b.data, bytes, len) == 0;
}

char *fixture_bytes(struct fixture *x, size_t len, unsigned seed)
{
	cr_assert_lt(x->owned_count, OWNED_MAX);
	return x->owned[x->owned_count++] = random_bytes(len, seed);
}
