/* Stands before a compiler, under its name, for as long as one job lasts, and gives the same answer again to the same question.
 *
 * kbuild finds out what a compiler can do by letting it compile nothing (`gcc ... -c -x c /dev/null -o tmp`), some fifty times in
 * each of its runs. A job that runs it more than once asks all of that again. Only such questions are remembered: with no input
 * but /dev/null, and options of which it is known that they read and write nothing besides the output file. Everything else, and
 * whatever goes wrong in here, is the compiler's own: it is run just as it was called.
 *
 * COMPILER_MEMORY names the directory of the answers. It is the job's own and goes with it, so a job can fool nobody but itself.
 * This program comes out of orchestrate (orchestrator/build/compiler_memory.h); images/build.sh puts it in place. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY_MAX = 64 * 1024, SAID_MAX = 16 * 1024, OUTPUT_MAX = 64 * 1024, STATUS_MAX = 1 };

extern char **environ;

/* The question: everything that the answer depends on, as texts that each end with a NUL. */
struct question {
	char key[KEY_MAX];
	size_t len;
	const char *output; /* of -o */
	bool keeps_output;  /* it is not /dev/null */
	bool too_long;
};

/* A record in the directory: this, then the key, what was said on stderr, and the output file. */
struct record {
	uint32_t magic, status, key_len, said_len, output_len;
};

struct answer {
	struct record head;
	char said[SAID_MAX], output[OUTPUT_MAX];
};

static const uint32_t magic = 0x31504d43; /* "CMP1" */

/* --- the question --- */

static void key_add(struct question *q, const char *text)
{
	size_t len = strlen(text) + 1;

	if (len > sizeof(q->key) - q->len) {
		q->too_long = true;
		return;
	}
	memcpy(q->key + q->len, text, len);
	q->len += len;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool starts_any(const char *text, const char *const list[])
{
	for (; *list; list++)
		if (starts(text, *list))
			return true;
	return false;
}

/* Whether an option reads no file, writes none but that of -o, says nothing on stdout, and does not depend on the current
 * directory. What is not known to be so is not. */
static bool is_harmless(const char *option)
{
	static const char *const whole[] = { "-pg", "-w", "-pipe", "-c", "-S", "-ansi", "-nostdinc", NULL };
	static const char *const shapes[] = { "-D", "-U", "-f", "-m", "-W", "-O", "-std=", "--param=", NULL };
	static const char *const with_paths[] = { "-D", "-U", "-fmacro-prefix-map=", NULL };
	/* Those of the shapes that run, read, write or say something else. */
	static const char *const others[] = { "-Wp,",
					      "-Wa,",
					      "-Wl,",
					      "-fada-",
					      "-fauto-profile",
					      "-fbranch-prob",
					      "-fcallgraph",
					      "-fcompare-debug",
					      "-fcondition-coverage",
					      "-fcoverage",
					      "-fcrash-",
					      "-fcreate-profile",
					      "-fdeps-",
					      "-fdiagnostics-add-",
					      "-fdiagnostics-format",
					      "-fdiagnostics-set-",
					      "-fdump",
					      "-fembed",
					      "-flto",
					      "-fmem-report",
					      "-fmodule",
					      "-foffload",
					      "-fopt-info",
					      "-fpass-plugin",
					      "-fpath-coverage",
					      "-fpch-",
					      "-fplugin",
					      "-fpre-include",
					      "-fprofile",
					      "-frecord-",
					      "-fsanitize-blacklist",
					      "-fsanitize-ignorelist",
					      "-fsave-",
					      "-fself-test",
					      "-fstack-usage",
					      "-ftest-coverage",
					      "-ftime-",
					      "-fuse-ld",
					      "-fworking-directory",
					      "-fxray",
					      "-mllvm",
					      NULL };

	for (const char *const *one = whole; *one; one++)
		if (strcmp(option, *one) == 0)
			return true;
	return starts_any(option, shapes) && !starts_any(option, others) &&
	       (!strchr(option, '/') || starts_any(option, with_paths));
}

/* Variables that a compiler reads. */
static int add_environment(struct question *q)
{
	static const char *const refused[] = { "DEPENDENCIES_OUTPUT=",
					       "SUNPRO_DEPENDENCIES=",
					       "GCC_COMPARE_DEBUG=",
					       "COLLECT_",
					       "LD_",
					       "EXPERIMENTAL_",
					       "CCC_",
					       "CCACHE",
					       NULL };
	static const char *const read[] = {
		"PATH=", "GCC_",  "COMPILER_PATH=",	"LIBRARY_PATH=", "CPATH=",    "C_INCLUDE_PATH=", "LANG",
		"LC_",	 "TERM=", "SOURCE_DATE_EPOCH=", "TMPDIR=",	 "NO_COLOR=", "CLICOLOR",	 NULL
	};

	for (char **variable = environ; *variable; variable++) {
		if (starts_any(*variable, refused))
			return -1;
		if (starts_any(*variable, read))
			key_add(q, *variable);
	}
	return 0;
}

/* 0: it is one that can be remembered. */
static int ask(struct question *q, const char *compiler, char **args)
{
	bool compiles = false, of_nothing = false, of_c = false;

	key_add(q, compiler);
	for (; *args; args++) {
		if (strcmp(*args, "-o") == 0 && args[1] && !q->output) {
			q->output = *++args;
			continue;
		}
		if (strcmp(*args, "/dev/null") == 0 && !of_nothing) {
			of_nothing = true;
		} else if (strcmp(*args, "-x") == 0 && args[1] && strcmp(args[1], "c") == 0) {
			of_c = true;
			key_add(q, *args++);
		} else if (strcmp(*args, "-xc") == 0) {
			of_c = true;
		} else if (strcmp(*args, "--param") == 0 && args[1] && args[1][0] != '-' && args[1][0] != '@') {
			key_add(q, *args++);
		} else if (!is_harmless(*args)) {
			return -1;
		}
		compiles = compiles || strcmp(*args, "-c") == 0 || strcmp(*args, "-S") == 0;
		key_add(q, *args);
	}
	if (!compiles || !of_nothing || !of_c || !q->output || !*q->output || q->output[0] == '-')
		return -1;
	q->keeps_output = strcmp(q->output, "/dev/null") != 0;
	key_add(q, q->keeps_output ? "to a file" : "to nothing");
	return add_environment(q) < 0 || q->too_long ? -1 : 0;
}

/* Whether the compiler would make the output file anew: nothing is there, in a directory that can be written to. */
static bool output_is_new(const char *path)
{
	char directory[PATH_MAX];
	struct stat st;
	const char *slash = strrchr(path, '/');

	if (lstat(path, &st) == 0 || errno != ENOENT || strlen(path) >= sizeof(directory))
		return false;
	if (!slash)
		return access(".", W_OK | X_OK) == 0;
	memcpy(directory, path, (size_t)(slash - path) + 1);
	directory[slash - path + 1] = '\0';
	return access(directory, W_OK | X_OK) == 0;
}

/* --- the memory --- */

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Reads to the end. -1: that failed, or it is more than max. */
static ssize_t read_all(int fd, void *bytes, size_t max)
{
	size_t len = 0;

	for (;;) {
		char more;
		ssize_t n = len < max ? read(fd, (char *)bytes + len, max - len) : read(fd, &more, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n > 0 && len == max))
			return -1;
		if (n == 0)
			return (ssize_t)len;
		len += (size_t)n;
	}
}

/* Only names the record; what is in it decides. */
static void record_path(const struct question *q, const char *memory, char path[PATH_MAX])
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < q->len; i++)
		hash = (hash ^ (unsigned char)q->key[i]) * 0x100000001b3;
	snprintf(path, PATH_MAX, "%s/%016llx", memory, (unsigned long long)hash);
}

/* What of `bytes` a record is made of, in order. False: it is no record of this question. */
static bool record_read(const struct question *q, const char *bytes, size_t len, struct answer *ret)
{
	struct record *head = &ret->head;

	if (len < sizeof(*head))
		return false;
	memcpy(head, bytes, sizeof(*head));
	bytes += sizeof(*head);
	if (head->magic != magic || head->status > STATUS_MAX || head->key_len != q->len || head->said_len > SAID_MAX ||
	    head->output_len > OUTPUT_MAX || len != sizeof(*head) + head->key_len + head->said_len + head->output_len ||
	    memcmp(bytes, q->key, q->len) != 0)
		return false;
	memcpy(ret->said, bytes + q->len, head->said_len);
	memcpy(ret->output, bytes + q->len + head->said_len, head->output_len);
	return true;
}

static bool recall(const struct question *q, const char *path, struct answer *ret)
{
	static char bytes[sizeof(struct record) + KEY_MAX + SAID_MAX + OUTPUT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ssize_t len = read_all(fd, bytes, sizeof(bytes));
	close(fd);
	return len >= 0 && record_read(q, bytes, (size_t)len, ret);
}

/* Does what the compiler did. 0, or -1 when it should rather be asked itself. */
static int repeat(const struct question *q, const struct answer *a)
{
	if (q->keeps_output && a->head.status == 0) {
		int fd = open(q->output, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0)
			return -1;
		int written = write_all(fd, a->output, a->head.output_len);
		if (close(fd) < 0 || written < 0) {
			unlink(q->output);
			return -1;
		}
	}
	return write_all(STDERR_FILENO, a->said, a->head.said_len);
}

static void remember(const struct question *q, const char *path, const struct answer *a)
{
	char temporary[PATH_MAX + 32];

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	int failed = write_all(fd, &a->head, sizeof(a->head)) < 0 || write_all(fd, q->key, q->len) < 0 ||
		     write_all(fd, a->said, a->head.said_len) < 0 || write_all(fd, a->output, a->head.output_len) < 0;
	if (close(fd) < 0 || failed || rename(temporary, path) < 0)
		unlink(temporary);
}

/* --- the compiler --- */

/* The next of this name in PATH that is not ourselves. */
static int find_compiler(const char *name, char path[PATH_MAX])
{
	struct stat own, other;
	const char *from = getenv("PATH");

	if (!from || stat("/proc/self/exe", &own) < 0)
		return -1;
	for (const char *end; *from; from = *end ? end + 1 : end) {
		end = strchrnul(from, ':');
		int len = snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - from), from, name);
		if (end == from || len < 0 || len >= PATH_MAX || access(path, X_OK) < 0 || stat(path, &other) < 0)
			continue;
		if (S_ISREG(other.st_mode) && (other.st_dev != own.st_dev || other.st_ino != own.st_ino))
			return 0;
	}
	return -1;
}

/* Passes on what the compiler says, and keeps it as far as there is room. False: there was none. */
static bool listen_to(int fd, struct answer *a)
{
	char chunk[4096];
	bool kept = true;
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		(void)!write_all(STDERR_FILENO, chunk, (size_t)n);
		kept = kept && (size_t)n <= SAID_MAX - a->head.said_len;
		if (!kept)
			continue;
		memcpy(a->said + a->head.said_len, chunk, (size_t)n);
		a->head.said_len += (uint32_t)n;
	}
	return kept;
}

static bool said(const struct answer *a, const char *text)
{
	return memmem(a->said, a->head.said_len, text, strlen(text)) != NULL;
}

/* Whether the answer would be the same another time. A `no` counts only where it is about an option: a compiler that was killed, or
 * found no room, says `fatal`. */
static bool is_lasting(const struct question *q, struct answer *a, int status)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) > STATUS_MAX || said(a, q->output))
		return false;
	a->head.status = (uint32_t)WEXITSTATUS(status);
	if (a->head.status)
		return said(a, "error: ") && !said(a, "atal error") && !said(a, "out of memory");
	if (!q->keeps_output)
		return true;
	int fd = open(q->output, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len = fd < 0 ? -1 : read_all(fd, a->output, OUTPUT_MAX);
	if (fd >= 0)
		close(fd);
	a->head.output_len = len < 0 ? 0 : (uint32_t)len;
	return len >= 0;
}

/* Runs the compiler as it was called. *status as of waitpid. -1: it could not be started. */
static int run(const char *compiler, char **argv, struct answer *a, bool *kept, int *status)
{
	posix_spawn_file_actions_t actions;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO);
	int failed = posix_spawn(&pid, compiler, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (!failed) {
		*kept = listen_to(fds[0], a);
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	}
	close(fds[0]);
	return failed ? -1 : 0;
}

static int end_as(int status)
{
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}

/* 0: *ret_code is how the compiler ended, or ended when it was asked the same before. -1: it has not been run yet. */
static int answer(const char *compiler, char **argv, const char *memory, int *ret_code)
{
	static struct question q;
	static struct answer a;
	char path[PATH_MAX];
	bool kept = false;
	int status = 0;

	if (!*memory || strlen(memory) > PATH_MAX - 64 || ask(&q, compiler, argv + 1) < 0 ||
	    (q.keeps_output && !output_is_new(q.output)))
		return -1;
	record_path(&q, memory, path);
	if (recall(&q, path, &a)) {
		*ret_code = (int)a.head.status;
		return repeat(&q, &a);
	}
	a.head = (struct record){ .magic = magic, .key_len = (uint32_t)q.len };
	if (run(compiler, argv, &a, &kept, &status) < 0)
		return -1;
	if (kept && is_lasting(&q, &a, status))
		remember(&q, path, &a);
	*ret_code = end_as(status);
	return 0;
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL, *memory = getenv("COMPILER_MEMORY");
	const char *name = slash ? slash + 1 : argc ? argv[0] : "";
	char compiler[PATH_MAX];
	int code = 0;

	if (find_compiler(name, compiler) < 0) {
		fprintf(stderr, "%s: not found behind its memory\n", name);
		return 127;
	}
	/* By its own name it finds out where the rest of it is. */
	argv[0] = compiler;
	if (memory && answer(compiler, argv, memory, &code) == 0)
		return code;
	execv(compiler, argv);
	fprintf(stderr, "%s: %s\n", compiler, strerror(errno));
	return 126;
}
