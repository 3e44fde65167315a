/* pull and push: the two ways between the cache and a bucket. */
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "cache/package_bucket.h"
#include "cmd/cache.h"
#include "cmd/upstream.h"

static int set_all(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct cache_command *)target)->all = true;
	return 0;
}

static const struct option_def pull_options[] = {
	{ "all", NULL, "everything that the bucket has, listed or not", set_all },
	{ 0 },
};

static const struct option_table pull_tables[] = {
	{ cache_distro_options, 0 },
	{ pull_options, 0 },
	{ context_bucket_options, offsetof(struct cache_command, context) },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static const struct option_table push_tables[] = {
	{ context_bucket_options, offsetof(struct cache_command, context) },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static void on_moved(void *context, const struct cache_entry *entry)
{
	struct cache_command *o = context;

	o->done++;
	cache_show_package(o, strcmp(o->what, "pull") == 0 ? "pulled" : "pushed", entry);
}

static void on_bad(void *context, const char *name, const struct err *why)
{
	struct cache_command *o = context;

	(void)name;
	o->done++;
	log_printf(&o->context.log, LOG_ERROR, "%s", why->message);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	cache_show_progress(context, bytes_done, bytes_total);
}

static int need_bucket(struct cache_command *o, struct bucket **ret, struct err *e)
{
	if (context_bucket(&o->context, ret, e) < 0)
		return -1;
	if (!*ret)
		return err_set(e, ERR_USAGE, "no bucket is named: --bucket=PLACE or the variable PACKAGE_BUCKET says which");
	return 0;
}

static int pull_with(struct cache_command *o, struct cache *cache, const struct cache_transfer *transfer,
		     struct cache_transferred *ret, struct err *e)
{
	cleanup_listed struct listed listed = { 0 };

	if (o->all)
		return cache_pull_all(cache, transfer, ret, e);
	if (cache_load_listed(o, &listed, e) < 0)
		return -1;
	return cache_pull(cache, listed.items, listed.count, transfer, ret, e);
}

static int pull(struct cache_command *o, struct cache *cache, struct err *e)
{
	cleanup_of(bucket) struct bucket *bucket = NULL;
	struct cache_transferred got = { 0 };

	if (o->all && o->distros.len)
		return err_set(e, ERR_USAGE, "--all and --distro exclude each other");
	if (need_bucket(o, &bucket, e) < 0)
		return -1;
	o->what = "pull";
	const struct cache_transfer transfer = {
		.bucket = bucket, .on_moved = on_moved, .on_bad = on_bad, .on_progress = on_progress, .context = o
	};
	int result = pull_with(o, cache, &transfer, &got, e);
	if (result < 0 && !got.moved && !got.bad)
		return -1;
	log_printf(&o->context.log, LOG_INFO,
		   "%s: %" PRIu64 " packages were there, %" PRIu64 " pulled (%.1f MB), %" PRIu64 " not in the bucket, %" PRIu64
		   " refused",
		   bucket_shown(bucket), got.there, got.moved, megabytes(got.bytes), got.absent, got.bad);
	return result < 0 ? -1 : got.bad ? EXIT_CHECK : EXIT_GOOD;
}

static int push(struct cache_command *o, struct cache *cache, struct err *e)
{
	cleanup_of(bucket) struct bucket *bucket = NULL;
	struct cache_transferred put = { 0 };

	if (need_bucket(o, &bucket, e) < 0)
		return -1;
	o->what = "push";
	const struct cache_transfer transfer = {
		.bucket = bucket, .on_moved = on_moved, .on_bad = on_bad, .on_progress = on_progress, .context = o
	};
	int result = cache_push(cache, &transfer, &put, e);
	if (result < 0 && !put.moved && !put.bad)
		return -1;
	log_printf(&o->context.log, LOG_INFO, "%s: %" PRIu64 " packages were there, %" PRIu64 " pushed (%.1f MB), %" PRIu64 " bad",
		   bucket_shown(bucket), put.there, put.moved, megabytes(put.bytes), put.bad);
	return result < 0 ? -1 : put.bad ? EXIT_CHECK : EXIT_GOOD;
}

static const char layout[] =
	"A bucket holds sha256/ab/<64 hex> (packages) and urls/ab/<64 hex>.json (what a URL gave). Needs rclone.";

const struct cache_verb cache_pull_verb = {
	.name = "pull",
	.summary = "get what is missing from a bucket",
	.command = { .usage = "orchestrate cache pull [OPTION]...",
		     .summary =
			     "Gets what the lists name and the cache lacks from a bucket, as far as that has it. Every package is hashed\n"
			     "before it becomes part of the cache; one that is not what its name says is refused and named, the\n"
			     "others go on, the exit code is 5.",
		     .tables = pull_tables,
		     .epilogue = layout },
	.run = pull,
};

const struct cache_verb cache_push_verb = {
	.name = "push",
	.summary = "put what a bucket lacks into it",
	.command = { .usage = "orchestrate cache push [OPTION]...",
		     .summary =
			     "Puts every package that the bucket lacks into it. Nothing in a bucket is ever deleted or replaced. What is\n"
			     "damaged, here or there, is named and the exit code is 5; the others go on.",
		     .tables = push_tables,
		     .epilogue = layout },
	.run = push,
};
