#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"

static void remember(void *context, enum log_level level, const char *line)
{
	struct checkout *c = context;
	size_t len = strlen(c->said);

	(void)level;
	snprintf(c->said + len, sizeof(c->said) - len, "%s\n", line);
}

void checkout_make(struct checkout *c)
{
	struct err e;

	*c = (struct checkout){ .said = "" };
	temp_dir_make(&c->dir);
	snprintf(c->root, sizeof(c->root), "%s/root", c->dir.path);
	snprintf(c->cache, sizeof(c->cache), "%s/cache", c->dir.path);
	c->log = (struct log){ remember, c, LOG_DEBUG };
	const char *const argv[] = { "cp", "-r", "tests/data/build/root", c->root, NULL };
	cr_assert_eq(process_run(argv, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(path_make_dirs(c->cache, &e), 0, "%s", e.message);
}

void checkout_remove(struct checkout *c)
{
	temp_dir_remove(&c->dir);
}

void write_all(const char *path, const char *text)
{
	struct err e;

	cr_assert_eq(file_replace(path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

char *read_all(const char *path)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	cr_assert_eq(file_read(path, 1 << 24, &text, &e), 0, "%s", e.message);
	return buf_steal(&text);
}

void checkout_write(struct checkout *c, const char *path, const char *text)
{
	struct err e;
	cleanup_free char *full = path_join(c->root, path, &e), *dir = str_dup(full, &e);

	*strrchr(dir, '/') = '\0';
	cr_assert_eq(path_make_dirs(dir, &e), 0, "%s", e.message);
	write_all(full, text);
}

void checkout_load(struct checkout *c, struct inputs *ret, const char *const names[])
{
	cleanup_strv struct strv distros = { 0 };
	const struct inputs_options options = { .root = c->root, .distros = &distros };
	struct err e;

	for (; names && *names; names++)
		cr_assert_eq(strv_add(&distros, *names, &e), 0);
	cr_assert_eq(inputs_load(&options, &c->log, ret, &e), 0, "%s", e.message);
}

void planner_open(struct planner *p, struct checkout *c, const struct inputs *in)
{
	const struct toolchains_options toolchains = { .recipes = &in->recipes, .log = &c->log };
	struct err e;

	*p = (struct planner){ .options = { .kernels = &p->kernels, .kinds = { true, true }, .cache_dir = c->cache } };
	cr_assert_eq(cache_open(c->cache, &c->log, &p->options.cache, &e), 0, "%s", e.message);
	cr_assert_eq(artifact_store_open(c->cache, &c->log, &p->options.artifacts, &e), 0, "%s", e.message);
	cr_assert_eq(toolchains_new(&toolchains, &p->options.toolchains, &e), 0, "%s", e.message);
}

void planner_close(struct planner *p)
{
	toolchains_free(p->options.toolchains);
	artifact_store_close(p->options.artifacts);
	cache_close(p->options.cache);
	strv_release(&p->kernels);
}

void planner_make(struct planner *p, const struct inputs *in, struct plan *ret)
{
	struct err e;

	cr_assert_eq(plan_make(in, &p->options, ret, &e), 0, "%s", e.message);
}

struct job *plan_job_of(struct plan *plan, const char *kernel)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->jobs[i].kernel->id, kernel) == 0)
			return &plan->jobs[i];
	cr_assert_fail("no job for '%s'", kernel);
	return NULL;
}
