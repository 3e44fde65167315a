/* Programs: started with an argv, never through a shell. */
#ifndef ORCHESTRATE_BASE_PROCESS_H
#define ORCHESTRATE_BASE_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"

/* One descriptor of ours that the program gets under another number. All others are closed, also those
 * without O_CLOEXEC that a shell or a library left open. */
struct process_fd {
	int ours, theirs;
};

struct process {
	pid_t pid;  /* 0: none */
	int pid_fd; /* polls readable when the program has ended */
};

/* Starts argv[0] (searched in PATH when it has no slash) in its own process group. Descriptors 0-2 not named in fds
 * are /dev/null. envp NULL: our own environment. Not found: ERR_NOT_FOUND. `theirs` numbers must be below 64. */
must_check int process_start(struct process *p, const char *const argv[], const char *const envp[], const struct process_fd *fds,
			     size_t fd_count, struct err *e);
/* Waits. *ret_status is as from waitpid(2). Cancelled: the group is killed, reaped, and -1 with ERR_CANCELLED. */
must_check int process_wait(struct process *p, const struct cancel *cancel, int *ret_status, struct err *e);
/* Kills the group with SIGKILL and reaps; harmless when nothing runs. */
void process_release(struct process *p);
/* 0 for a clean exit, else -1 with ERR_FAILED saying how name ended. */
must_check int process_status_check(const char *name, int status, struct err *e);

#define cleanup_process __attribute__((cleanup(process_release)))

/* Runs to the end; stdout appended to *ret_stdout (NULL: dropped). When that is more than max bytes: killed, ERR_LIMIT. On failure
 * the message holds the last line of stderr. */
must_check int process_run(const char *const argv[], const char *const envp[], size_t max, struct buf *ret_stdout,
			   const struct cancel *cancel, struct err *e);

#endif
