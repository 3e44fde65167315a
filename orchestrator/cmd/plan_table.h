/* The plan of a dry run, on stdout. */
#ifndef ORCHESTRATE_CMD_PLAN_TABLE_H
#define ORCHESTRATE_CMD_PLAN_TABLE_H

#include "build/plan.h"

/* As a table, or as one JSON document. Gives the exit code (1 when some kernel can't be built as things stand), -1 with *e for lack
 * of memory. */
must_check int plan_print(const struct inputs *in, const struct plan *plan, bool json, struct err *e);

#endif
