/* Places that go wrong: each has a repository of its own behind a server that misbehaves on demand, and a checkout with two
 * distros: `broken`, which is crawled there, and `steady`, whose repository is always good. */
#ifndef TESTS_INTEGRATION_PLACE_H
#define TESTS_INTEGRATION_PLACE_H

#include "../support/http_server.h"
#include "checkout.h"
#include "published.h"
#include "web.h"

struct place {
	struct published published; /* kernels 9 and 10 at the first crawl, then 11 too */
	struct http_server *server; /* passes on to a real one what has no script */
	char *url;		    /* of the repository */
	struct checkout checkout;
	struct program program; /* the crawl at work, or the last one */
	struct checkout_state before;
	struct buf body; /* of a script */
};

struct fault {
	const char *name;
	const struct published_kind *kind;
	/* What goes wrong, after a good crawl. */
	void (*happens)(struct place *p);
	/* Of the one line that is said about it: the end of the URL, and of what happened. NULL: it is no fault, kernel 11 is
	 * found. */
	const char *where, *what;
};

/* .init of a suite, with site_close as its .fini. */
void places_open(void);
/* What a test has to undo before anything of this is closed. */
void places_before_close(void (*undo)(void));
/* A key that nobody trusts. */
const struct signing *places_other_key(void);

/* All rows at once: a good crawl each, then the faults, then what must hold: broken's files byte-identical, exit code 1, exactly
 * one error line that names distro, index, URL and what happened; steady has its new kernel. At last all is well again, and
 * broken's new kernel is found. */
void places_try(const struct fault *faults, size_t count);
/* One place where the first crawl has been. Its url's repository has got kernel 11 since, and so has steady's. */
struct place *place_open(const struct published_kind *kind);
/* Repository and descriptor as they should be, no scripts. */
void place_heal(struct place *p);
/* Starts the crawl in p->program. */
void place_start(struct place *p);
/* Kernels of broken's list; digests too. */
void place_expect(const struct place *p, const char *distro, const unsigned *kernels);
/* steady's list has kernel 11. */
void place_expect_steady(const struct place *p, const char *what);

/* --- for happens() --- */

/* A file below the repository gets this text. */
void place_put(struct place *p, const char *name, const char *text);
/* A file loses its second half. */
void place_truncate(struct place *p, const char *name);
/* Each occurrence of a word in a file becomes another. */
void place_edit(struct place *p, const char *name, const char *word, const char *with);
/* The name of the first file below the repository's that has part in its name. Borrowed until the next call. */
const char *place_find(struct place *p, const char *part);
/* The server's answer for a name of the repository, from now on. body is copied. */
void place_answer(struct place *p, const char *name, struct http_step step);

/* What a web server, or a proxy in front of it, says with status 200 when it should not. */
extern const char error_page[];

#endif
