/* The real program on a small checkout (tests/data/build/root) of the test's own. */
#ifndef TESTS_CMD_PROGRAM_H
#define TESTS_CMD_PROGRAM_H

#include "../support/temp_dir.h"
#include "base/buf.h"
#include "base/process.h"

struct site {
	struct temp_dir dir;
	char root[128], cache[128];
	struct strv env;
};

/* Fails the test when it can't. */
void site_make(struct site *s);
void site_remove(struct site *s);
#define cleanup_site __attribute__((cleanup(site_remove)))

/* Writes a file below the checkout. */
void site_write(struct site *s, const char *path, const char *text);
/* Adds NAME=VALUE to the program's environment. */
void site_env(struct site *s, const char *variable);

/* How it went. */
struct outcome {
	int code; /* -1: ended by a signal */
	struct buf out, err;
};

void outcome_release(struct outcome *o);
#define cleanup_outcome __attribute__((cleanup(outcome_release)))

/* Runs `orchestrate ARGUMENTS...` (ends with NULL) to its end. */
void run_program(struct site *s, const char *const arguments[], struct outcome *ret);
/* As run_program, with --root and --cache behind the arguments. */
void run_on_site(struct site *s, const char *const arguments[], struct outcome *ret);

/* Starts it with its outputs in these pipes' reading ends, which the caller closes. */
void start_on_site(struct site *s, const char *const arguments[], struct process *ret, int *ret_out, int *ret_err);
/* Collects both outputs and waits. */
void finish_program(struct process *p, int out, int err, struct outcome *ret);

/* What $ORCHESTRATE_PROGRAM says. */
const char *program_path(void);
unsigned count_lines(const struct buf *text);

#endif
