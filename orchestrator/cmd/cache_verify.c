#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "cache/package_upkeep.h"
#include "cmd/cache.h"

enum { JOBS_MOST = 256 };

static int set_jobs(void *target, const char *value, struct err *e)
{
	unsigned long long jobs;

	if (str_to_u64(value, JOBS_MOST, &jobs, e) < 0 || jobs == 0)
		return err_set(e, ERR_USAGE, "expected a number from 1 to %d, found '%s'", JOBS_MOST, value);
	((struct cache_command *)target)->jobs = (unsigned)jobs;
	return 0;
}

static const struct option_def options[] = {
	{ "jobs", "N", "files at once [one for each core]", set_jobs },
	{ 0 },
};

static const struct option_table tables[] = {
	{ options, 0 },
	{ context_options, offsetof(struct cache_command, context) },
	{ 0 },
};

static void on_bad(void *context, const struct cache_bad *bad)
{
	struct cache_command *o = context;

	log_printf(&o->context.log, LOG_ERROR, "%s", bad->reason->message);
	if (!*bad->urls)
		printf("%s\n", bad->name);
	for (const char *const *url = bad->urls; *url; url++)
		printf("%s %s\n", bad->name, *url);
}

static void on_progress(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
	cache_show_progress(context, bytes_done, bytes_total);
}

static int verify(struct cache_command *o, struct cache *cache, struct err *e)
{
	struct cache_verified found = { 0 };
	const struct cache_verify_options how = {
		.jobs = o->jobs, .cancel = &o->context.cancel, .on_bad = on_bad, .on_progress = on_progress, .context = o
	};

	o->what = "verify";
	if (cache_verify(cache, &how, &found, e) < 0)
		return -1;
	log_printf(&o->context.log, LOG_INFO,
		   "%" PRIu64 " packages (%.1f MB) are good, %" PRIu64 " bad; %" PRIu64 " bad records, %" PRIu64
		   " of packages that are "
		   "not there",
		   found.good, megabytes(found.bytes), found.bad, found.bad_records, found.missing);
	return found.bad || found.bad_records ? EXIT_CHECK : EXIT_GOOD;
}

const struct cache_verb cache_verify_verb = {
	.name = "verify",
	.summary = "hash everything again, set aside what is bad",
	.command = { .usage = "orchestrate cache verify [OPTION]...",
		     .summary =
			     "Hashes every package again. What is not what it should be is set aside (the next fetch gets it anew)\n"
			     "and named on stdout, with the URLs that gave it; the exit code is 5 then.",
		     .tables = tables },
	.run = verify,
};
