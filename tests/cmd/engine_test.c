#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "program.h"

enum { NOT_REACHABLE = 3 };

static void expect_unreachable(const struct outcome *o, const char *says, const char *what)
{
	cr_expect_eq(o->code, NOT_REACHABLE, "%s: %d: %s", what, o->code, buf_text(&o->err));
	cr_expect_eq(count_lines(&o->err), 1, "%s: %s", what, buf_text(&o->err));
	cr_expect_not_null(strstr(buf_text(&o->err), says), "%s: %s", what, buf_text(&o->err));
	cr_expect_str_eq(buf_text(&o->out), "", "%s", what);
}

Test(engine, not_running)
{
	static const char *const rows[][6] = {
		{ "--engine", "unix:///nonexistent/engine.sock" },
		{ "build", "--engine", "unix:///nonexistent/engine.sock", "--kernel", "6.1.*" },
		{ "toolchain", "build", "--engine", "unix:///nonexistent/engine.sock" },
		{ "image", "--engine", "unix:///nonexistent/engine.sock" },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, rows[i], &o);
		expect_unreachable(&o, "/nonexistent/engine.sock", rows[i][0]);
	}
}

Test(engine, docker_host_is_asked_when_no_option_is_given)
{
	static const char *const words[] = { "build", NULL };
	static const char *const overridden[] = { "build", "--engine", "unix:///nonexistent/other.sock", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome first = { 0 }, second = { 0 };

	site_make(&s);
	site_env(&s, "DOCKER_HOST=unix:///nonexistent/from-env.sock");
	run_on_site(&s, words, &first);
	expect_unreachable(&first, "/nonexistent/from-env.sock", "DOCKER_HOST");
	run_on_site(&s, overridden, &second);
	expect_unreachable(&second, "/nonexistent/other.sock", "--engine");
}

/* A listening socket below the site. */
static int make_socket(struct site *s, char endpoint[160], bool listening)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/engine.sock", s->dir.path);
	snprintf(endpoint, 160, "unix://%s", address.sun_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s", strerror(errno));
	if (listening)
		cr_assert_eq(listen(fd, 5), 0);
	return fd;
}

Test(engine, nobody_behind_the_socket)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	char endpoint[160];

	site_make(&s);
	close(make_socket(&s, endpoint, false));
	const char *const words[] = { "build", "--engine", endpoint, NULL };
	run_on_site(&s, words, &o);
	expect_unreachable(&o, "engine.sock", "stale socket");
}

Test(engine, no_permission)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	cleanup_process struct process p = { .pid_fd = -1 };
	struct err e;
	char endpoint[160];
	int out[2], err[2];

	site_make(&s);
	cleanup_close int fd = make_socket(&s, endpoint, true);
	cr_assert_geq(fd, 0);
	cr_assert_eq(chmod(s.dir.path, 0755) | chmod(endpoint + strlen("unix://"), 0600), 0);
	cr_assert_eq(mkdir(s.cache, 0777) | chmod(s.cache, 0777), 0);
	const char *const probe[] = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program_path(), "--version",
				      NULL };
	if (process_run(probe, (const char *const *)s.env.items, 4096, NULL, NULL, &e) < 0) {
		cr_log_warn("skip: can't run the program as another user: %s", e.message);
		return;
	}
	const char *const argv[] = { "setpriv",	 "--reuid=65534", "--regid=65534", "--clear-groups", program_path(), "build",
				     "--engine", endpoint,	  "--root",	   s.root,	     "--cache",	     s.cache,
				     NULL };
	cr_assert_eq(fd_pipe(out, &e) | fd_pipe(err, &e), 0);
	const struct process_fd fds[] = { { out[1], 1 }, { err[1], 2 } };
	cr_assert_eq(process_start(&p, argv, (const char *const *)s.env.items, fds, ARRAY_LEN(fds), &e), 0, "%s", e.message);
	close(out[1]);
	close(err[1]);
	finish_program(&p, out[0], err[0], &o);
	expect_unreachable(&o, "ermission", "no permission");
}

Test(engine, a_dry_run_goes_on_without)
{
	static const char *const words[] = { "--dry-run", "--engine", "unix:///nonexistent/engine.sock", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 0, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "warning"), "%s", buf_text(&o.err));
	cr_expect_eq(count_lines(&o.err), 1);
}
