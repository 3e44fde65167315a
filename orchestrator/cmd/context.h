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

struct context {
	/* Set by options; NULL: the default. */
	const char *root, *cache_dir, *engine_endpoint;
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
};

/* --root, --cache, --progress, --verbose: target is a struct context. */
extern const struct option_def context_options[];
/* --engine. */
extern const struct option_def context_engine_options[];
/* --mirror. */
extern const struct option_def context_mirror_options[];

/* Before the options are parsed. */
void context_init(struct context *c);
/* After them: the display, and a thread that turns SIGINT, SIGTERM and SIGHUP into a cancel. A second signal ends the process at
 * once; the containers' leases then end what runs. */
must_check int context_start(struct context *c, struct err *e);
void context_release(struct context *c);
/* Shows the error that ends the command, on the display or, before there is one, on stderr. */
void context_report(struct context *c, const struct err *e);

must_check int context_open_engine(struct context *c, struct engine **ret, struct err *e);
/* A table of the descriptors' and recipes' mirrors (either may be NULL) with the user's --mirror on top. One per thread that uses
 * it. */
must_check int context_mirrors(struct context *c, const struct distro_set *distros, const struct recipe_set *recipes,
			       struct mirror_table **ret, struct err *e);

#define cleanup_context __attribute__((cleanup(context_release)))

#endif
