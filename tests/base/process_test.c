#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "helper.h"

enum { OUTPUT_MAX = 1 << 20 };

/* Runs `sh -c script`. */
static int run_shell(const char *script, size_t max, struct buf *out, const struct cancel *cancel, struct err *e)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	return process_run(argv, NULL, max, out, cancel, e);
}

static int count_open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int count = 0;

	cr_assert_not_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

Test(process, arguments_arrive_untouched)
{
	const char *const argv[] = { helper_program(),
				     "helper",
				     "arguments",
				     "plain",
				     "",
				     "two words",
				     " lead and trail ",
				     "$HOME `id` $(id)",
				     "a;b|c&d>e<f",
				     "*?[a-z]~",
				     "'single' \"double\" \\back",
				     "tab\tnewline\nend",
				     "\xc3\xa4",
				     NULL };
	cleanup_buf struct buf out = { 0 };
	cleanup_buf struct buf expected = { 0 };
	struct err e;

	for (size_t i = 3; argv[i]; i++)
		cr_assert_eq(buf_printf(&expected, &e, "[%s]\n", argv[i]), 0);
	cr_assert_eq(process_run(argv, helper_environment, OUTPUT_MAX, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), buf_text(&expected));
}

Test(process, environment_is_what_was_given)
{
	const char *const argv[] = { "/usr/bin/env", NULL };
	const char *const envp[] = { "ONLY=this one", NULL };
	cleanup_buf struct buf out = { 0 };
	cleanup_buf struct buf ours = { 0 };
	struct err e;

	cr_assert_eq(process_run(argv, envp, OUTPUT_MAX, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), "ONLY=this one\n");
	setenv("ORCHESTRATE_TEST_MARK", "inherited", 1);
	cr_assert_eq(process_run(argv, NULL, OUTPUT_MAX, &ours, NULL, &e), 0, "%s", e.message);
	cr_expect_not_null(strstr(buf_text(&ours), "ORCHESTRATE_TEST_MARK=inherited\n"));
}

Test(process, failures_say_how_it_ended)
{
	static const struct {
		const char *script, *message;
	} rows[] = {
		{ "exit 1", "'sh' exited with code 1" },
		{ "exit 255", "'sh' exited with code 255" },
		{ "echo one >&2; echo two >&2; exit 3", "'sh' exited with code 3: two" },
		{ "echo 'no newline' | tr -d '\\n' >&2; exit 3", "'sh' exited with code 3: no newline" },
		{ "printf 'a\\r\\n\\n \\n' >&2; exit 3", "'sh' exited with code 3: a" },
		{ "printf '\\n' >&2; exit 4", "'sh' exited with code 4" },
		{ "echo out; exit 5", "'sh' exited with code 5" },
		{ "kill -KILL $$", "'sh' was ended by signal 9 (Killed)" },
		{ "echo last >&2; kill -TERM $$", "'sh' was ended by signal 15 (Terminated): last" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { .kind = ERR_NONE };
		cr_expect_eq(run_shell(rows[i].script, OUTPUT_MAX, NULL, NULL, &e), -1, "%s", rows[i].script);
		cr_expect_eq(e.kind, ERR_FAILED, "%s", rows[i].script);
		cr_expect_str_eq(e.message, rows[i].message, "%s", e.message);
	}
}

Test(process, what_cannot_start)
{
	static const struct {
		const char *program;
		enum err_kind kind;
	} rows[] = {
		{ "no-such-program-anywhere", ERR_NOT_FOUND },
		{ "/no/such/path", ERR_NOT_FOUND },
		{ "/etc/passwd", ERR_SYSTEM },
		{ "/", ERR_SYSTEM },
	};
	int before = count_open_descriptors();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const argv[] = { rows[i].program, NULL };
		struct err e = { .kind = ERR_NONE };
		cr_expect_eq(process_run(argv, NULL, 10, NULL, NULL, &e), -1);
		cr_expect_eq(e.kind, rows[i].kind, "%s: %s", rows[i].program, e.message);
		cr_expect_not_null(strstr(e.message, rows[i].program), "%s", e.message);
	}
	cr_expect_eq(count_open_descriptors(), before);
}

Test(process, output_is_appended_whole)
{
	cleanup_buf struct buf out = { 0 };
	struct err e;

	cr_assert_eq(buf_puts(&out, "before:", &e), 0);
	cr_assert_eq(run_shell("head -c 300000 /dev/zero | tr '\\0' x", 300000, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(out.len, 300007);
	cr_expect_eq(strspn(buf_text(&out) + 7, "x"), 300000);
	cr_assert_eq(run_shell("head -c 300000 /dev/zero", 0, NULL, NULL, &e), 0, "without a buffer it is dropped: %s", e.message);
}

Test(process, output_beyond_the_cap, .timeout = 20)
{
	cleanup_buf struct buf out = { 0 };
	cleanup_buf struct buf endless = { 0 };
	struct err e;

	cr_expect_eq(run_shell("echo 12345", 5, &out, NULL, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_str_eq(e.message, "running 'sh': it printed more than 5 bytes");
	cr_expect_eq(run_shell("while :; do echo y; done", 1000, &endless, NULL, &e), -1, "a program without end is stopped");
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_leq(endless.len, 100000);
}

Test(process, much_stderr_neither_blocks_nor_grows, .timeout = 20)
{
	cleanup_buf struct buf out = { 0 };
	struct err e;

	cr_expect_eq(run_shell("head -c 3000000 /dev/zero | tr '\\0' '\\n' >&2; echo the end >&2; echo out; exit 9", OUTPUT_MAX,
			       &out, NULL, &e),
		     -1);
	cr_expect_str_eq(e.message, "'sh' exited with code 9: the end");
	cr_expect_str_eq(buf_text(&out), "out\n");
}

Test(process, starts_with_nothing_but_what_it_was_given)
{
	const char *const argv[] = { helper_program(), "helper", "descriptors", NULL };
	cleanup_buf struct buf out = { 0 };
	struct err e;
	int fds[2], extra[40];

	for (size_t i = 0; i < ARRAY_LEN(extra); i++)
		extra[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(process_run(argv, helper_environment, OUTPUT_MAX, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_str_eq(buf_text(&out), "0 device\n1 pipe\n2 pipe\n");
	for (size_t i = 0; i < ARRAY_LEN(extra); i++)
		close(extra[i]);
}

/* The read end of a pipe that holds text, at descriptor number `at`. */
static int pipe_with(const char *text, int at)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
	close(fds[1]);
	cr_assert(at >= 32, "lower numbers may be Criterion's");
	cr_assert_eq(dup3(fds[0], at, O_CLOEXEC), at);
	close(fds[0]);
	return at;
}

/* Starts the helper with these descriptors (and stdout) and gives what it found in them. */
static void run_contents(const struct process_fd *given, size_t count, const char *const names[], struct buf *out)
{
	const char *argv[16] = { helper_program(), "helper", "contents" };
	struct process_fd fds[16];
	cleanup_process struct process p = { .pid_fd = -1 };
	struct err e;
	int pipe_fds[2], status;
	char chunk[256];
	ssize_t n;

	for (size_t i = 0; i < count; i++)
		argv[3 + i] = names[i];
	cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	memcpy(fds, given, count * sizeof(*fds));
	fds[count] = (struct process_fd){ pipe_fds[1], 1 };
	cr_assert_eq(process_start(&p, argv, helper_environment, fds, count + 1, &e), 0, "%s", e.message);
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], chunk, sizeof(chunk))) > 0)
		cr_assert_eq(buf_append(out, chunk, (size_t)n, &e), 0);
	cr_assert_eq(process_wait(&p, NULL, &status, &e), 0);
	cr_expect_eq(status, 0);
	close(pipe_fds[0]);
}

Test(process, a_target_may_be_the_source_of_another)
{
	const struct process_fd swapped[] = { { pipe_with("forty", 40), 41 },
					      { pipe_with("one", 41), 40 },
					      { pipe_with("two", 42), 0 } };
	static const char *const names[] = { "40", "41", "0" };
	cleanup_buf struct buf out = { 0 };

	run_contents(swapped, ARRAY_LEN(swapped), names, &out);
	cr_expect_str_eq(buf_text(&out), "40=one\n41=forty\n0=two\n");
}

Test(process, a_source_may_keep_its_number)
{
	const struct process_fd same[] = { { pipe_with("kept", 39), 39 } };
	static const char *const names[] = { "39" };
	cleanup_buf struct buf out = { 0 };

	run_contents(same, ARRAY_LEN(same), names, &out);
	cr_expect_str_eq(buf_text(&out), "39=kept\n");
}

Test(process, sources_with_high_numbers_stay_apart)
{
	const struct process_fd high[] = {
		{ pipe_with("a", 65), 3 }, { pipe_with("b", 64), 4 }, { pipe_with("c", 67), 5 }, { pipe_with("d", 66), 6 }
	};
	static const char *const names[] = { "3", "4", "5", "6" };
	cleanup_buf struct buf out = { 0 };

	run_contents(high, ARRAY_LEN(high), names, &out);
	cr_expect_str_eq(buf_text(&out), "3=a\n4=b\n5=c\n6=d\n");
}

static void *cancel_soon(void *c)
{
	poll(NULL, 0, 200);
	cancel_set(c);
	return NULL;
}

/* True once nobody has the write end of fd's pipe any more. */
static bool is_abandoned(int fd, int within_ms)
{
	int64_t deadline = clock_now_ms() + within_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char chunk[256];

	while (poll(&p, 1, clock_poll_timeout(deadline)) == 1)
		if (read(fd, chunk, sizeof(chunk)) == 0)
			return true;
	return false;
}

Test(process, cancel_ends_grandchildren_too, .timeout = 20)
{
	const char *const argv[] = { "sh", "-c", "(trap '' TERM INT; sleep 1000 & sleep 1000) & sleep 1000", NULL };
	struct cancel c;
	struct err e;
	pthread_t thread;
	int fds[2], status;

	cr_assert_eq(cancel_init(&c, &e), 0);
	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	/* All of the family inherit the write end: its end is the family's. */
	const struct process_fd given[] = { { fds[1], 5 } };
	cleanup_process struct process p = { .pid_fd = -1 };
	cr_assert_eq(process_start(&p, argv, NULL, given, 1, &e), 0, "%s", e.message);
	close(fds[1]);
	cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, &c), 0);
	int64_t start = clock_now_ms();
	cr_expect_eq(process_wait(&p, &c, &status, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cr_expect(is_abandoned(fds[0], 5000));
	cr_expect_lt(clock_now_ms() - start, 5000);
	cr_expect_eq(p.pid, 0);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "and is reaped");
	pthread_join(thread, NULL);
	cancel_release(&c);
	close(fds[0]);
}

Test(process, run_can_be_cancelled, .timeout = 20)
{
	struct cancel c;
	struct err e;
	pthread_t thread;
	int before = count_open_descriptors();

	cr_assert_eq(cancel_init(&c, &e), 0);
	cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, &c), 0);
	cr_expect_eq(run_shell("sleep 1000 & sleep 1000", 10, NULL, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	pthread_join(thread, NULL);
	/* Closed its outputs, goes on: it is process_wait that must notice. */
	cr_expect_eq(run_shell("exec >&- 2>&-; sleep 1000", 10, NULL, &c, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED);
	cancel_release(&c);
	cr_expect_eq(count_open_descriptors(), before);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
}

Test(process, runs_leave_no_descriptors_and_no_zombies)
{
	struct err e;
	int before = count_open_descriptors();

	for (int i = 0; i < 20; i++) {
		cleanup_buf struct buf out = { 0 };
		cr_expect_eq(run_shell(i % 2 ? "exit 1" : "echo x", 100, &out, NULL, &e), i % 2 ? -1 : 0);
	}
	cr_expect_eq(count_open_descriptors(), before);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_expect_eq(errno, ECHILD);
}

Test(process, signals_are_as_new)
{
	cleanup_buf struct buf out = { 0 };
	struct err e;
	sigset_t all;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	sigemptyset(&all);
	sigaddset(&all, SIGUSR1);
	sigaddset(&all, SIGTERM);
	sigprocmask(SIG_BLOCK, &all, NULL);
	cr_assert_eq(run_shell("grep -E '^Sig(Blk|Ign):' /proc/self/status", OUTPUT_MAX, &out, NULL, &e), 0, "%s", e.message);
	cr_expect_not_null(strstr(buf_text(&out), "SigBlk:\t0000000000000000\n"), "%s", buf_text(&out));
	const char *ignored = strstr(buf_text(&out), "SigIgn:\t");
	cr_assert_not_null(ignored);
	unsigned long long mask = strtoull(ignored + 8, NULL, 16);
	cr_expect_eq(mask & (1ull << (SIGPIPE - 1) | 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1)), 0, "%llx", mask);
}

Test(process, release_is_harmless_without_one)
{
	struct process none = { .pid_fd = -1 };

	process_release(NULL);
	process_release(&none);
}
