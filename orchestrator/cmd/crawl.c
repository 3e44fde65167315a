#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/context.h"
#include "crawl/crawl.h"

enum { JOBS_MAX = 256 };

struct crawl_command {
	struct context context;
	struct strv distros, accept_shrink;
	const char *summary, *ledger;
	bool accept_changed, dry_run, json;
	unsigned jobs;
};

static int add_distro(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct crawl_command *)target)->distros, value, e);
}

static int add_accept_shrink(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct crawl_command *)target)->accept_shrink, value, e);
}

static int set_accept_changed(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct crawl_command *)target)->accept_changed = true;
	return 0;
}

static int set_dry_run(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct crawl_command *)target)->dry_run = true;
	return 0;
}

static int set_json(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct crawl_command *)target)->json = true;
	return 0;
}

static int set_summary(void *target, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_USAGE, "the name of a file is expected");
	((struct crawl_command *)target)->summary = value;
	return 0;
}

static int set_ledger(void *target, const char *value, struct err *e)
{
	if (!*value)
		return err_set(e, ERR_USAGE, "the name of a file is expected");
	((struct crawl_command *)target)->ledger = value;
	return 0;
}

static int set_jobs(void *target, const char *value, struct err *e)
{
	unsigned long long jobs;

	if (str_to_u64(value, JOBS_MAX, &jobs, e) < 0 || jobs == 0)
		return err_set(e, ERR_USAGE, "expected 1 to %d, found '%s'", JOBS_MAX, value);
	((struct crawl_command *)target)->jobs = (unsigned)jobs;
	return 0;
}

static const struct option_def crawl_options[] = {
	{ "distro", "NAME", "only this distro; repeatable [all]", add_distro },
	{ "dry-run", NULL, "say what would become of the lists, and leave them alone", set_dry_run },
	{ "json", NULL, "the result as one JSON object", set_json },
	{ "summary", "FILE", "also write the result as Markdown, for a pull request", set_summary },
	{ "accept-shrink", "DISTRO[/INDEX]",
	  "take it that this index lists much less than the last time, or\nthat any of the distro's does; repeatable",
	  add_accept_shrink },
	{ "accept-changed", NULL, "where a package has another digest than recorded, take the new one", set_accept_changed },
	{ "jobs", "N", "documents parsed at once [one for each core]", set_jobs },
	{ "ledger", "FILE", "where is kept what was seen when [CACHE/ledger.sqlite]", set_ledger },
	{ 0 },
};

static const struct option_table crawl_tables[] = {
	{ crawl_options, 0 },
	{ context_mirror_options, offsetof(struct crawl_command, context) },
	{ context_options, offsetof(struct crawl_command, context) },
	{ 0 },
};

static const struct command_def crawl_command = {
	.usage = "orchestrate crawl [OPTION]...",
	.summary = "Find what the distributions publish, by the indexes that their descriptors name, and add what is new to the lists\n"
		   "and their digests. No line is ever lost. When an index of a distro fails, lists much less than before, or is not\n"
		   "signed as it should be, that distro's list stays as it is, the others go on, and the exit code is 1.",
	.tables = crawl_tables,
};

static void on_progress(void *context, uint64_t bytes, uint64_t expected)
{
	struct crawl_command *o = context;

	event_send(&o->context.listener, &(struct event){ .kind = EVENT_FETCH, .bytes_done = bytes, .bytes_total = expected });
}

static int show(const struct crawl_command *o, const struct crawl_report *report, struct err *e)
{
	cleanup_buf struct buf result = { 0 }, summary = { 0 };

	if ((o->json ? crawl_report_json(report, &result, e) : crawl_report_text(report, &result, e)) < 0)
		return -1;
	fputs(buf_text(&result), stdout);
	if (!o->summary)
		return 0;
	if (crawl_report_markdown(report, &summary, e) < 0 ||
	    file_replace(o->summary, buf_text(&summary), summary.len, 0666, e) < 0)
		return err_wrap(e, "writing the summary");
	return 0;
}

static int crawl(struct crawl_command *o, const struct distro_set *distros, struct err *e)
{
	struct context *c = &o->context;
	cleanup_of(mirror_table) struct mirror_table *mirrors = NULL;
	cleanup_crawl_report struct crawl_report report = { 0 };
	cleanup_free char *ledger = o->ledger ? str_dup(o->ledger, e) : path_join(c->cache_path, "ledger.sqlite", e);
	cleanup_free char *scratch = path_join(c->cache_path, "index", e);

	if (!ledger || !scratch || context_mirrors(c, distros, NULL, &mirrors, e) < 0)
		return -1;
	const struct crawl_options options = {
		.root = c->root,
		.distros = distros,
		.chosen = &o->distros,
		.accept_shrink = &o->accept_shrink,
		.accept_changed = o->accept_changed,
		.dry_run = o->dry_run,
		.mirrors = mirrors,
		.ledger_path = ledger,
		.scratch_dir = scratch,
		.jobs = o->jobs,
		.log = &c->log,
		.cancel = &c->cancel,
		.on_progress = on_progress,
		.context = o,
	};
	if (crawl_run(&options, &report, e) < 0 || show(o, &report, e) < 0)
		return -1;
	return crawl_report_failures(&report) ? EXIT_KERNEL_FAILED : EXIT_GOOD;
}

static int run(void *target, struct err *e)
{
	struct crawl_command *o = target;
	cleanup_free char *dir = path_join(o->context.root, "distros", e);
	cleanup_distro_set struct distro_set distros = { 0 };

	if (!dir)
		return -1;
	if (distro_load_dir(dir, &distros, e) < 0)
		return e->kind == ERR_NOT_FOUND ? err_append(e, "is '%s' the checkout? --root says where it is", o->context.root)
						: -1;
	return crawl(o, &distros, e);
}

int cmd_crawl(int argc, char **argv)
{
	struct crawl_command o = { 0 };

	int code = context_run(&o.context, &crawl_command, argc, argv, &o, NULL, run);
	strv_release(&o.distros);
	strv_release(&o.accept_shrink);
	return code;
}
