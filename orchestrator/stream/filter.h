/* The sandboxed filter process: untrusted bytes are parsed in a process of its own that has nothing but the descriptors
 * it was given, under seccomp and resource limits. It is this very program started anew (fork alone would inherit
 * locks of other threads and all their memory), with the hidden subcommand `filter NAME ...`. */
#ifndef ORCHESTRATE_STREAM_FILTER_H
#define ORCHESTRATE_STREAM_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/process.h"

struct filter;

/* Starts `program filter argv...` (argv NULL-terminated; program NULL: $ORCHESTRATE_PROGRAM, else this executable).
 * fds as for process_start; number 2 is taken: the filter's error line comes back over it. */
must_check int filter_start(const char *program, const char *const argv[], const struct process_fd *fds, size_t fd_count,
			    struct filter **ret, struct err *e);
/* Waits for the end. -1 carries the kind and the message that the filter gave (filter_report), or how it was killed:
 * a forbidden system call is ERR_HOSTILE, a resource limit ERR_LIMIT, a reader that
 * went away ERR_TEMPORARY. */
must_check int filter_wait(struct filter *f, const struct cancel *cancel, struct err *e);
/* Polls readable once the filter has ended. Borrowed. */
int filter_poll_fd(const struct filter *f);
/* Kills what still runs. NULL is fine. */
void filter_free(struct filter *f);
/* Appends what comes out of fd (a pipe's read end) until its end. More than max bytes: ERR_LIMIT. */
must_check int filter_read(int fd, size_t max, struct buf *b, const struct cancel *cancel, struct err *e);

/* --- inside the filter process --- */

struct filter_limits {
	uint64_t memory_bytes; /* RLIMIT_AS */
	uint64_t cpu_seconds;  /* RLIMIT_CPU */
	uint64_t file_bytes;   /* RLIMIT_FSIZE: largest offset it may write in any file it was given */
	bool threads;	       /* may start threads (never processes) */
	bool stat;	       /* may ask how large what it was given is by way of stat(2), as glibc's fstat does */
};

/* Sets the limits and the system-call filter; no way back. After it: read, write, seek on what is open, memory, exit. Opening
 * anything fails with EACCES; whatever else kills the process. */
must_check int filter_confine(const struct filter_limits *limits, struct err *e);
/* Writes *e for filter_wait to find and gives the exit code to leave with. Out of memory in here is the memory limit: ERR_LIMIT. */
int filter_report(const struct err *e);

#endif
