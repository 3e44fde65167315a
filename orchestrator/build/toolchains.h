/* The toolchain images of one run: each recipe's image is looked for once, and made at most once however many kernels wait for it.
 */
#ifndef ORCHESTRATE_BUILD_TOOLCHAINS_H
#define ORCHESTRATE_BUILD_TOOLCHAINS_H

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "build/events.h"
#include "descriptor/recipe.h"
#include "toolchain/choose.h"

struct engine;
struct mirror_table;
struct toolchains;

struct toolchains_options {
	struct engine *engine; /* NULL: nothing is found or made (a dry run without an engine) */
	const struct recipe_set *recipes;
	struct mirror_table *mirrors;
	const char *scratch;
	struct log *log;
	const struct listener *listener;
	const struct cancel *cancel;
	bool pull; /* a registry may be asked */
};

/* Everything in options is borrowed and must outlive the result. */
must_check int toolchains_new(const struct toolchains_options *options, struct toolchains **ret, struct err *e);
void toolchains_free(struct toolchains *t);
/* The id of the recipe's image, borrowed from t. 1 there, 0 not made yet. */
must_check int toolchains_find(struct toolchains *t, const struct recipe *recipe, const char **ret_id, struct err *e);
/* As toolchains_find, but makes it when it is missing; others who want the same wait meanwhile. What failed once fails again with
 * the same error, without another try in this run. */
must_check int toolchains_ensure(struct toolchains *t, const struct recipe *recipe, const char **ret_id, struct err *e);
/* toolchain_choose among what can be had: recipes whose image is there, that need no registry, or, where one may be asked, that are
 * pinned. Where another recipe would fit better, ret->why says so, and what it needs; where only such fit, the error does. */
must_check int toolchains_choose(struct toolchains *t, const struct toolchain_want *want, struct toolchain_choice *ret,
				 struct err *e);

DEFINE_CLEANUP(toolchains, struct toolchains, toolchains_free)

#endif
