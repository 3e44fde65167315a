#include "stream/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"

enum {
	EXIT_BASE = 64, /* exit code of a filter that failed: EXIT_BASE + enum err_kind */
	ARGS_MAX = 64,
};

struct filter {
	struct process process;
	int errors; /* read end of its descriptor 2 */
	char name[64];
};

void filter_free(struct filter *f)
{
	if (!f)
		return;
	process_release(&f->process);
	if (f->errors >= 0)
		close(f->errors);
	free(f);
}

DEFINE_CLEANUP(filter, struct filter, filter_free)

static const char *filter_program(const char *program)
{
	if (!program)
		program = getenv("ORCHESTRATE_PROGRAM");
	return program && *program ? program : "/proc/self/exe";
}

int filter_start(const char *program, const char *const argv[], const struct process_fd *fds, size_t fd_count, struct filter **ret,
		 struct err *e)
{
	const char *args[ARGS_MAX] = { filter_program(program), "filter" };
	/* Nothing of our environment is needed in there; the sanitizers' leak check would need ptrace. */
	static const char *const environment[] = { "LC_ALL=C", "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1", NULL };
	struct process_fd all[ARGS_MAX];
	int pipe_fds[2];

	for (size_t i = 0; argv[i]; i++) {
		if (i + 3 >= ARGS_MAX)
			return err_set(e, ERR_LIMIT, "filter: more than %d arguments", ARGS_MAX - 3);
		args[i + 2] = argv[i];
	}
	if (fd_count + 1 > ARRAY_LEN(all))
		return err_set(e, ERR_LIMIT, "filter: too many descriptors");
	cleanup_of(filter) struct filter *f = calloc(1, sizeof(*f));
	if (!f)
		return err_no_memory(e);
	f->errors = f->process.pid_fd = -1;
	snprintf(f->name, sizeof(f->name), "filter %s", argv[0] ? argv[0] : "");
	if (fd_pipe(pipe_fds, e) < 0)
		return -1;
	f->errors = pipe_fds[0];
	cleanup_close int error_write = pipe_fds[1];
	/* Nobody reads it before filter_wait: a filter that fills it must go on all the same. */
	if (fd_set_nonblocking(error_write, e) < 0)
		return -1;
	if (fd_count)
		memcpy(all, fds, fd_count * sizeof(*fds));
	all[fd_count] = (struct process_fd){ error_write, STDERR_FILENO };
	if (process_start(&f->process, args, environment, all, fd_count + 1, e) < 0)
		return -1;
	*ret = steal_ptr(&f);
	return 0;
}

/* What the filter wrote to its stderr, at most one message long; the last line counts. */
struct report {
	char text[ERR_MESSAGE_MAX];
	size_t len;
	bool line_ended;
};

static char printable(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

static void report_feed(struct report *r, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			r->line_ended = true;
			continue;
		}
		if (r->line_ended)
			r->len = 0;
		r->line_ended = false;
		/* Hostile bytes may have had a hand in it: nothing unprintable reaches a terminal. */
		if (r->len + 1 < sizeof(r->text))
			r->text[r->len++] = printable(bytes[i]);
	}
	r->text[r->len] = '\0';
}

/* Reads until the filter's end closes the pipe, so that it never waits for us. */
static int read_report(struct filter *f, const struct cancel *cancel, struct report *r, struct err *e)
{
	char chunk[4096];

	for (;;) {
		struct pollfd polled[] = { { .fd = f->errors, .events = POLLIN }, { .fd = cancel_fd(cancel), .events = POLLIN } };
		if (poll(polled, ARRAY_LEN(polled), -1) < 0 && errno != EINTR)
			return err_system(e, errno, "waiting for a filter");
		if (cancel_check(cancel, e) < 0) {
			process_release(&f->process);
			return -1;
		}
		if (!polled[0].revents)
			continue;
		ssize_t n = read(f->errors, chunk, sizeof(chunk));
		if (n < 0 && errno != EINTR)
			return err_system(e, errno, "reading from a filter");
		if (n == 0)
			return 0;
		if (n > 0)
			report_feed(r, chunk, (size_t)n);
	}
}

int filter_wait(struct filter *f, const struct cancel *cancel, struct err *e)
{
	struct report report = { .len = 0 };
	const char *text = report.text;
	int status = 0;

	if (read_report(f, cancel, &report, e) < 0 || process_wait(&f->process, cancel, &status, e) < 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) > EXIT_BASE && WEXITSTATUS(status) < EXIT_BASE + ERR_KIND_COUNT) {
		enum err_kind kind = (enum err_kind)(WEXITSTATUS(status) - EXIT_BASE);
		return text[0] ? err_set(e, kind, "%s", text) : err_set(e, kind, "%s: gave no reason", f->name);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return err_set(e, ERR_HOSTILE, "%s: killed for a forbidden system call", f->name);
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGXFSZ))
		return err_set(e, ERR_LIMIT, "%s: stopped by its %s limit", f->name,
			       WTERMSIG(status) == SIGXCPU ? "CPU time" : "file size");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		return err_set(e, ERR_TEMPORARY, "%s: nobody reads what it writes any more", f->name);
	if (process_status_check(f->name, status, e) == 0)
		return 0;
	return text[0] ? err_append(e, "%s", text) : -1;
}

int filter_read(int fd, size_t max, struct buf *b, const struct cancel *cancel, struct err *e)
{
	size_t before = b->len;

	for (;;) {
		struct pollfd polled[2] = { { .fd = fd, .events = POLLIN }, { .fd = cancel_fd(cancel), .events = POLLIN } };
		if (poll(polled, ARRAY_LEN(polled), -1) < 0 && errno != EINTR)
			return err_system(e, errno, "waiting for a filter");
		if (cancel_check(cancel, e) < 0)
			return -1;
		if (!polled[0].revents)
			continue;
		if (buf_reserve(b, 64 * 1024, e) < 0)
			return -1;
		ssize_t n = read(fd, b->data + b->len, 64 * 1024);
		if (n < 0 && errno != EINTR)
			return err_system(e, errno, "reading from a filter");
		if (n == 0)
			return 0;
		if (n > 0)
			b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (b->len - before > max)
			return err_set(e, ERR_LIMIT, "a filter said more than %zu bytes", max);
	}
}

int filter_poll_fd(const struct filter *f)
{
	return f->process.pid_fd;
}

static int set_limit(int resource, rlim_t value, rlim_t hard, const char *what, struct err *e)
{
	struct rlimit limit = { value, hard };

	if (setrlimit(resource, &limit) < 0)
		return err_system(e, errno, "setting the %s limit", what);
	return 0;
}

/* Parsing, memory and the end of the process. No socket, no new descriptor, no other process. */
static const int allowed_calls[] = {
	SCMP_SYS(read),		 SCMP_SYS(readv),	    SCMP_SYS(pread64),	    SCMP_SYS(write),	    SCMP_SYS(writev),
	SCMP_SYS(pwrite64),	 SCMP_SYS(lseek),	    SCMP_SYS(close),	    SCMP_SYS(fstat),	    SCMP_SYS(ftruncate),
	SCMP_SYS(brk),		 SCMP_SYS(munmap),	    SCMP_SYS(mremap),	    SCMP_SYS(madvise),	    SCMP_SYS(futex),
	SCMP_SYS(getrandom),	 SCMP_SYS(rt_sigprocmask),  SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),    SCMP_SYS(getpid),	    SCMP_SYS(gettid),	    SCMP_SYS(exit),
	SCMP_SYS(exit_group),	 SCMP_SYS(restart_syscall),
#if defined(__SANITIZE_ADDRESS__)
	SCMP_SYS(mprotect),	 SCMP_SYS(sched_yield),	    SCMP_SYS(getrusage),    SCMP_SYS(readlink),
#endif
};

/* Libraries may look for locale or conversion files, or say how they are going to read; they live without. */
static const int refused_calls[] = {
	SCMP_SYS(open),	    SCMP_SYS(openat), SCMP_SYS(stat),	 SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(ioctl),    SCMP_SYS(fcntl),  SCMP_SYS(sysinfo), SCMP_SYS(prctl),  SCMP_SYS(fadvise64),
#if !defined(__SANITIZE_ADDRESS__)
	SCMP_SYS(readlink),
#endif
};

/* What glibc needs to start and end a thread; clone itself stands in allow_threads. */
static const int thread_calls[] = {
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
};

static int allow_threads(scmp_filter_ctx context)
{
	/* The flags of clone3 lie in memory that a filter can't see; without it glibc takes clone. */
	int rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (!rc)
		rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));
	for (size_t i = 0; i < ARRAY_LEN(thread_calls) && !rc; i++)
		rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, thread_calls[i], 0);
#if !defined(__SANITIZE_ADDRESS__)
	if (!rc) /* the guard page of a new stack */
		rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#endif
	return rc;
}

static int load_rules(scmp_filter_ctx context, const struct filter_limits *limits)
{
	/* No new code: memory may be had, but never executable. */
	int rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!rc)
		rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	/* abort(3) signals itself; nobody else may be signalled. */
	if (!rc)
		rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)getpid()));
	if (!rc && limits->threads)
		rc = allow_threads(context);
	if (!rc)
		rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
				      SCMP_A3(SCMP_CMP_NE, AT_EMPTY_PATH));
	if (!rc)
		rc = seccomp_rule_add(context, limits->stat ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
				      SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH));
	for (size_t i = 0; i < ARRAY_LEN(allowed_calls) && !rc; i++)
		rc = seccomp_rule_add(context, SCMP_ACT_ALLOW, allowed_calls[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(refused_calls) && !rc; i++)
		rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), refused_calls[i], 0);
#if !defined(__SANITIZE_ADDRESS__)
	if (!rc && !limits->threads)
		rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mprotect), 0);
	if (!rc && limits->threads)
		rc = seccomp_rule_add(context, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
#endif
	return rc ? rc : seccomp_load(context);
}

int filter_confine(const struct filter_limits *limits, struct err *e)
{
#if !defined(__SANITIZE_ADDRESS__) /* whose shadow memory is terabytes of address space */
	if (set_limit(RLIMIT_AS, limits->memory_bytes, limits->memory_bytes, "memory", e) < 0)
		return -1;
#endif
	/* At the hard limit of CPU time comes SIGKILL, which says nothing: the soft one is reached first. */
	if (set_limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1, "CPU time", e) < 0 ||
	    set_limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes, "file size", e) < 0 ||
	    set_limit(RLIMIT_CORE, 0, 0, "core size", e) < 0)
		return -1;
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!context)
		return err_no_memory(e);
	int rc = load_rules(context, limits);
	seccomp_release(context);
	if (rc)
		return err_system(e, -rc, "loading the system-call filter");
	return 0;
}

int filter_report(const struct err *e)
{
	enum err_kind kind = e->kind == ERR_SYSTEM && e->errnum == ENOMEM ? ERR_LIMIT : e->kind;
	char line[ERR_MESSAGE_MAX + 1] = "\n"; /* ends what a library may have left there */
	size_t len = 1;

	for (const char *p = e->message; *p; p++)
		line[len++] = printable(*p);
	/* A pipe takes it whole or, full of noise, not at all: then the kind alone has to do. */
	ssize_t written = write(STDERR_FILENO, line, len);
	(void)written;
	return EXIT_BASE + (int)kind;
}
