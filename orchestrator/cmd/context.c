#include "cmd/context.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/upstream.h"
#include "crawl/access.h"
#include "descriptor/distro.h"
#include "descriptor/recipe.h"
#include "engine/engine.h"

static int set_root(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct context *)target)->root = value;
	return 0;
}

static int set_cache(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct context *)target)->cache_dir = value;
	return 0;
}

static int set_engine(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct context *)target)->engine_endpoint = value;
	return 0;
}

static int set_progress(void *target, const char *value, struct err *e)
{
	return progress_mode_parse(value, &((struct context *)target)->progress_mode, e);
}

static int set_verbose(void *target, const char *value, struct err *e)
{
	(void)value, (void)e;
	((struct context *)target)->verbose = true;
	return 0;
}

static int add_mirror(void *target, const char *value, struct err *e)
{
	return strv_add(&((struct context *)target)->mirrors, value, e);
}

static int set_bucket(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct context *)target)->bucket = value;
	return 0;
}

static int set_bucket_url(void *target, const char *value, struct err *e)
{
	(void)e;
	((struct context *)target)->bucket_url = value;
	return 0;
}

const struct option_def context_options[] = {
	{ "root", "DIR", "the checkout with distros/, images/ and the lists [.]", set_root },
	{ "cache", "DIR", "where packages, artifacts and layers are kept\n[$ORCHESTRATE_CACHE, else ROOT/cache]", set_cache },
	{ "progress", "MODE", "auto, tty, plain, json or quiet [auto]; goes to stderr", set_progress },
	{ "verbose", NULL, "say more of what is done", set_verbose },
	{ 0 },
};

const struct option_def context_engine_options[] = {
	{ "engine", "ENDPOINT", "the container engine, unix:///path\n[$DOCKER_HOST, else unix:///var/run/docker.sock]",
	  set_engine },
	{ 0 },
};

const struct option_def context_mirror_options[] = {
	{ "mirror", "NAME=URL", "where to look first for what belongs to mirror NAME; repeatable", add_mirror },
	{ 0 },
};

const struct option_def context_bucket_options[] = {
	{ "bucket", "PLACE",
	  "packages shared by several machines: a directory, gs://BUCKET/PATH,\n"
	  "s3://BUCKET/PATH, or any rclone remote:path [$PACKAGE_BUCKET]",
	  set_bucket },
	{ "bucket-url", "URL", "public HTTPS address of such a bucket, to read from [$PACKAGE_BUCKET_URL]", set_bucket_url },
	{ 0 },
};

static void write_log(void *context, enum log_level level, const char *line)
{
	progress_log(((struct context *)context)->progress, level, line);
}

static void receive_event(void *context, const struct event *event)
{
	progress_event(((struct context *)context)->progress, event);
}

static void fill_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	/* Ours, to end the thread. */
	sigaddset(set, SIGUSR2);
}

static void *watch_signals(void *context)
{
	struct context *c = context;
	sigset_t set;
	int signal;

	fill_signals(&set);
	while (sigwait(&set, &signal) == 0 && signal != SIGUSR2) {
		if (cancel_is_set(&c->cancel))
			_exit(EXIT_CANCELLED);
		progress_log(c->progress, LOG_WARNING, "stopping; once more to leave at once");
		cancel_set(&c->cancel);
	}
	return NULL;
}

static int find_cache(struct context *c, struct err *e)
{
	const char *given = c->cache_dir ? c->cache_dir : getenv("ORCHESTRATE_CACHE");

	c->cache_path = given && *given ? str_dup(given, e) : path_join(c->root, "cache", e);
	return c->cache_path ? 0 : -1;
}

static int context_start(struct context *c, struct err *e)
{
	sigset_t set;

	if (!c->root)
		c->root = ".";
	/* Before the first thread: one that does not block them would take the signal, and its default action ends us. */
	signal(SIGPIPE, SIG_IGN);
	fill_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (find_cache(c, e) < 0 || cancel_init(&c->cancel, e) < 0 || progress_new(c->progress_mode, &c->progress, e) < 0)
		return -1;
	c->log = (struct log){ .write = write_log, .context = c, .level = c->verbose ? LOG_DEBUG : LOG_INFO };
	c->listener = (struct listener){ .receive = receive_event, .context = c };
	int rc = pthread_create(&c->signals, NULL, watch_signals, c);
	if (rc)
		return err_system(e, rc, "starting a thread");
	c->started = true;
	return 0;
}

static void context_release(struct context *c)
{
	if (c->started) {
		pthread_kill(c->signals, SIGUSR2);
		pthread_join(c->signals, NULL);
		c->started = false;
	}
	progress_free(c->progress);
	c->progress = NULL;
	cancel_release(&c->cancel);
	strv_release(&c->mirrors);
	upstream_free(steal_ptr(&c->upstream));
	free(steal_ptr(&c->cache_path));
}

void context_report(struct context *c, const struct err *e)
{
	if (c->progress)
		progress_log(c->progress, LOG_ERROR, e->message);
	else
		fprintf(stderr, "orchestrate: error: %s\n", e->message);
}

int context_run(struct context *c, const struct command_def *command, int argc, char **argv, void *target, struct strv *words,
		context_run_fn run)
{
	struct err e;

	c->cancel.event_fd = -1;
	int parsed = options_parse(command, argc, argv, target, words, &e);
	int code = parsed < 0 ? -1 : EXIT_GOOD;
	if (parsed == 0)
		code = context_start(c, &e) < 0 ? -1 : run(target, &e);
	if (code < 0)
		context_report(c, &e);
	context_release(c);
	return code < 0 ? exit_code_of(&e) : code;
}

int context_open_engine(struct context *c, struct engine **ret, struct err *e)
{
	return engine_open(c->engine_endpoint, &c->cancel, &c->log, ret, e);
}

/* What lies behind an index's door is asked for with its key, also by those who only fetch. A key that can't be had costs what is
 * behind that door, no more. */
static int add_access(struct context *c, struct mirror_table *t, const struct index_rules *index, struct err *e)
{
	cleanup_fetch_access struct fetch_access access = { 0 };
	const char *missing;
	struct err why;

	if (!index->access.token && !index->access.certificate)
		return 0;
	int there = access_from_environment(&index->access, &access, &missing, &why);
	if (there < 0)
		log_printf(&c->log, LOG_WARNING, "index '%s': %s", index->name, why.message);
	for (size_t i = 0; there > 0 && i < index->urls.len; i++)
		if (mirror_table_add_access(t, index->urls.items[i], &access, e) < 0)
			return -1;
	return there > 0 && index->mirror_list ? mirror_table_add_access(t, index->mirror_list, &access, e) : 0;
}

static int add_distro(struct context *c, struct mirror_table *t, const struct distro *distro, struct err *e)
{
	for (size_t i = 0; i < distro->mirror_count; i++)
		if (mirror_table_add(t, &distro->mirrors[i], distro->package_manager ? distro->name : NULL, e) < 0)
			return -1;
	for (size_t i = 0; i < distro->indexes.count; i++)
		if (add_access(c, t, &distro->indexes.items[i], e) < 0)
			return -1;
	return 0;
}

static int add_recipe_mirror(struct mirror_table *t, const struct recipe *recipe, struct err *e)
{
	struct mirror m = { .name = recipe->bootstrap.mirror, .urls = recipe->bootstrap.urls };

	if (!recipe->has[RECIPE_BOOTSTRAP])
		return 0;
	/* A recipe's mirror name is the name of the distro whose packages it takes. */
	return mirror_table_add(t, &m, recipe->bootstrap.mirror, e);
}

int context_mirrors(struct context *c, const struct distro_set *distros, const struct recipe_set *recipes,
		    struct mirror_table **ret, struct err *e)
{
	cleanup_of(mirror_table) struct mirror_table *t = mirror_table_new(&c->log, &c->cancel, e);

	if (!t)
		return -1;
	for (size_t i = 0; distros && i < distros->count; i++)
		if (add_distro(c, t, &distros->items[i], e) < 0)
			return -1;
	for (size_t i = 0; recipes && i < recipes->count; i++)
		if (add_recipe_mirror(t, &recipes->items[i], e) < 0)
			return -1;
	for (size_t i = 0; i < c->mirrors.len; i++)
		if (mirror_table_override(t, c->mirrors.items[i], e) < 0)
			return err_wrap(e, "--mirror");
	*ret = steal_ptr(&t);
	return 0;
}
