/* A program that runs while the test looks on: what it prints is collected, and the test can wait for a piece of it. */
#ifndef TESTS_INTEGRATION_PROGRAM_H
#define TESTS_INTEGRATION_PROGRAM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/process.h"

enum { PROGRAM_SECONDS_MAX = 1500 }; /* no program is waited for longer */

struct program {
	struct process process;
	pid_t pid; /* stays after the end */
	int out_fd, err_fd;
	struct buf out, err;
	int code; /* exit code; 128 + signal; -1: it still runs */
};

/* Fails the test when it can't be started. */
void program_start(struct program *p, const char *const argv[]);
/* Reads on until stderr holds text. false: it ended before, or PROGRAM_SECONDS_MAX went by. */
bool program_wait_for(struct program *p, const char *text);
/* The same of stdout. */
bool program_wait_for_output(struct program *p, const char *text);
/* Reads to the end; gives the exit code. Fails the test after PROGRAM_SECONDS_MAX. */
int program_finish(struct program *p);
/* Kills it when it still runs. Can be called again. */
void program_release(struct program *p);

#define cleanup_program __attribute__((cleanup(program_release)))
#define PROGRAM_NONE                                                                                                               \
	{                                                                                                                          \
		.process = { .pid_fd = -1 }, .out_fd = -1, .err_fd = -1, .code = -1                                                \
	}

#endif
