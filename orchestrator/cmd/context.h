/* What every subcommand has in common: the options of the checkout and the engine, the display, Ctrl-C. */
#ifndef ORCHESTRATE_CMD_CONTEXT_H
#define ORCHESTRATE_CMD_CONTEXT_H

#include <pthread.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/log.h"
#include "cmd/options.h"
#include "cmd/progress.h"
#include "fetch/mirror.h"

struct distro_set;
struct recipe_set;
struct engine;
struct upstream;

struct context {
	/* Set by options; NULL: the default. */
	const char *root, *cache_dir, *engine_endpoint, *bucket, *bucket_url;
	struct strv mirrors; /* NAME=URL */
	enum progress_mode progress_mode;
	bool verbose;

	struct cancel cancel;
	struct progress *progress;
	struct log log;		  /* goes to the display */
	struct listener listener; /* goes to the display */
	pthread_t signals;
	bool started;
	char *cache_path; /* resolved by context_start */
	struct upstream *upstream;
};

/* --root, --cache, --progress, --verbose: target is a struct context. */
extern const struct option_def context_options[];
/* --engine. */
extern const struct option_def context_engine_options[];
/* --mirror. */
extern const struct option_def context_mirror_options[];
/* --bucket, --bucket-url. */
extern const struct option_def context_bucket_options[];

/* What a command does once its options are in. Gives an exit code, or -1 with *e. */
typedef int (*context_run_fn)(void *target, struct err *e);

/* The frame of every command: parses the options into target, whose context this is (words: what is no option; NULL: there must be
 * none), then starts the display and a thread that turns SIGINT, SIGTERM and SIGHUP into a cancel (a second signal ends the process
 * at once; the containers' leases then end what runs), runs, shows the error where there is one, and gives the exit code. The
 * context is released. */
int context_run(struct context *c, const struct command_def *command, int argc, char **argv, void *target, struct strv *words,
		context_run_fn run);
/* Shows an error that does not end the command. */
void context_report(struct context *c, const struct err *e);

must_check int context_open_engine(struct context *c, struct engine **ret, struct err *e);
/* A table of the descriptors' and recipes' mirrors (either may be NULL) with the user's --mirror on top. One per thread that uses
 * it. */
must_check int context_mirrors(struct context *c, const struct distro_set *distros, const struct recipe_set *recipes,
			       struct mirror_table **ret, struct err *e);

#endif
