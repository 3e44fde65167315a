#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cache/package_upkeep.h"
#include "cmd/cache.h"
#include "cmd/keep.h"

enum { GRACE_S = 3600, GRACE_MOST_S = 365 * 24 * 3600 };

static int add_keep_ref(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct cache_command *)target)->keep_refs, value, e);
}

static int set_grace(void *target, const char *value, struct err *e)
{
	unsigned long long seconds;

	if (str_to_u64(value, GRACE_MOST_S, &seconds, e) < 0)
		return err_set(e, ERR_USAGE, "expected seconds, at most %d, found '%s'", GRACE_MOST_S, value);
	((struct cache_command *)target)->grace_s = (unsigned)seconds;
	((struct cache_command *)target)->grace_given = true;
	return 0;
}

static const struct option_def options[] = {
	{ "keep-ref", "GITREF", "leave what the lists of this commit name as well; repeatable", add_keep_ref },
	{ "grace", "SECONDS", "leave what came so lately, whoever wants it [3600]", set_grace },
	{ 0 },
};

static const struct option_table tables[] = {
	{ cache_yes_options, 0 },
	{ options, 0 },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static void on_drop(void *context, const char *name, const char *const *urls, const struct digest *digest, uint64_t size)
{
	char hex[DIGEST_HEX + 1] = "-";

	(void)context;
	if (digest)
		digest_hex(digest, hex);
	printf("%s %10" PRIu64 " %s", hex, size, name);
	for (; *urls; urls++)
		printf(" %s", *urls);
	putchar('\n');
}

static int prune(struct cache_command *o, struct cache *cache, struct err *e)
{
	struct context *c = &o->context;
	cleanup_listed struct listed listed = { 0 };
	cleanup_of(cache_keep) struct cache_keep *keep = NULL;
	const struct cache_prune_options how = {
		.really = o->yes, .grace_s = o->grace_given ? o->grace_s : GRACE_S, .on_drop = on_drop, .context = o
	};
	struct cache_pruned gone = { 0 };

	if (cache_load_listed(o, &listed, e) < 0 || cache_keep_new(&keep, e) < 0 || keep_listed(keep, &listed, e) < 0)
		return -1;
	for (size_t i = 0; i < o->keep_refs.len; i++)
		if (keep_commit(keep, c->root, o->keep_refs.items[i], &listed, &c->cancel, e) < 0)
			return -1;
	/* Empty lists are an accident, more likely than a wish. */
	if (!cache_keep_count(keep))
		return err_set(e, ERR_USAGE, "no list names anything, so all would go; that is what `cache delete` is for");
	if (keep_images(keep, c->root, &listed, e) < 0)
		return -1;
	if (cache_prune(cache, keep, &how, &gone, e) < 0)
		return -1;
	log_printf(&c->log, LOG_INFO,
		   "%s %" PRIu64 " packages and %" PRIu64 " unfinished downloads (%.1f MB), %" PRIu64 " records; %" PRIu64
		   " unlisted packages are too young%s",
		   o->yes ? "removed" : "would remove", gone.packages, gone.partials, megabytes(gone.bytes), gone.records,
		   gone.young, o->yes ? "" : "; --yes does it");
	return EXIT_GOOD;
}

const struct cache_verb cache_prune_verb = {
	.name = "prune",
	.summary = "drop what no list names any more",
	.command = { .usage = "orchestrate cache prune [--yes] [OPTION]...",
		     .summary = "Prints the packages that no list names, here or at any --keep-ref, and with --yes removes them:\n"
				"sha256, size in bytes, name, URLs. What came lately stays, so that a running fetch loses nothing.",
		     .tables = tables },
	.run = prune,
};
