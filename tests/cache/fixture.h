/* A cache in a scratch directory, a scripted server, and what cache_fetch reported, for the tests of cache. */
#ifndef TESTS_CACHE_FIXTURE_H
#define TESTS_CACHE_FIXTURE_H

#include "../support/http_server.h"
#include "base/buf.h"
#include "cache/package_cache.h"

enum { REPORTS_MAX = 256, OWNED_MAX = 128 };

struct report {
	unsigned times;
	bool ok;
	struct digest digest;
	uint64_t size;
	char from[512];
	struct err failure;
};

struct fixture {
	char dir[64];
	struct http_server *server;
	struct cache *cache;
	struct buf log;
	char *owned[OWNED_MAX];
	size_t owned_count;
	struct log logger;
	struct cancel cancel;
	struct cache_fetch_options options;
	struct cache_fetched fetched;
	struct report reports[REPORTS_MAX];
	size_t order[REPORTS_MAX], ended;
	uint64_t progress_done, progress_total;
};

void fixture_init(struct fixture *x);
void fixture_release(struct fixture *x);
/* URL of a path on the server. Caller frees. */
char *fixture_url(struct fixture *x, const char *path);
/* cache_fetch; clears the reports first. */
int fixture_fetch(struct fixture *x, const struct cache_request *items, size_t n, struct err *e);
struct digest digest_of_text(const char *text);
/* Whether the cache gives just this text for url, checked. *e says why not. */
bool cache_gives(struct cache *c, const char *url, const char *text, size_t len, struct err *e);
/* The only file below dir/sub (any depth) whose name holds part, as a path; fails the test when there is none or more than one.
 * Caller frees. */
char *find_file(const char *dir, const char *sub, const char *part);
size_t count_files(const char *dir, const char *sub, const char *part);
/* Replaces the bytes of a file in place, also a read-only one. */
void tamper(const char *path, const char *bytes, size_t len);
/* Pseudo-random bytes, the same for the same seed; they live until the server has stopped. */
char *fixture_bytes(struct fixture *x, size_t len, unsigned seed);

#endif
