/* This program is the filter too: what filter_test.c starts in confinement is `stream_test filter NAME ...`. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "stream/filter.h"
#include "stream/sink.h"
#include "stream/source.h"

static const struct filter_limits usual = { .memory_bytes = 256 << 20, .cpu_seconds = 10, .file_bytes = 1 << 20 };

static int say(const char *text, struct err *e)
{
	return fd_write_all(STDOUT_FILENO, text, strlen(text), e);
}

/* fail KIND MESSAGE: an error of that kind. */
static int run_fail(char **argv, struct err *e)
{
	if (filter_confine(&usual, e) < 0)
		return -1;
	return err_set(e, (enum err_kind)atoi(argv[0]), "%s", argv[1]);
}

/* Copies stdin to stdout. */
static int run_copy(char **argv, struct err *e)
{
	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	struct source *in = source_from_fd(STDIN_FILENO, false, e);
	struct sink *out = sink_to_fd(STDOUT_FILENO, e);
	int result = in && out ? sink_copy(out, in, e) : -1;
	source_free(in);
	sink_free(out);
	return result;
}

static int run_open(char **argv, struct err *e)
{
	if (filter_confine(&usual, e) < 0)
		return -1;
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	return fd < 0 && errno == EACCES ? say("refused", e) : err_set(e, ERR_CHECK, "open gave %d, errno %d", fd, errno);
}

static int run_create(char **argv, struct err *e)
{
	if (filter_confine(&usual, e) < 0)
		return -1;
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0 && errno == EACCES ? say("refused", e) : err_set(e, ERR_CHECK, "open gave %d, errno %d", fd, errno);
}

static int run_executable_memory(char **argv, struct err *e)
{
	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED && errno == EACCES ? say("refused", e) : err_set(e, ERR_CHECK, "executable memory was given");
}

static int run_socket(char **argv, struct err *e)
{
	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	return err_set(e, ERR_CHECK, "socket gave %d", socket(AF_UNIX, SOCK_STREAM, 0));
}

static int run_fork(char **argv, struct err *e)
{
	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	return err_set(e, ERR_CHECK, "fork gave %d", (int)fork());
}

static int run_execute(char **argv, struct err *e)
{
	char *const child[] = { argv[0], NULL };

	if (filter_confine(&usual, e) < 0)
		return -1;
	execv(argv[0], child);
	return err_set(e, ERR_CHECK, "execv came back");
}

/* signal PID: what a hostile parser would do to the program that started it. */
static int run_signal(char **argv, struct err *e)
{
	pid_t other = atoi(argv[0]);

	if (filter_confine(&usual, e) < 0)
		return -1;
	return err_set(e, ERR_CHECK, "tgkill gave %ld", syscall(SYS_tgkill, other, other, 0));
}

static int run_abort(char **argv, struct err *e)
{
	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	abort();
}

/* Takes memory until there is none. */
static int run_memory(char **argv, struct err *e)
{
	struct filter_limits limits = usual;

	(void)argv;
	limits.memory_bytes = 64 << 20;
	if (filter_confine(&limits, e) < 0)
		return -1;
	for (int i = 0; i < 256; i++) {
		char *p = malloc(1 << 20);
		if (!p)
			return err_no_memory(e);
		memset(p, i, 1 << 20);
	}
	return err_set(e, ERR_CHECK, "256 MiB were given");
}

static int run_spin(char **argv, struct err *e)
{
	struct filter_limits limits = usual;

	(void)argv;
	limits.cpu_seconds = 1;
	if (filter_confine(&limits, e) < 0)
		return -1;
	for (volatile unsigned long i = 0;; i++)
		;
}

/* Writes more into descriptor 3 than it may. */
static int run_big_file(char **argv, struct err *e)
{
	char chunk[65536] = { 0 };

	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	for (int i = 0; i < 32; i++)
		if (fd_write_all(3, chunk, sizeof(chunk), e) < 0)
			return -1;
	return err_set(e, ERR_CHECK, "2 MiB were written");
}

/* noise LINES: so much on stderr, then an error. */
static int run_noise(char **argv, struct err *e)
{
	if (filter_confine(&usual, e) < 0)
		return -1;
	for (int i = atoi(argv[0]); i > 0; i--) {
		char line[65];
		/* 64 bytes with the newline: lines end where reads of a power of two do. */
		memset(line, 'n', 63);
		line[63] = '\n';
		ssize_t n = write(STDERR_FILENO, line, 64);
		(void)n;
	}
	return err_set(e, ERR_CORRUPT, "the reason");
}

/* First all stderr that fits and more, then output: who reads the output must get it. */
static int run_noise_then_output(char **argv, struct err *e)
{
	char line[1024];

	(void)argv;
	if (filter_confine(&usual, e) < 0)
		return -1;
	memset(line, 'n', sizeof(line));
	for (int i = 0; i < 1024; i++) {
		ssize_t n = write(STDERR_FILENO, line, sizeof(line));
		(void)n;
	}
	return say("output", e);
}

static int run_descriptors(char **argv, struct err *e)
{
	struct stat st;
	char line[32];

	(void)argv;
	for (int fd = 0; fd < 1024; fd++) {
		snprintf(line, sizeof(line), "%d ", fd);
		if (fstat(fd, &st) == 0 && say(line, e) < 0)
			return -1;
	}
	return 0;
}

static int run_arguments(char **argv, struct err *e)
{
	for (; *argv; argv++)
		if (say("[", e) < 0 || say(*argv, e) < 0 || say("]", e) < 0)
			return -1;
	return say(getenv("ORCHESTRATE_SECRET") ? "leaked" : "", e);
}

static void *add_one(void *number)
{
	++*(int *)number;
	return NULL;
}

/* threads yes|no: starts one. */
static int run_threads(char **argv, struct err *e)
{
	struct filter_limits limits = usual;
	pthread_t thread;
	int number = 0;

	limits.threads = strcmp(argv[0], "yes") == 0;
	if (filter_confine(&limits, e) < 0)
		return -1;
	int rc = pthread_create(&thread, NULL, add_one, &number);
	if (rc)
		return err_system(e, rc, "pthread_create");
	pthread_join(thread, NULL);
	return say(number == 1 ? "ran" : "did not run", e);
}

static int run_sleep(char **argv, struct err *e)
{
	char c;

	(void)argv;
	return read(3, &c, 1) < 0 ? err_system(e, errno, "read") : 0;
}

static const struct {
	const char *name;
	int (*run)(char **argv, struct err *e);
} filters[] = {
	{ "fail", run_fail },
	{ "copy", run_copy },
	{ "open", run_open },
	{ "create", run_create },
	{ "executable-memory", run_executable_memory },
	{ "socket", run_socket },
	{ "fork", run_fork },
	{ "execute", run_execute },
	{ "signal", run_signal },
	{ "abort", run_abort },
	{ "memory", run_memory },
	{ "spin", run_spin },
	{ "big-file", run_big_file },
	{ "noise", run_noise },
	{ "noise-then-output", run_noise_then_output },
	{ "descriptors", run_descriptors },
	{ "arguments", run_arguments },
	{ "threads", run_threads },
	{ "sleep", run_sleep },
};

static int run_filter(char **argv)
{
	struct err e = { .kind = ERR_NONE };

	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		if (strcmp(argv[0], filters[i].name) == 0)
			return filters[i].run(argv + 1, &e) < 0 ? filter_report(&e) : 0;
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "filter") == 0)
		return run_filter(argv + 2);
	struct criterion_test_set *tests = criterion_initialize();
	int result = 0;
	if (criterion_handle_args(argc, argv, true))
		result = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return result;
}
