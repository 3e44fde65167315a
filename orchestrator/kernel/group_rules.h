/* A descriptor's rules made ready to run. For group.c; others call group_rules_check (kernel/group.h). */
#ifndef ORCHESTRATE_KERNEL_GROUP_RULES_H
#define ORCHESTRATE_KERNEL_GROUP_RULES_H

#include "base/cleanup.h"
#include "kernel/group.h"
#include "kernel/pattern.h"

/* How many combinations of match values one package rule may have. */
enum { MATCH_COMBINATIONS_MAX = 16 };

/* The patterns of one package rule. */
struct role_patterns {
	struct pattern **items;
	size_t count;
};

struct ready_rules {
	const struct group_rules *rules; /* borrowed */
	struct role_patterns *roles;	 /* one for each package rule */
};

must_check int ready_rules_new(const struct group_rules *rules, struct ready_rules **ret, struct err *e);
void ready_rules_free(struct ready_rules *r);
/* Whether any pattern of a role has this capture. */
bool role_has_capture(const struct role_patterns *role, const char *name);
/* The first role's pattern that matched, and the role, as a template_lookup: a capture of the role that this pattern lacks is
 * empty. */
struct role_match {
	const struct role_patterns *role;
	const struct pattern *pattern; /* NULL: all are empty */
};
const char *role_match_lookup(const void *role_match, const char *name, size_t *ret_len);

/* What `told-id` may name, as a template_lookup over a struct kernel_telling; NULL: all are empty. */
struct kernel_telling {
	const struct kernel *listed;
	const char *release, *version;
};
const char *told_lookup(const void *kernel_telling, const char *name, size_t *ret_len);

DEFINE_CLEANUP(ready_rules, struct ready_rules, ready_rules_free)

#endif
