/* Everything a run reads from the checkout before it does anything: descriptors, lists, recipes, the probe, the in-container
 * script. All of it is checked here, so that a mistake is found before the first container starts. */
#ifndef ORCHESTRATE_BUILD_INPUTS_H
#define ORCHESTRATE_BUILD_INPUTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "build/sources.h"
#include "descriptor/distro.h"
#include "descriptor/probe.h"
#include "descriptor/recipe.h"
#include "kernel/block_list.h"
#include "kernel/digests.h"
#include "kernel/group.h"

/* One distro's part. */
struct distro_inputs {
	const struct distro *distro;
	struct kernel_set kernels;
	struct digest_table *digests;
};

struct inputs {
	struct distro_set distros;
	struct recipe_set recipes;
	struct distro_inputs *chosen; /* in the order of distros */
	size_t chosen_count;

	struct probe probe;
	char *module_version; /* one word */
	struct buf ahead;     /* what every builder gets before the tree: the tar of the sources, then compiler_memory's program */
	size_t sources_len;   /* of the tar */
	struct digest source_digests[KIND_COUNT];
	char *build_script;	       /* images/build.sh */
	struct digest script_digest;   /* of it and compiler_memory's source: what surrounds a build */
	char *seccomp_profile;	       /* images/seccomp.json */
	struct block_list *block_list; /* NULL: there is none */
};

struct inputs_options {
	const char *root;	    /* the checkout: distros/, images/, the lists */
	const char *probe_dir;	    /* NULL: <root>/probe */
	const struct strv *distros; /* names asked for; empty: all */
	const char *block_list;	    /* its path; NULL: <root>/supported-kernels/BLOCKLIST, which may be missing */
};

/* Lists and block list: every finding of a bad one goes to the log, the first becomes the error. Leftovers of the grouping are
 * warnings in the log: they cost their own kernel only. Those that stand elsewhere in the list cost nothing: debug. */
must_check int inputs_load(const struct inputs_options *options, struct log *log, struct inputs *ret, struct err *e);
/* The part that needs no list and no distro: probe and module version, for the image alone. */
must_check int inputs_load_probe(const struct inputs_options *options, struct inputs *ret, struct err *e);
/* The block list alone. *ret is NULL when none is named and there is none. */
must_check int inputs_load_block_list(const struct inputs_options *options, struct log *log, struct block_list **ret,
				      struct err *e);
void inputs_release(struct inputs *in);

#define cleanup_inputs __attribute__((cleanup(inputs_release)))

#endif
