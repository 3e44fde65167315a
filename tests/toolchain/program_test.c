#include "toolchain/program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "stream/sink.h"

static bool keep_line(void *context, const char *line)
{
	struct err e;
	cr_assert_eq(strv_add(context, line, &e), 0);
	return strncmp(line, "note:", 5) != 0;
}

static struct program *start(const char *script, struct strv *lines, const struct cancel *cancel)
{
	static const char *argv[] = { "sh", "-c", NULL, NULL };
	struct err e;

	argv[2] = script;
	const struct program_options options = {
		.argv = argv, .name = "tool", .line = keep_line, .context = lines, .cancel = cancel
	};
	struct program *p = program_start(&options, &e);
	cr_assert(p, "%s", e.message);
	return p;
}

Test(program, gives_its_output_and_its_lines)
{
	struct err e;
	char text[64];
	cleanup_strv struct strv lines = { 0 };
	cleanup_of(program) struct program *p = start("printf out; printf 'one\\ntwo\\rthree' >&2; printf put", &lines, NULL);

	cr_assert_eq(source_read_exact(program_output(p), text, 6, &e), 0, "%s", e.message);
	cr_expect_arr_eq(text, "output", 6);
	cr_assert_eq(program_finish(p, &e), 0, "%s", e.message);
	cr_assert_eq(lines.len, 3);
	cr_expect_str_eq(lines.items[1], "two");
	cr_expect_str_eq(lines.items[2], "three");
}

/* More than pipes hold, on both at once: whoever reads one first to its end hangs. */
Test(program, a_talkative_one_does_not_block, .timeout = 20)
{
	struct err e;
	cleanup_strv struct strv lines = { 0 };
	cleanup_of(program) struct program *p =
		start("i=0; while [ $i -lt 3000 ]; do echo 'a line of some length that fills the pipe' >&2; i=$((i+1)); done; "
		      "head -c 300000 /dev/zero",
		      &lines, NULL);

	cr_assert_eq(source_drain(program_output(p), &e), 0, "%s", e.message);
	cr_assert_eq(program_finish(p, &e), 0, "%s", e.message);
	cr_expect_eq(lines.len, 3000);
}

Test(program, says_why_it_failed)
{
	struct err e = { 0 };
	cleanup_strv struct strv lines = { 0 };
	cleanup_of(program) struct program *p =
		start("echo note: nothing >&2; echo E: no such mirror >&2; echo note: bye >&2; exit 3", &lines, NULL);

	cr_expect_lt(program_finish(p, &e), 0);
	cr_expect_eq(e.kind, ERR_FAILED);
	cr_expect_str_eq(e.message, "'tool' exited with code 3: E: no such mirror");
}

static void *cancel_soon(void *cancel)
{
	usleep(500000);
	cancel_set(cancel);
	return NULL;
}

/* The grandchild holds a named pipe open: once it is gone, the pipe is at its end instead of merely empty. */
Test(program, a_cancel_ends_it_and_its_children, .timeout = 20)
{
	struct err e = { 0 };
	struct cancel cancel;
	pthread_t thread;
	char chunk[16], fifo[128], script[256];
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_strv struct strv lines = { 0 };

	temp_dir_make(&dir);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir.path);
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cleanup_close int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(script, sizeof(script), "exec 3>'%s'; printf x >&3; sleep 600 & wait", fifo);
	cr_assert_eq(cancel_init(&cancel, &e), 0);
	struct program *p = start(script, &lines, &cancel);
	cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
	cr_expect_lt(source_read(program_output(p), chunk, sizeof(chunk), &e), 0);
	cr_expect_eq(e.kind, ERR_CANCELLED, "%s", e.message);
	program_free(p);
	cr_expect_eq(read(reader, chunk, sizeof(chunk)), 1, "it had not started yet");
	cr_expect_eq(read(reader, chunk, sizeof(chunk)), 0, "its child still runs");
	pthread_join(thread, NULL);
	cancel_release(&cancel);
}
