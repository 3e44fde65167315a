/* A small checkout (tests/data/build/root) in a directory of the test's own, and what stands on it. */
#ifndef TESTS_BUILD_FIXTURE_H
#define TESTS_BUILD_FIXTURE_H

#include "../support/temp_dir.h"
#include "build/inputs.h"
#include "build/plan.h"

struct checkout {
	struct temp_dir dir;
	char root[128], cache[128];
	struct log log;
	char said[4096]; /* what was logged, a line each */
};

/* Copies the checkout. Fails the test when it can't. */
void checkout_make(struct checkout *c);
void checkout_remove(struct checkout *c);
#define cleanup_checkout __attribute__((cleanup(checkout_remove)))

/* Writes a file below the checkout (directories are made). */
void checkout_write(struct checkout *c, const char *path, const char *text);
/* Reads it all in; names: distros, ends with NULL. Fails the test when it can't. */
void checkout_load(struct checkout *c, struct inputs *ret, const char *const names[]);

/* Everything that a plan needs, without an engine. */
struct planner {
	struct strv kernels;
	struct plan_options options;
};

void planner_open(struct planner *p, struct checkout *c, const struct inputs *in);
void planner_close(struct planner *p);
#define cleanup_planner __attribute__((cleanup(planner_close)))

/* Makes the plan; fails the test when it can't. */
void planner_make(struct planner *p, const struct inputs *in, struct plan *ret);
/* The job of a kernel; fails the test when there is none. */
struct job *plan_job_of(struct plan *plan, const char *kernel);

/* The file's bytes, NUL-terminated. Caller frees. */
char *read_all(const char *path);
void write_all(const char *path, const char *text);

#endif
