/* What of an index belongs to the list: `packages` and `exclude` of the rules. */
#ifndef ORCHESTRATE_INDEX_CHOICE_H
#define ORCHESTRATE_INDEX_CHOICE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "index/rules.h"
#include "kernel/pattern.h"

/* Embedded; {0} takes nothing. */
struct choice {
	struct pattern **packages, **exclude;
	size_t package_count, exclude_count;
};

/* A bad pattern: ERR_INPUT. Release it also on failure. */
must_check int choice_init(struct choice *c, const struct index_rules *rules, struct err *e);
void choice_release(struct choice *c);
/* 1: one of `packages` matches the whole name, and none of `exclude`; 0: not so; -1 error. */
must_check int choice_takes(struct choice *c, const char *name, struct err *e);

#define cleanup_choice __attribute__((cleanup(choice_release)))

#endif
