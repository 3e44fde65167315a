#include "cmd/cache.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* --- what the verbs share --- */

static int add_distro(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct cache_command *)target)->distros, value, e);
}

static int set_yes(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct cache_command *)target)->yes = true;
	return 0;
}

const struct option_def cache_distro_options[] = {
	{ "distro", "NAME", "only what this distro's list names; repeatable [all]", add_distro },
	{ 0 },
};

const struct option_def cache_yes_options[] = {
	{ "yes", NULL, "really", set_yes },
	{ 0 },
};

void cache_show_progress(struct cache_command *o, uint64_t bytes_done, uint64_t bytes_total)
{
	event_send(&o->context.listener, &(struct event){ .kind = EVENT_FETCH,
							  .name = o->what,
							  .bytes_done = bytes_done,
							  .bytes_total = bytes_total,
							  .total = o->packages,
							  .todo = o->packages > o->done ? o->packages - o->done : 0 });
}

void cache_show_package(struct cache_command *o, const char *how, const struct cache_entry *entry)
{
	event_send(&o->context.listener, &(struct event){ .kind = EVENT_PACKAGE,
							  .name = entry->name,
							  .text = how,
							  .path = entry->from && *entry->from ? entry->from : NULL,
							  .bytes_total = entry->size });
}

double megabytes(uint64_t bytes)
{
	return (double)bytes / 1e6;
}

int cache_load_listed(struct cache_command *o, struct listed *ret, struct err *e)
{
	return listed_load(o->context.root, &o->distros, &o->context.log, ret, e);
}

/* --- list --- */

static const struct option_table list_tables[] = {
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static int print_entry(void *context, const struct cache_entry *entry, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	(void)context, (void)e;
	digest_hex(&entry->digest, hex);
	printf("%s %10" PRIu64 " %s %s%s\n", hex, entry->size, entry->name, entry->url, entry->present ? "" : " (missing)");
	return 0;
}

static int list(struct cache_command *o, struct cache *cache, struct err *e)
{
	struct cache_totals totals;

	if (cache_list(cache, print_entry, NULL, e) < 0 || cache_total(cache, &totals, e) < 0)
		return -1;
	log_printf(&o->context.log, LOG_INFO, "%" PRIu64 " packages, %.1f MB; %" PRIu64 " unfinished, %" PRIu64 " set aside",
		   totals.packages, megabytes(totals.bytes), totals.partials, totals.bad);
	return EXIT_GOOD;
}

const struct cache_verb cache_list_verb = {
	.name = "list",
	.summary = "print what there is",
	.command = { .usage = "orchestrate cache list [OPTION]...",
		     .summary = "Prints what the cache has, a line for each URL: sha256, size in bytes, name, URL.",
		     .tables = list_tables },
	.run = list,
};

/* --- delete --- */

static const struct option_table delete_tables[] = {
	{ cache_yes_options, 0 },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static int delete_all(struct cache_command *o, struct cache *cache, struct err *e)
{
	if (!o->yes)
		return err_set(e, ERR_USAGE,
			       "cache delete removes packages that mirrors may have no more; say --yes if that is meant");
	return cache_delete(cache, e);
}

const struct cache_verb cache_delete_verb = {
	.name = "delete",
	.summary = "remove all packages",
	.command = { .usage = "orchestrate cache delete --yes [OPTION]...",
		     .summary = "Removes all packages, also those that mirrors may have no more. Buckets are left alone.",
		     .tables = delete_tables },
	.run = delete_all,
};

/* --- the command --- */

static const struct cache_verb *const verbs[] = { &cache_fetch_verb, &cache_verify_verb, &cache_add_verb,    &cache_pull_verb,
						  &cache_push_verb,  &cache_prune_verb,	 &cache_delete_verb, &cache_list_verb };

static int run(void *target, struct err *e)
{
	struct cache_command *o = target;
	cleanup_of(cache) struct cache *cache = NULL;

	if (cache_open(o->context.cache_path, &o->context.log, &cache, e) < 0)
		return -1;
	return o->verb->run(o, cache, e);
}

static void print_help(FILE *to)
{
	fputs("Usage: orchestrate cache VERB [OPTION]...\n"
	      "The package cache: header packages are got once, checked at every use, and kept for ever.\n\nVerbs:\n",
	      to);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n`orchestrate cache VERB --help` says more of each.\n", to);
}

static int refuse(const char *verb)
{
	const char *names[ARRAY_LEN(verbs) + 1] = { NULL };

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		names[i] = verbs[i]->name;
	const char *near = verb ? str_nearest(verb, names) : NULL;
	if (!verb)
		fputs("orchestrate: error: cache wants to be told what to do; `orchestrate cache --help` lists it\n", stderr);
	else
		fprintf(stderr,
			"orchestrate: error: cache does not know '%s'%s%s%s; `orchestrate cache --help` lists what it does\n", verb,
			near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return EXIT_USAGE;
}

int cmd_cache(int argc, char **argv)
{
	struct cache_command o = { 0 };

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		print_help(stdout);
		return EXIT_GOOD;
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs) && argc > 1; i++)
		if (strcmp(argv[1], verbs[i]->name) == 0)
			o.verb = verbs[i];
	if (!o.verb)
		return refuse(argc > 1 ? argv[1] : NULL);
	int code = context_run(&o.context, &o.verb->command, argc - 1, argv + 1, &o, o.verb->takes_words ? &o.words : NULL, run);
	strv_release(&o.words);
	strv_release(&o.distros);
	strv_release(&o.keep_refs);
	return code;
}
