#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "stream/filter.h"

DEFINE_CLEANUP(filter, struct filter, filter_free)

enum { ARGUMENTS = 6 };

static const char *this_program(void)
{
	static char path[4096];

	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	cr_assert(n > 0);
	path[n] = '\0';
	return path;
}

/* Runs a filter of main.c to its end; what it printed is appended to *out. given: descriptor for number 3, or -1. */
static int run(const char *const argv[], int given, struct buf *out, struct err *e)
{
	cleanup_of(filter) struct filter *f = NULL;
	int fds[2];

	cr_assert_eq(fd_pipe(fds, e), 0);
	cleanup_close int out_read = fds[0];
	const struct process_fd all[] = { { fds[1], 1 }, { given, 3 } };
	cr_assert_eq(filter_start(this_program(), argv, all, given >= 0 ? 2 : 1, &f, e), 0, "%s", e->message);
	close(fds[1]);
	cr_assert_eq(filter_read(out_read, 1 << 20, out, NULL, e), 0, "%s", e->message);
	return filter_wait(f, NULL, e);
}

Test(filter, error_comes_back_whole)
{
	char longest[ERR_MESSAGE_MAX];
	memset(longest, 'm', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	const struct {
		enum err_kind kind;
		const char *said, *message;
	} rows[] = {
		{ ERR_CORRUPT, "member 'a' ends 3 bytes early", NULL },
		{ ERR_HOSTILE, "member '../x' leads out of the tree", NULL },
		{ ERR_SYSTEM, "100% %s %n", NULL },
		{ ERR_CHECK, "last of the kinds", NULL },
		{ ERR_LIMIT, longest, NULL },
		{ ERR_CORRUPT, "'\x1b[31mred\x07\x7f\r'", "'?[31mred\?\?\?'" },
		{ ERR_CORRUPT, "member 'two\nlines' is odd", "member 'two?lines' is odd" },
		{ ERR_CORRUPT, "ends with one\n", "ends with one?" },
		{ ERR_INPUT, "", "filter fail: gave no reason" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char kind[16];
		const char *const argv[] = { "fail", kind, rows[i].said, NULL };
		cleanup_buf struct buf out = { 0 };
		struct err e = { .kind = ERR_NONE };
		snprintf(kind, sizeof(kind), "%d", rows[i].kind);
		cr_expect_eq(run(argv, -1, &out, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect_str_eq(e.message, rows[i].message ? rows[i].message : rows[i].said, "row %zu: '%s'", i, e.message);
	}
}

Test(filter, what_it_tries_in_vain, .timeout = 60)
{
	char parent[16];
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	const struct {
		const char *argv[ARGUMENTS];
		int result;
		enum err_kind kind;
		const char *out, *message;
	} rows[] = {
		{ { "open", "/etc/passwd" }, 0, ERR_NONE, "refused", "" },
		{ { "create", "/tmp/orchestrate-test-never-made" }, 0, ERR_NONE, "refused", "" },
		{ { "executable-memory" }, 0, ERR_NONE, "refused", "" },
		{ { "socket" }, -1, ERR_HOSTILE, "", "filter socket: killed for a forbidden system call" },
		{ { "fork" }, -1, ERR_HOSTILE, "", "filter fork: killed for a forbidden system call" },
		{ { "execute", "/bin/true" }, -1, ERR_HOSTILE, "", "filter execute: killed for a forbidden system call" },
		{ { "signal", parent }, -1, ERR_HOSTILE, "", "filter signal: killed for a forbidden system call" },
		{ { "spin" }, -1, ERR_LIMIT, "", "filter spin: stopped by its CPU time limit" },
#if !defined(__SANITIZE_ADDRESS__) /* has its own idea of memory, abort and threads */
		{ { "abort" }, -1, ERR_FAILED, "", "'filter abort' was ended by signal 6 (Aborted)" },
		{ { "memory" }, -1, ERR_LIMIT, "", "out of memory" },
		{ { "threads", "yes" }, 0, ERR_NONE, "ran", "" },
		{ { "threads", "no" }, -1, ERR_SYSTEM, "", "pthread_create: " },
#endif
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf out = { 0 };
		struct err e = { .kind = ERR_NONE };
		cr_expect_eq(run(rows[i].argv, -1, &out, &e), rows[i].result, "%s: %s", rows[i].argv[0], e.message);
		if (rows[i].result < 0)
			cr_expect_eq(e.kind, rows[i].kind, "%s: %s: %s", rows[i].argv[0], err_kind_name(e.kind), e.message);
		cr_expect(str_starts(e.message, rows[i].message), "%s: '%s'", rows[i].argv[0], e.message);
		cr_expect_str_eq(buf_text(&out), rows[i].out, "%s", rows[i].argv[0]);
	}
	struct err e;
	cr_expect_eq(path_exists("/tmp/orchestrate-test-never-made", &e), 0);
}

Test(filter, file_size_limit)
{
	const char *const argv[] = { "big-file", NULL };
	cleanup_close int file = memfd_create("big", MFD_CLOEXEC);
	cleanup_buf struct buf out = { 0 };
	struct err e;

	cr_assert_geq(file, 0);
	cr_expect_eq(run(argv, file, &out, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_str_eq(e.message, "filter big-file: stopped by its file size limit");
	cr_expect_eq(lseek(file, 0, SEEK_END), 1 << 20);
}

Test(filter, copies_what_it_is_given)
{
	const char *const argv[] = { "copy", NULL };
	cleanup_of(filter) struct filter *f = NULL;
	cleanup_buf struct buf out = { 0 };
	struct err e;
	int in[2], back[2];

	cr_assert_eq(fd_pipe(in, &e), 0);
	cr_assert_eq(fd_pipe(back, &e), 0);
	const struct process_fd fds[] = { { in[0], 0 }, { back[1], 1 } };
	cr_assert_eq(filter_start(this_program(), argv, fds, 2, &f, &e), 0, "%s", e.message);
	close(in[0]);
	close(back[1]);
	cr_assert_eq(fd_write_all(in[1], "some bytes", 10, &e), 0);
	close(in[1]);
	cr_assert_eq(buf_puts(&out, "before ", &e), 0);
	cr_expect_eq(filter_read(back[0], 10, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), "before some bytes");
	cr_expect_eq(filter_wait(f, NULL, &e), 0, "%s", e.message);
	close(back[0]);
}

Test(filter, what_it_says_is_limited)
{
	struct err e = { .kind = ERR_NONE };
	cleanup_buf struct buf out = { 0 };
	int fds[2];

	cr_assert_eq(fd_pipe(fds, &e), 0);
	cr_assert_eq(fd_write_all(fds[1], "12345", 5, &e), 0);
	cr_expect_eq(filter_read(fds[0], 4, &out, NULL, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	close(fds[0]);
	close(fds[1]);
}

Test(filter, has_only_what_it_was_given)
{
	const char *const argv[] = { "descriptors", NULL };
	const char *const arguments[] = { "arguments", "two words", "", "$x;|'\"", NULL };
	cleanup_close int file = memfd_create("given", 0);
	/* Neither of these is O_CLOEXEC. */
	cleanup_close int leak = dup(file), high = fcntl(file, F_DUPFD, 200);
	cleanup_buf struct buf out = { 0 };
	cleanup_buf struct buf words = { 0 };
	struct err e;

	cr_assert(leak >= 0 && high >= 200);
	cr_expect_eq(run(argv, file, &out, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), "0 1 2 3 ");
	setenv("ORCHESTRATE_SECRET", "token", 1);
	cr_expect_eq(run(arguments, -1, &words, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&words), "[two words][][$x;|'\"]");
}

Test(filter, noise_neither_blocks_nor_hides_the_reason, .timeout = 20)
{
	static const char *const lines[] = { "1", "7", "8", "16", "1024", "100000" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const char *const argv[] = { "noise", lines[i], NULL };
		cleanup_of(filter) struct filter *f = NULL;
		struct err e = { .kind = ERR_NONE };
		cr_assert_eq(filter_start(this_program(), argv, NULL, 0, &f, &e), 0);
		cr_expect_eq(filter_wait(f, NULL, &e), -1);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s lines: %s: %s", lines[i], err_kind_name(e.kind), e.message);
		/* So much noise may push the reason out of the pipe when nobody reads it in time, but what is left is one line. */
		if (atoi(lines[i]) <= 16)
			cr_expect_str_eq(e.message, "the reason", "%s lines: %s", lines[i], e.message);
		cr_expect_leq(strlen(e.message), 63, "%s lines: %s", lines[i], e.message);
	}
}

Test(filter, noise_does_not_hold_up_the_output, .timeout = 20)
{
	const char *const argv[] = { "noise-then-output", NULL };
	cleanup_buf struct buf out = { 0 };
	struct err e;

	cr_expect_eq(run(argv, -1, &out, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), "output");
}

static void *cancel_soon(void *c)
{
	poll(NULL, 0, 100);
	cancel_set(c);
	return NULL;
}

Test(filter, can_be_cancelled, .timeout = 20)
{
	const char *const argv[] = { "sleep", NULL };
	cleanup_of(filter) struct filter *f = NULL;
	cleanup_buf struct buf out = { 0 };
	struct cancel c;
	struct err e;
	pthread_t thread;
	int fds[2], more[2];

	cr_assert_eq(cancel_init(&c, &e), 0);
	cr_assert_eq(fd_pipe(fds, &e), 0);
	cr_assert_eq(fd_pipe(more, &e), 0);
	const struct process_fd given[] = { { fds[0], 3 } };
	cr_assert_eq(filter_start(this_program(), argv, given, 1, &f, &e), 0);
	struct pollfd ended = { .fd = filter_poll_fd(f), .events = POLLIN };
	cr_expect_eq(poll(&ended, 1, 0), 0, "it still runs");
	cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, &c), 0);
	cr_expect_eq(filter_wait(f, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect_eq(filter_read(more[0], 100, &out, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	pthread_join(thread, NULL);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cancel_release(&c);
}

Test(filter, free_ends_it, .timeout = 20)
{
	const char *const argv[] = { "sleep", NULL };
	struct filter *f = NULL;
	struct err e;
	int fds[2];

	cr_assert_eq(fd_pipe(fds, &e), 0);
	const struct process_fd given[] = { { fds[0], 3 } };
	cr_assert_eq(filter_start(this_program(), argv, given, 1, &f, &e), 0);
	filter_free(f);
	filter_free(NULL);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_expect_eq(errno, ECHILD);
	close(fds[0]);
	close(fds[1]);
}

Test(filter, which_program_it_is)
{
	const char *const argv[] = { "arguments", "x", NULL };
	cleanup_of(filter) struct filter *f = NULL, *missing = NULL;
	struct err e;
	int fds[2];
	char out[8] = "";

	cr_assert_eq(fd_pipe(fds, &e), 0);
	const struct process_fd given[] = { { fds[1], 1 } };
	setenv("ORCHESTRATE_PROGRAM", this_program(), 1);
	cr_assert_eq(filter_start(NULL, argv, given, 1, &f, &e), 0, "%s", e.message);
	cr_expect_eq(filter_wait(f, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(read(fds[0], out, sizeof(out) - 1), 3);
	cr_expect_str_eq(out, "[x]");
	cr_expect_eq(filter_start("/no/such/program", argv, given, 1, &missing, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect_null(missing);
	close(fds[0]);
	close(fds[1]);
}
