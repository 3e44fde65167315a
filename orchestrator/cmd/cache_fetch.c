#include <stddef.h>

#include "base/cleanup.h"
#include "cmd/cache.h"
#include "cmd/upstream.h"

static const struct option_table tables[] = {
	{ cache_distro_options, 0 },
	{ context_mirror_options, offsetof(struct cache_command, context) },
	{ context_bucket_options, offsetof(struct cache_command, context) },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static void on_done(void *context, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	struct cache_command *o = context;

	(void)i;
	o->done++;
	if (failure)
		log_printf(&o->context.log, LOG_ERROR, "%s", failure->message);
	else if (entry->fresh)
		cache_show_package(o, "fetched", entry);
	else
		log_printf(&o->context.log, LOG_DEBUG, "have %s", entry->name);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	cache_show_progress(context, bytes_done, bytes_total);
}

static int fetch(struct cache_command *o, struct cache *cache, struct err *e)
{
	struct context *c = &o->context;
	cleanup_listed struct listed listed = { 0 };
	cleanup_of(mirror_table) struct mirror_table *mirrors = NULL;
	struct cache_fetched got = { 0 };

	if (cache_load_listed(o, &listed, e) < 0 || context_mirrors(c, &listed.distros, NULL, &mirrors, e) < 0 ||
	    context_upstream(c, &listed.distros, cache, e) < 0)
		return -1;
	o->what = "fetch";
	o->packages = (unsigned)listed.count;
	const struct cache_fetch_options options = {
		.mirrors = mirrors,
		.cancel = &c->cancel,
		.on_done = on_done,
		.on_progress = on_progress,
		.context = o,
	};
	if (cache_fetch(cache, listed.items, listed.count, &options, &got, e) < 0)
		return -1;
	if (got.pulled)
		log_printf(&c->log, LOG_INFO, "%zu of them from the bucket (%.1f MB)", got.pulled, megabytes(got.bytes_pulled));
	log_printf(&c->log, LOG_INFO, "%zu packages: %zu there, %zu fetched (%.1f MB), %zu failed", listed.count, got.present,
		   got.pulled + got.fetched, megabytes(got.bytes_pulled + got.bytes), got.failed);
	return got.failed ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}

const struct cache_verb cache_fetch_verb = {
	.name = "fetch",
	.summary = "get every package that the lists name and that is not there yet",
	.command = { .usage = "orchestrate cache fetch [OPTION]...",
		     .summary =
			     "Gets every package that the lists name and that is not there yet: from the bucket where there is one,\n"
			     "then from mirrors, then from the snapshot archive where the descriptor names one. Checked against\n"
			     "the list's digests.",
		     .tables = tables },
	.run = fetch,
};
