#include "cmd/groundwork.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cmd/upstream.h"
#include "engine/engine.h"

void groundwork_release(struct groundwork *g)
{
	plan_release(&g->plan);
	toolchains_free(g->toolchains);
	mirror_table_free(g->mirrors);
	mirror_table_free(g->toolchain_mirrors);
	artifact_store_close(g->artifacts);
	cache_close(g->cache);
	engine_close(g->engine);
	inputs_release(&g->inputs);
	free(g->scratch);
}

/* A dry run goes on without an engine: it then can't know what would be reused. */
static int open_engine(struct groundwork *g, struct context *c, bool dry_run, struct err *e)
{
	if (context_open_engine(c, &g->engine, e) == 0)
		return 0;
	if (!dry_run || e->kind != ERR_UNREACHABLE)
		return -1;
	log_printf(&c->log, LOG_WARNING, "%s; the plan can't tell what would be reused", e->message);
	return 0;
}

static int open_stores(struct groundwork *g, struct context *c, bool pull, bool dry_run, struct err *e)
{
	struct toolchains_options toolchains = {
		.engine = g->engine,
		.recipes = &g->inputs.recipes,
		.scratch = g->scratch,
		.log = &c->log,
		.listener = &c->listener,
		.cancel = &c->cancel,
		.pull = pull,
	};

	/* A dry run changes nothing, so it makes no stores either: without them nothing is there. */
	int there = dry_run ? path_exists(c->cache_path, e) : 1;
	if (there < 0)
		return -1;
	if (there && (cache_open(c->cache_path, &c->log, &g->cache, e) < 0 ||
		      artifact_store_open(c->cache_path, &c->log, &g->artifacts, e) < 0))
		return -1;
	if (g->cache && context_upstream(c, &g->inputs.distros, g->cache, e) < 0)
		return -1;
	if (context_mirrors(c, &g->inputs.distros, &g->inputs.recipes, &g->mirrors, e) < 0 ||
	    context_mirrors(c, &g->inputs.distros, &g->inputs.recipes, &g->toolchain_mirrors, e) < 0)
		return -1;
	toolchains.mirrors = g->toolchain_mirrors;
	return toolchains_new(&toolchains, &g->toolchains, e);
}

int groundwork_doubt(struct context *c, const struct block_list *list, bool whole, struct err *e)
{
	cleanup_strv struct strv doubts = { 0 };
	char today[CLOCK_DATE_LEN + 1];

	clock_today(today);
	if (block_list_expired(list, today, &doubts, e) < 0 || (whole && block_list_unused(list, &doubts, e) < 0))
		return -1;
	for (size_t i = 0; i < doubts.len; i++)
		log_printf(&c->log, LOG_WARNING, "%s", doubts.items[i]);
	return 0;
}

int groundwork_make(struct groundwork *g, struct context *c, const struct choice_options *choice, const char *probe_dir,
		    bool dry_run, struct err *e)
{
	const struct inputs_options inputs = {
		.root = c->root, .probe_dir = probe_dir, .distros = &choice->distros, .block_list = choice->block_list
	};

	if (inputs_load(&inputs, &c->log, &g->inputs, e) < 0 || open_engine(g, c, dry_run, e) < 0)
		return -1;
	g->scratch = path_join(c->cache_path, "scratch", e);
	if (!g->scratch || open_stores(g, c, choice->pull, dry_run, e) < 0)
		return -1;
	g->plan_options = (struct plan_options){
		.kernels = &choice->kernels,
		.cache_dir = c->cache_path,
		.cache = g->cache,
		.artifacts = g->artifacts,
		.toolchains = g->toolchains,
		.rebuild = choice->rebuild,
	};
	choice_kinds(choice, g->plan_options.kinds);
	if (plan_make(&g->inputs, &g->plan_options, &g->plan, e) < 0)
		return -1;
	return groundwork_doubt(c, g->inputs.block_list, !choice->distros.len && !choice->kernels.len, e);
}
