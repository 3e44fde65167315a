/* The only program in the image that the engine's tests make: `toolbox WHAT [ARG]`. Linked statically. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char chunk[65536];

static int copy(void)
{
	ssize_t n;

	while ((n = read(0, chunk, sizeof(chunk))) > 0)
		for (ssize_t at = 0, m; at < n; at += m)
			if ((m = write(1, chunk + at, (size_t)(n - at))) < 0)
				return 1;
	return n < 0;
}

/* More than any pipe holds on both streams, one after the other, before it reads a byte: who does not read both stands still. */
static int both(void)
{
	memset(chunk, 'o', sizeof(chunk));
	for (int i = 0; i < 64; i++)
		if (write(1, chunk, sizeof(chunk)) < 0 || write(2, chunk, 1000) < 0)
			return 1;
	return copy();
}

static int spam(void)
{
	for (;;)
		if (write(1, chunk, sizeof(chunk)) < 0)
			return 1;
}

/* What the builder's profile must refuse (EPERM) or deny the existence of (ENOSYS): one letter each, in this order; '+' where it
 * got through. */
static int forbidden(void)
{
	static const long calls[][3] = {
		{ SYS_unshare, CLONE_NEWUSER, 0 },
		{ SYS_socket, AF_INET, SOCK_STREAM },
		{ SYS_socket, AF_UNIX, SOCK_STREAM },
		{ SYS_ptrace, 0, 0 },
		{ SYS_keyctl, 0, 0 },
		{ SYS_bpf, 0, 0 },
		{ SYS_perf_event_open, 0, 0 },
		{ SYS_userfaultfd, 0, 0 },
		{ SYS_io_uring_setup, 1, 0 },
		{ SYS_mount, 0, 0 },
		{ SYS_init_module, 0, 0 },
		{ SYS_kexec_load, 0, 0 },
		{ SYS_setns, -1, 0 },
		{ SYS_process_vm_readv, 0, 0 },
		{ SYS_open_by_handle_at, -1, 0 },
		{ SYS_clone, CLONE_NEWUSER | SIGCHLD, 0 },
		{ SYS_clone3, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long got = syscall(calls[i][0], calls[i][1], calls[i][2], 0, 0, 0);
		if (got == 0 && calls[i][0] == SYS_clone)
			_exit(0);
		putchar(got >= 0 ? '+' : errno == EPERM ? 'p' : errno == ENOSYS ? 's' : '?');
	}
	int pair[2];
	puts(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? " pair" : " no pair");
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";

	if (strcmp(what, "cat") == 0)
		return copy();
	if (strcmp(what, "both") == 0)
		return both();
	if (strcmp(what, "spam") == 0)
		return spam();
	if (strcmp(what, "forbidden") == 0)
		return forbidden();
	if (strcmp(what, "exit") == 0)
		return atoi(argument);
	if (strcmp(what, "sleep") == 0)
		return (int)sleep((unsigned)atoi(argument));
	if (strcmp(what, "hello") == 0) {
		fputs("hello\n", stdout);
		fputs("on the other stream\n", stderr);
		return 0;
	}
	if (strcmp(what, "env") == 0) {
		char where[200];
		const char *value = getenv(argument);
		printf("%s %u %s\n", value ? value : "(unset)", (unsigned)getuid(), getcwd(where, sizeof(where)) ? where : "?");
		return 0;
	}
	if (strcmp(what, "touch") == 0) {
		FILE *f = fopen(argument, "w");
		return !f || fclose(f) != 0;
	}
	return 99;
}
