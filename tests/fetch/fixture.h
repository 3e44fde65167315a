/* A scratch directory, a scripted server and a list of files to get, for the tests of fetch. */
#ifndef TESTS_FETCH_FIXTURE_H
#define TESTS_FETCH_FIXTURE_H

#include "../support/http_server.h"
#include "fetch/download.h"

enum { WANTED_MAX = 64, OWNED_MAX = 128 };

/* One file wanted, and what came of it. */
struct wanted {
	struct strv urls;
	char *name, *path; /* path: its partial file */
	struct digest digest;
	bool digest_known, size_known;
	uint64_t size, max_bytes;
	const char *etag, *last_modified;
	const struct fetch_access *access;
	/* afterwards */
	unsigned done; /* calls of done() */
	bool ok;
	struct fetch_result result;
	char from[512], got_etag[128], got_last_modified[128];
	struct err failure;
	char rejected_from[512]; /* of the last rejected() */
	unsigned rejected;
};

struct fixture {
	char dir[64];
	struct http_server *server;
	struct wanted wanted[WANTED_MAX];
	size_t count, next;
	struct fetch_options options;
	struct cancel cancel;
	size_t cancel_after_done; /* cancel when so many are done; 0: never */
	size_t done;
	uint64_t progress; /* last told */
	struct buf log;
	char *owned[OWNED_MAX];
	size_t owned_count;
	struct log logger;
};

void fixture_init(struct fixture *x);
void fixture_release(struct fixture *x);
/* Wants one more file from server paths ("/x") or whole URLs; NULL ends the list. */
struct wanted *fixture_want(struct fixture *x, const char *name, const char *url, ...) __attribute__((sentinel));
/* Says what the content must be. */
void wanted_expect(struct wanted *w, const char *bytes, size_t len);
/* fetch_all over everything wanted; its result. */
int fixture_fetch(struct fixture *x, struct err *e);
/* Whether the partial file of w holds just these bytes. */
bool wanted_holds(const struct wanted *w, const char *bytes, size_t len);
/* Pseudo-random bytes, the same for the same seed; they live until the server has stopped. */
char *fixture_bytes(struct fixture *x, size_t len, unsigned seed);

#endif
