/* What a build and a plan of the checkout stand on: inputs, engine, stores, and the plan itself. */
#ifndef ORCHESTRATE_CMD_GROUNDWORK_H
#define ORCHESTRATE_CMD_GROUNDWORK_H

#include "build/plan.h"
#include "cmd/choice_options.h"
#include "cmd/context.h"

struct groundwork {
	struct inputs inputs;
	struct engine *engine; /* NULL: a dry run without one */
	struct cache *cache;   /* NULL: a dry run, and there is none */
	struct artifact_store *artifacts;
	struct mirror_table *mirrors, *toolchain_mirrors;
	struct toolchains *toolchains;
	struct plan_options plan_options;
	struct plan plan;
	char *scratch;
};

/* Reads the checkout, makes the plan, and warns of what is doubtful in the block list. Context and choice are borrowed. dry_run:
 * nothing is made on disk, and an engine that cannot be reached is a warning. g is zeroed by the caller, who releases it also after
 * a failure. */
must_check int groundwork_make(struct groundwork *g, struct context *c, const struct choice_options *choice, const char *probe_dir,
			       bool dry_run, struct err *e);
void groundwork_release(struct groundwork *g);
/* Warns of rules that have expired and, where the whole of the kernels was looked at, of those that matched none. */
must_check int groundwork_doubt(struct context *c, const struct block_list *list, bool whole, struct err *e);

#endif
