/* Plans, on stdout. */
#ifndef ORCHESTRATE_CMD_PLAN_TABLE_H
#define ORCHESTRATE_CMD_PLAN_TABLE_H

#include <jansson.h>

#include "build/plan.h"

enum plan_format {
	PLAN_TABLE, /* a line for each (kernel, kind), the sum at the end */
	PLAN_JSON,  /* one document */
	PLAN_COUNT, /* the number of (kernel, kind) that are there to be had: planned or reused */
};

/* "table", "json", "count"; else ERR_USAGE. */
must_check int plan_format_parse(const char *name, enum plan_format *ret, struct err *e);

/* Gives the exit code (1 when some kernel can't be built as things stand), -1 with *e for lack of memory. */
must_check int plan_print(const struct inputs *in, const struct plan *plan, enum plan_format format, struct err *e);

/* The last line of a table: "7 kernels: 11 planned 3 unavailable". */
void plan_print_sum(size_t kernels, const unsigned verdicts[VERDICT_COUNT]);
/* Of one rule: line, text, and what is said of it. */
json_t *block_rule_json(const struct block_list *list, const struct block_rule *rule);
/* Of all rules, with how often each has matched. list may be NULL. */
json_t *block_list_json(const struct block_list *list);
/* Writes it to stdout and gives it up. what: for the message. */
must_check int json_print(json_t *object, const char *what, struct err *e);

#endif
