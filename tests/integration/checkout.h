/* A checkout of made-up distros, for crawling. */
#ifndef TESTS_INTEGRATION_CHECKOUT_H
#define TESTS_INTEGRATION_CHECKOUT_H

#include "base/buf.h"
#include "program.h"

struct checkout {
	char *root, *cache;
};

/* Below dir. */
void checkout_make(struct checkout *c, const char *dir);
void checkout_release(struct checkout *c);
/* distros/NAME.yaml: the rules of tests/data/integration/<example>.yaml under that name, and behind them more, the YAML of where it
 * is crawled. A distro described again gets the new rules. */
void checkout_describe(const struct checkout *c, const char *example, const char *name, const char *more);
/* supported-kernels/NAME and suffix: ".txt", ".digests", "-uncrawled.txt". Caller frees. */
char *checkout_path(const struct checkout *c, const char *name, const char *suffix);
/* cr_expects the file's exact text below the comments at its top; empty text: no file will do too. */
void checkout_expect(const struct checkout *c, const char *name, const char *suffix, const char *text);

/* What must not change when a crawl fails: list, uncrawled list, digests, and how much each index had. */
struct checkout_state {
	struct buf files[4];
};

void checkout_remember(const struct checkout *c, const char *name, struct checkout_state *ret);
/* cr_expects the same bytes. what: for the message. */
void checkout_expect_same(const struct checkout *c, const char *name, const struct checkout_state *before, const char *what);
void checkout_state_release(struct checkout_state *s);
#define cleanup_checkout_state __attribute__((cleanup(checkout_state_release)))

/* Starts `orchestrate crawl` on it, with further words up to NULL. program_release is the caller's. */
void checkout_start_crawl(const struct checkout *c, struct program *p, ...) __attribute__((sentinel));
/* Starts it anew in p and waits; cr_expects the exit code. */
void checkout_crawl(const struct checkout *c, struct program *p, int code, ...) __attribute__((sentinel));

#endif
