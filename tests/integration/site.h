/* A place of its own for one test: a directory with a probe, a cache and an output tree, the program run on them, and at the end
 * everything removed, also after a failed assertion: processes, containers, image tags, files. Only the packages are
 * shared and kept, in build/integration-cache.
 *
 * A suite names site_open and site_close as its .init and .fini, and tests get at it by site(). Where no engine answers the
 * test is skipped, and says why. */
#ifndef TESTS_INTEGRATION_SITE_H
#define TESTS_INTEGRATION_SITE_H

#include "../support/temp_dir.h"
#include "base/buf.h"
#include "program.h"

/* SITE_SECONDS: the time limit of all suites. One for all, since Criterion 2.4.1 loses memory where limits differ. */
enum { SITE_PROGRAMS_MAX = 32, SITE_SECONDS = 1800 };

struct site {
	struct temp_dir temp;
	char *root;  /* the checkout */
	char *cache; /* artifacts of this test alone; packages/ in it is the shared one */
	char *output;
	char *modules; /* output/kernel-modules */
	char *probe;   /* directory, empty at first */
	char *name;    /* for the probe: its image's tags are nobody else's */
	struct program programs[SITE_PROGRAMS_MAX];
	size_t program_count;
	bool has_engine;
	void (*undo)(void);
	int alone; /* descriptor of the lock while site_be_alone holds it; else -1 */
};

struct site *site(void);
void site_open(void);
void site_close(void);
/* The same without asking for an engine; a test that needs one asks then. */
void site_open_bare(void);
void site_need_engine(void);
/* Says why on stderr, where it is seen without any option, and skips the test: cr_skip_test alone leaves everything behind. */
void site_skip(const char *format, ...) printf_like(1, 2) __attribute__((noreturn));
/* What a suite with a .fini of its own has to undo before site_close. */
void site_before_close(void (*undo)(void));

/* Starts `orchestrate COMMAND` with --root, --cache, --output, --probe and --progress plain, and what follows up to NULL: a
 * later option overrides these. The result is the site's. */
struct program *site_start(const char *command, ...) __attribute__((sentinel));
/* The same, and waits for its end; cr_expects the exit code. */
struct program *site_run(int code, const char *command, ...) __attribute__((sentinel));
/* The argv of the above, for a command that takes other options. */
struct program *site_run_exactly(int code, const char *word, ...) __attribute__((sentinel));
/* Every run begins by sweeping up what killed runs have left. From here on to the test's end none of the other tests' runs does. */
void site_be_alone(void);
/* The id that the program printed for its image, "sha256:...". Caller frees. */
char *site_image_id(const struct program *p);
/* cr_expects that no container of that run is left. */
void site_expect_no_container(const struct program *p);

enum series { SERIES_5_10, SERIES_6_1, SERIES_6_12, SERIES_7, SERIES_COUNT };

/* The newest kernel of the series (flavour amd64) whose packages can be had. Caller frees. */
char *site_kernel(enum series series);
/* Its cloud flavour: the same headers but one, the same builder. Caller frees. */
char *site_cloud(const char *kernel);

#endif
