/* A made-up distro's packages, which a web server has: what package caches are filled with. Needs no engine.
 *
 * A suite names stock_open and site_close as its .init and .fini. */
#ifndef TESTS_INTEGRATION_STOCK_H
#define TESTS_INTEGRATION_STOCK_H

#include "../support/http_server.h"
#include "checkout.h"
#include "program.h"

/* Many small ones, and the last is of some MB and comes slowly. */
enum { STOCK_COUNT = 37, STOCK_BIG = STOCK_COUNT - 1 };

struct stock_package {
	char *name, *url, *body;
	size_t size;
	char hex[65]; /* of its sha256 */
};

struct stock {
	struct stock_package packages[STOCK_COUNT];
	struct http_server *server; /* the only mirror, which has them all until http_server_forget */
	struct checkout checkout;
	struct program program; /* of the last stock_run */
	char *files;		/* a directory with all of them, as handed in by hand */
};

struct stock *stock(void);
void stock_open(void);
void stock_publish(void);
/* Makes the list anew, with the packages from the first on; with their digests or without any. */
void stock_list(unsigned first, bool digests);
/* A path below the test's own directory. Caller frees. */
char *stock_path(const char *name);

/* Starts `orchestrate cache VERB` on that cache; more words up to NULL. */
void stock_start(struct program *p, const char *cache, const char *verb, ...) __attribute__((sentinel));
/* Runs it in stock()->program; cr_expects the exit code. */
struct program *stock_run(int code, const char *cache, const char *verb, ...) __attribute__((sentinel));
/* The same with words. */
void stock_start_words(struct program *p, const char *cache, const char *verb, const struct strv *words);

/* How many contents the cache has. */
size_t stock_contents(const char *cache);
/* cr_expects that `cache verify` finds nothing bad. what: for the message. */
void stock_expect_good(const char *cache, const char *what);
/* cr_expects every package, each once, and nothing unfinished or set aside. */
void stock_expect_whole(const char *cache, const char *what);

#endif
