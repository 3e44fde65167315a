/* A plan of bare kernel ids: what the block list leaves of them. */
#ifndef ORCHESTRATE_CMD_ID_PLAN_H
#define ORCHESTRATE_CMD_ID_PLAN_H

#include "cmd/choice_options.h"
#include "cmd/context.h"
#include "cmd/plan_table.h"

struct id_plan_options {
	const char *kernels_from; /* file of ids, kernel/id_list.h */
	const char *module_version;
	enum plan_format format;
	const struct choice_options *choice; /* kernels, kinds and block list of it */
};

/* Prints it. Without packages there is nothing but the block list to go by: floors, toolchains and what has been built are not
 * looked at. Gives the exit code or -1. */
must_check int id_plan_print(const struct id_plan_options *o, struct context *c, struct err *e);

#endif
