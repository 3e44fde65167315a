#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/random_bytes.h"
#include "base/file.h"

static void write_log(void *context, enum log_level level, const char *line)
{
	struct fixture *x = context;
	cr_assert_eq(buf_printf(&x->log, NULL, "%d: %s\n", level, line), 0);
}

static void on_done(void *context, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	struct fixture *x = context;
	struct report *r = &x->reports[i];

	x->order[x->ended++] = i;
	r->times++;
	r->ok = entry != NULL;
	cr_expect_eq(entry == NULL, failure != NULL);
	if (failure) {
		r->failure = *failure;
		return;
	}
	r->digest = entry->digest;
	r->size = entry->size;
	snprintf(r->from, sizeof(r->from), "%s", entry->from);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	struct fixture *x = context;

	cr_expect_leq(bytes_done, bytes_total);
	x->progress_done = bytes_done;
	x->progress_total = bytes_total;
}

void fixture_init(struct fixture *x)
{
	struct err e;

	memset(x, 0, sizeof(*x));
	strcpy(x->dir, "/tmp/cache-test.XXXXXX");
	cr_assert(mkdtemp(x->dir));
	x->server = http_server_start();
	x->logger = (struct log){ .write = write_log, .context = x, .level = LOG_DEBUG };
	cr_assert_eq(cache_open(x->dir, &x->logger, &x->cache, &e), 0, "%s", e.message);
	cr_assert_eq(cancel_init(&x->cancel, &e), 0);
	x->options = (struct cache_fetch_options){ .backoff_ms = 5,
						   .stall_seconds = 2,
						   .cancel = &x->cancel,
						   .on_done = on_done,
						   .on_progress = on_progress,
						   .context = x };
}

void fixture_release(struct fixture *x)
{
	struct err e;

	cache_close(x->cache);
	http_server_stop(x->server);
	for (size_t i = 0; i < x->owned_count; i++)
		free(x->owned[i]);
	cancel_release(&x->cancel);
	buf_release(&x->log);
	cr_assert_eq(path_remove(x->dir, &e), 0, "%s", e.message);
}

char *fixture_url(struct fixture *x, const char *path)
{
	char *url = str_printf(NULL, "%s%s", http_server_url(x->server), path);
	cr_assert(url);
	return url;
}

int fixture_fetch(struct fixture *x, const struct cache_request *items, size_t n, struct err *e)
{
	memset(x->reports, 0, sizeof(x->reports));
	memset(&x->fetched, 0, sizeof(x->fetched));
	x->ended = 0;
	return cache_fetch(x->cache, items, n, &x->options, &x->fetched, e);
}

struct digest digest_of_text(const char *text)
{
	struct digest d;
	cr_assert_eq(digest_of(text, strlen(text), &d, NULL), 0);
	return d;
}

bool cache_gives(struct cache *c, const char *url, const char *text, size_t len, struct err *e)
{
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
	cleanup_free char *bytes = malloc(len + 1);

	if (cache_open_package(c, url, NULL, &entry, e) < 0)
		return false;
	ssize_t n = read(entry.fd, bytes, len + 1);
	bool same = n == (ssize_t)len && memcmp(bytes, text, len) == 0 && entry.size == len;
	if (!same)
		err_set(e, ERR_CORRUPT, "other bytes");
	return same;
}

/* nftw(3) has no context; the tests of one process walk one at a time. */
static const char *wanted_part;
static size_t found_count;
static char found_path[1024];

static int look_at(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (flag == FTW_F && strstr(path_base(path), wanted_part)) {
		found_count++;
		snprintf(found_path, sizeof(found_path), "%s", path);
	}
	return 0;
}

size_t count_files(const char *dir, const char *sub, const char *part)
{
	cleanup_free char *start = path_join(dir, sub, NULL);

	wanted_part = part;
	found_count = 0;
	nftw(start, look_at, 16, FTW_PHYS);
	return found_count;
}

char *find_file(const char *dir, const char *sub, const char *part)
{
	cr_assert_eq(count_files(dir, sub, part), 1, "%zu files '%s' below %s", found_count, part, sub);
	return str_dup(found_path, NULL);
}

void tamper(const char *path, const char *bytes, size_t len)
{
	cr_assert_eq(chmod(path, 0644), 0);
	cleanup_close int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
}

char *fixture_bytes(struct fixture *x, size_t len, unsigned seed)
{
	cr_assert_lt(x->owned_count, OWNED_MAX);
	return x->owned[x->owned_count++] = random_bytes(len, seed);
}
