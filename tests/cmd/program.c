#include "program.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { ARGUMENTS_MAX = 40 };

const char *program_path(void)
{
	const char *path = getenv("ORCHESTRATE_PROGRAM");

	cr_assert(path && *path, "ORCHESTRATE_PROGRAM names the program that is tested (ci/run-tests sets it)");
	return path;
}

void site_env(struct site *s, const char *variable)
{
	struct err e;

	cr_assert_eq(strv_add(&s->env, variable, &e), 0);
}

void site_make(struct site *s)
{
	/* What a developer's own environment says must not count; reports of sanitizers must get through. */
	static const char *const passed[] = { "PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS" };
	struct err e;

	*s = (struct site){ .root = "" };
	temp_dir_make(&s->dir);
	snprintf(s->root, sizeof(s->root), "%s/root", s->dir.path);
	snprintf(s->cache, sizeof(s->cache), "%s/cache", s->dir.path);
	const char *const argv[] = { "cp", "-r", "tests/data/build/root", s->root, NULL };
	cr_assert_eq(process_run(argv, NULL, 4096, NULL, NULL, &e), 0, "%s", e.message);
	site_env(s, "LC_ALL=C");
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		if (getenv(passed[i]))
			cr_assert_eq(strv_take(&s->env, str_printf(&e, "%s=%s", passed[i], getenv(passed[i])), &e), 0);
}

void site_remove(struct site *s)
{
	strv_release(&s->env);
	temp_dir_remove(&s->dir);
}

void site_write(struct site *s, const char *path, const char *text)
{
	struct err e;
	cleanup_free char *full = path_join(s->root, path, &e);

	cr_assert_eq(file_replace(full, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

void outcome_release(struct outcome *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
}

static void start(struct site *s, const char *const argv[], struct process *ret, int *ret_out, int *ret_err)
{
	int out[2], err[2];
	struct err e;

	cr_assert_eq(fd_pipe(out, &e), 0);
	cr_assert_eq(fd_pipe(err, &e), 0);
	const struct process_fd fds[] = { { out[1], 1 }, { err[1], 2 } };
	cr_assert_eq(process_start(ret, argv, (const char *const *)s->env.items, fds, ARRAY_LEN(fds), &e), 0, "%s", e.message);
	close(out[1]);
	close(err[1]);
	*ret_out = out[0];
	*ret_err = err[0];
}

static void drain(struct pollfd *p, struct buf *into)
{
	struct err e;
	char chunk[4096];

	if (p->fd < 0 || !p->revents)
		return;
	ssize_t n = read(p->fd, chunk, sizeof(chunk));
	if (n > 0) {
		cr_assert_eq(buf_append(into, chunk, (size_t)n, &e), 0);
	} else if (n == 0 || errno != EINTR) {
		close(p->fd);
		p->fd = -1;
	}
}

void finish_program(struct process *p, int out, int err, struct outcome *ret)
{
	struct pollfd fds[] = { { .fd = out, .events = POLLIN }, { .fd = err, .events = POLLIN } };
	struct err e;
	int status;

	while ((fds[0].fd >= 0 || fds[1].fd >= 0) && poll(fds, ARRAY_LEN(fds), -1) > 0) {
		drain(&fds[0], &ret->out);
		drain(&fds[1], &ret->err);
	}
	cr_assert_eq(process_wait(p, NULL, &status, &e), 0, "%s", e.message);
	ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t fill_arguments(const char *argv[ARGUMENTS_MAX], const char *const arguments[])
{
	size_t n = 0;

	argv[n++] = program_path();
	for (; *arguments; arguments++) {
		cr_assert_lt(n, ARGUMENTS_MAX - 5);
		argv[n++] = *arguments;
	}
	return n;
}

void run_program(struct site *s, const char *const arguments[], struct outcome *ret)
{
	const char *argv[ARGUMENTS_MAX] = { NULL };
	cleanup_process struct process p = { .pid_fd = -1 };
	int out, err;

	fill_arguments(argv, arguments);
	start(s, argv, &p, &out, &err);
	finish_program(&p, out, err, ret);
}

void start_on_site(struct site *s, const char *const arguments[], struct process *ret, int *ret_out, int *ret_err)
{
	const char *argv[ARGUMENTS_MAX] = { NULL };
	size_t n = fill_arguments(argv, arguments);

	argv[n++] = "--root";
	argv[n++] = s->root;
	argv[n++] = "--cache";
	argv[n++] = s->cache;
	start(s, argv, ret, ret_out, ret_err);
}

void run_on_site(struct site *s, const char *const arguments[], struct outcome *ret)
{
	cleanup_process struct process p = { .pid_fd = -1 };
	int out, err;

	start_on_site(s, arguments, &p, &out, &err);
	finish_program(&p, out, err, ret);
}

unsigned count_lines(const struct buf *text)
{
	unsigned lines = 0;

	for (size_t i = 0; i < text->len; i++)
		lines += text->data[i] == '\n';
	return lines;
}
