/* The options that choose kernels and kinds, and what is to be built of them. */
#ifndef ORCHESTRATE_CMD_CHOICE_OPTIONS_H
#define ORCHESTRATE_CMD_CHOICE_OPTIONS_H

#include "base/buf.h"
#include "cmd/options.h"
#include "kernel/kind.h"

struct choice_options {
	struct strv distros, kernels; /* empty: all */
	bool kinds[KIND_COUNT];	      /* none: all (choice_kinds) */
	const char *block_list;	      /* NULL: the checkout's */
	bool rebuild;
	bool pull;
};

/* --distro, --kernel, --kind: target is a struct choice_options. */
extern const struct option_def choice_kernel_table[];
/* --block-list, --rebuild, --pull, for what comes behind those. */
extern const struct option_def choice_option_table[];

/* Which kinds are asked for. */
void choice_kinds(const struct choice_options *o, bool ret[KIND_COUNT]);
void choice_options_release(struct choice_options *o);

#endif
