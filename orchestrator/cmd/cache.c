#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/inputs.h"
#include "cache/package_cache.h"
#include "cmd/cmd.h"
#include "cmd/context.h"

struct cache_command {
	struct context context;
	struct strv distros, words;
	bool yes;
};

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

static const struct option_def cache_options[] = {
	{ "distro", "NAME", "fetch: only what this distro's list names; repeatable [all]", add_distro },
	{ "yes", NULL, "delete: really", set_yes },
	{ 0 },
};

static const struct option_table cache_tables[] = {
	{ cache_options, 0 },
	{ context_mirror_options, offsetof(struct cache_command, context) },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static const struct command_def cache_command = {
	.usage = "orchestrate cache fetch|list|delete [OPTION]...",
	.summary = "The package cache. `fetch` gets every package that the lists name and that is not there yet, `list` prints\n"
		   "what there is (sha256, size, name, URL), `delete` removes all packages.",
	.tables = cache_tables,
};

/* The lists' packages as requests; urls are borrowed from the inputs. */
struct requests {
	struct cache_request *items;
	size_t count;
};

static int add_package(struct requests *r, const struct distro_inputs *distro, const char *url, struct err *e)
{
	struct cache_request *items = reallocarray(r->items, r->count + 1, sizeof(*items));

	if (!items)
		return err_no_memory(e);
	r->items = items;
	const struct package_digest *listed = digest_table_find(distro->digests, url);
	struct cache_request *request = &items[r->count++];
	*request = (struct cache_request){ .url = url };
	if (listed) {
		request->digest_known = request->size_known = true;
		request->digest = listed->sha256;
		request->size = listed->size_bytes;
	}
	return 0;
}

/* Leftovers too: what completes their kernel may be published, and listed, after a mirror has dropped them. */
static int add_distro_packages(struct requests *r, const struct distro_inputs *distro, struct err *e)
{
	const struct kernel_set *set = &distro->kernels;

	for (size_t k = 0; k < set->count; k++)
		for (size_t i = 0; i < set->kernels[k].package_count; i++)
			if (add_package(r, distro, set->kernels[k].packages[i].url, e) < 0)
				return -1;
	for (size_t i = 0; i < set->leftover_count; i++)
		if (add_package(r, distro, set->leftovers[i].url, e) < 0)
			return -1;
	return 0;
}

static int compare_requests(const void *a, const void *b)
{
	return strcmp(((const struct cache_request *)a)->url, ((const struct cache_request *)b)->url);
}

/* A package that several kernels share is asked for once. */
static void make_unique(struct requests *r)
{
	size_t kept = 0;

	if (r->count)
		qsort(r->items, r->count, sizeof(*r->items), compare_requests);
	for (size_t i = 0; i < r->count; i++)
		if (i == 0 || strcmp(r->items[i].url, r->items[kept - 1].url) != 0)
			r->items[kept++] = r->items[i];
	r->count = kept;
}

struct fetching {
	struct context *context;
	const struct requests *requests;
};

static void on_done(void *context, size_t i, const struct cache_entry *entry, const struct err *failure)
{
	struct fetching *f = context;

	if (failure)
		log_printf(&f->context->log, LOG_ERROR, "%s", failure->message);
	else
		log_printf(&f->context->log, LOG_DEBUG, "have %s", entry ? entry->name : f->requests->items[i].url);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	struct fetching *f = context;

	event_send(&f->context->listener,
		   &(struct event){ .kind = EVENT_FETCH, .bytes_done = bytes_done, .bytes_total = bytes_total });
}

static int fetch(struct cache_command *o, struct cache *cache, struct err *e)
{
	struct context *c = &o->context;
	cleanup_inputs struct inputs in = { 0 };
	const struct inputs_options inputs = { .root = c->root, .distros = &o->distros };
	cleanup_of(mirror_table) struct mirror_table *mirrors = NULL;
	struct requests requests = { 0 };
	struct cache_fetched fetched = { 0 };

	if (inputs_load(&inputs, &c->log, &in, e) < 0 || context_mirrors(c, &in.distros, NULL, &mirrors, e) < 0)
		return -1;
	int result = 0;
	for (size_t d = 0; d < in.chosen_count && result == 0; d++)
		result = add_distro_packages(&requests, &in.chosen[d], e);
	make_unique(&requests);
	struct fetching fetching = { c, &requests };
	const struct cache_fetch_options options = {
		.mirrors = mirrors,
		.cancel = &c->cancel,
		.on_done = on_done,
		.on_progress = on_progress,
		.context = &fetching,
	};
	if (result == 0)
		result = cache_fetch(cache, requests.items, requests.count, &options, &fetched, e);
	free(requests.items);
	if (result < 0)
		return -1;
	log_printf(&c->log, LOG_INFO, "%zu packages: %zu there, %zu fetched (%.1f MB), %zu failed", requests.count, fetched.present,
		   fetched.fetched, (double)fetched.bytes / 1e6, fetched.failed);
	return fetched.failed ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}

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
		   totals.packages, (double)totals.bytes / 1e6, totals.partials, totals.bad);
	return EXIT_GOOD;
}

static int delete_all(struct cache_command *o, struct cache *cache, struct err *e)
{
	if (!o->yes)
		return err_set(e, ERR_USAGE,
			       "cache delete removes packages that mirrors may have no more; say --yes if that is meant");
	return cache_delete(cache, e);
}

static const struct {
	const char *name;
	int (*run)(struct cache_command *o, struct cache *cache, struct err *e);
} verbs[] = { { "fetch", fetch }, { "list", list }, { "delete", delete_all } };

static int run(void *target, struct err *e)
{
	struct cache_command *o = target;
	cleanup_of(cache) struct cache *cache = NULL;
	const char *verb = o->words.len == 1 ? o->words.items[0] : "";

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verb, verbs[i].name) != 0)
			continue;
		if (cache_open(o->context.cache_path, &o->context.log, &cache, e) < 0)
			return -1;
		return verbs[i].run(o, cache, e);
	}
	return err_set(e, ERR_USAGE, "cache wants one of fetch, list or delete; --help says more");
}

int cmd_cache(int argc, char **argv)
{
	struct cache_command o = { 0 };

	int code = context_run(&o.context, &cache_command, argc, argv, &o, &o.words, run);
	strv_release(&o.distros);
	strv_release(&o.words);
	return code;
}
