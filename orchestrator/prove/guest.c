#include "prove/guest.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"

enum {
	GUEST_MEMORY_MIB = 384,
	CODE_MEMORY_MIB = 128,	    /* of translated code */
	EMULATOR_MEMORY_MIB = 3072, /* address space, most of it never touched */
	SPARE_CPU_SECONDS = 5,
	KERNEL_FD = 3,
	INITRAMFS_FD = 4,
	CONSOLE_FD = 5,
	TAP_FD = 6,
	WORDS_MAX = 64,
	NOBODY = 65534,
};

/* The emulator's words, and the texts among them that were made for this guest. */
struct command {
	const char *words[WORDS_MAX];
	size_t count;
	char user[32], group[32], groups[40];
	char cpu[40], memory[40];
	char append[200];
};

static void add(struct command *c, const char *word)
{
	if (c->count < WORDS_MAX - 1)
		c->words[c->count++] = word;
}

/* What the emulator is started by: it gives up the rights it has no use for, ends when we end, and has its limits before its first
 * instruction (setpriv(1), prlimit(1)). */
static void add_confinement(struct command *c, const struct guest *g)
{
	struct stat kvm;

	snprintf(c->cpu, sizeof(c->cpu), "--cpu=%u", (g->timeout_ms / 1000 + SPARE_CPU_SECONDS) * (g->kvm ? 4 : 2));
	snprintf(c->memory, sizeof(c->memory), "--as=%llu", (unsigned long long)EMULATOR_MEMORY_MIB << 20);
	add(c, "prlimit");
	add(c, c->cpu);
	add(c, c->memory);
	add(c, "--core=0");
	add(c, "--fsize=0");
	add(c, "setpriv");
	if (geteuid() == 0) {
		snprintf(c->user, sizeof(c->user), "--reuid=%d", NOBODY);
		snprintf(c->group, sizeof(c->group), "--regid=%d", NOBODY);
		add(c, c->user);
		add(c, c->group);
		if (g->kvm && stat("/dev/kvm", &kvm) == 0) {
			snprintf(c->groups, sizeof(c->groups), "--groups=%u", kvm.st_gid);
			add(c, c->groups);
		} else {
			add(c, "--clear-groups");
		}
	}
	add(c, "--no-new-privs");
	add(c, "--pdeathsig=KILL");
}

/* Files are named by descriptors, so the emulator opens nothing by a path of ours. */
static void add_machine(struct command *c, const struct guest *g)
{
	static const char *const words[] = {
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-no-reboot",
		"-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-kernel",
		"/proc/self/fd/3",
		"-initrd",
		"/proc/self/fd/4",
		"-add-fd",
		"fd=5,set=1",
		"-chardev",
		"file,id=console,path=/dev/fdset/1,append=on",
		"-serial",
		"chardev:console",
		"-add-fd",
		"fd=6,set=2",
		"-chardev",
		"file,id=tap,path=/dev/fdset/2,append=on",
		"-serial",
		"chardev:tap",
		"-m",
		"384M",
	};

	_Static_assert(KERNEL_FD == 3 && INITRAMFS_FD == 4 && CONSOLE_FD == 5 && TAP_FD == 6 && GUEST_MEMORY_MIB == 384,
		       "the words name them");
	add(c, g->machine->program);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		add(c, words[i]);
	for (const char *const *word = g->machine->words; *word; word++)
		add(c, *word);
	add(c, "-accel");
	/* With several threads, an instruction that another processor has just replaced may still be run: kernels die at
	 * tracepoints. */
	add(c, g->kvm ? "kvm" : "tcg,thread=single,tb-size=128");
	_Static_assert(CODE_MEMORY_MIB == 128, "the words name it");
}

/* Whatever goes wrong in the kernel ends the guest. The watchdogs would only tell of a slow host. */
static void add_kernel(struct command *c, const struct guest *g)
{
	snprintf(c->append, sizeof(c->append),
		 "console=%s loglevel=5 panic=-1 panic_on_oops=1 nowatchdog no_timer_check rdinit=/init", g->machine->console);
	add(c, "-append");
	add(c, c->append);
}

/* The three things that are read from a guest. */
struct lines {
	int console, tap, emulator;
	struct guest_result *result;
	char said[CONSOLE_LINE_MAX]; /* of the emulator's line at hand */
	size_t said_len;
};

static void lines_release(struct lines *l)
{
	const int fds[] = { l->console, l->tap, l->emulator };

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void take_console(struct lines *l, const void *bytes, size_t len)
{
	console_feed(&l->result->console, bytes, len);
}

static void take_tap(struct lines *l, const void *bytes, size_t len)
{
	tap_feed(&l->result->tap, bytes, len);
}

static void take_emulator(struct lines *l, const void *bytes, size_t len)
{
	for (const unsigned char *p = bytes, *end = p + len; p < end; p++) {
		if (*p == '\n') {
			l->said_len = 0;
			continue;
		}
		if (l->said_len < sizeof(l->said) - 1)
			l->said[l->said_len++] = *p >= 0x20 && *p < 0x7f ? (char)*p : '?';
		l->said[l->said_len] = '\0';
		memcpy(l->result->emulator, l->said, sizeof(l->said));
	}
}

/* One piece; closes what has ended. The descriptors do not block. */
static void take(struct lines *l, int *fd, void (*feed)(struct lines *l, const void *bytes, size_t len))
{
	char bytes[4096];
	ssize_t n = read(*fd, bytes, sizeof(bytes));

	if (n > 0) {
		feed(l, bytes, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
}

/* Starts it; the read ends go to *l. */
static int start(const struct command *c, const struct guest *g, struct lines *l, struct process *process, struct err *e)
{
	static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };
	int *const read_ends[] = { &l->console, &l->tap, &l->emulator };
	int write_ends[ARRAY_LEN(read_ends)] = { -1, -1, -1 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(read_ends); i++) {
		int fds[2];
		rc = fd_pipe(fds, e);
		if (rc == 0) {
			*read_ends[i] = fds[0];
			write_ends[i] = fds[1];
			rc = fd_set_nonblocking(fds[0], e);
		}
	}
	const struct process_fd fds[] = { { write_ends[2], STDERR_FILENO },
					  { g->kernel_fd, KERNEL_FD },
					  { g->initramfs_fd, INITRAMFS_FD },
					  { write_ends[0], CONSOLE_FD },
					  { write_ends[1], TAP_FD } };
	if (rc == 0)
		rc = process_start(process, c->words, environment, fds, ARRAY_LEN(fds), e);
	for (size_t i = 0; i < ARRAY_LEN(write_ends); i++)
		if (write_ends[i] >= 0)
			close(write_ends[i]);
	return rc;
}

/* Reads until the emulator has ended and there is nothing left to read. */
static int watch(const struct guest *g, struct lines *l, struct process *process, const struct cancel *cancel, struct err *e)
{
	struct guest_result *r = l->result;
	const int64_t begun = clock_now_ms(), deadline = begun + g->timeout_ms;
	bool ended = false;

	while (!ended || l->console >= 0 || l->tap >= 0 || l->emulator >= 0) {
		const bool waking = g->wake_ms && !r->tap.version;
		const int64_t until = waking && begun + g->wake_ms < deadline ? begun + g->wake_ms : deadline;
		struct pollfd fds[] = { { .fd = l->console, .events = POLLIN },
					{ .fd = l->tap, .events = POLLIN },
					{ .fd = l->emulator, .events = POLLIN },
					{ .fd = ended ? -1 : process->pid_fd, .events = POLLIN },
					{ .fd = cancel_fd(cancel), .events = POLLIN } };
		/* What has ended can't write more than the pipes hold; whoever else holds them is no business of ours. */
		int count = poll(fds, ARRAY_LEN(fds), ended ? 0 : clock_poll_timeout(until));
		if (count < 0 && errno != EINTR)
			return err_system(e, errno, "poll");
		if (fds[4].revents && count > 0)
			return err_set(e, ERR_CANCELLED, "cancelled");
		if (count > 0 && fds[0].revents)
			take(l, &l->console, take_console);
		if (count > 0 && fds[1].revents)
			take(l, &l->tap, take_tap);
		if (count > 0 && fds[2].revents)
			take(l, &l->emulator, take_emulator);
		if (ended && count == 0)
			return 0;
		if (count > 0 && fds[3].revents)
			ended = true;
		if (!ended && clock_now_ms() >= until) {
			r->end = until < deadline ? GUEST_ASLEEP : GUEST_HUNG;
			return 0;
		}
	}
	return 0;
}

int guest_run(const struct guest *g, const struct cancel *cancel, struct guest_result *ret, struct err *e)
{
	cleanup_process struct process process = { .pid_fd = -1 };
	struct lines lines = { .console = -1, .tap = -1, .emulator = -1, .result = ret };
	struct command command = { 0 };
	const int64_t begun = clock_now_ms();
	int status = 0;

	*ret = (struct guest_result){ .end = GUEST_OFF };
	add_confinement(&command, g);
	add_machine(&command, g);
	add_kernel(&command, g);
	int rc = start(&command, g, &lines, &process, e);
	if (rc == 0)
		rc = watch(g, &lines, &process, cancel, e);
	if (rc == 0 && ret->end == GUEST_OFF)
		rc = process_wait(&process, cancel, &status, e);
	lines_release(&lines);
	if (rc == 0 && ret->end == GUEST_OFF && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		ret->end = GUEST_REFUSED;
	if (ret->end == GUEST_REFUSED && !ret->emulator[0])
		snprintf(ret->emulator, sizeof(ret->emulator), "the emulator ended with status %#x", status);
	ret->milliseconds = (uint64_t)(clock_now_ms() - begun);
	return rc;
}
