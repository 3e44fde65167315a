/* Inside toolchain: a program whose output is a stream and whose messages are wanted line by line. One thread, by poll(2). */
#ifndef ORCHESTRATE_TOOLCHAIN_PROGRAM_H
#define ORCHESTRATE_TOOLCHAIN_PROGRAM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "stream/source.h"

struct program;

struct program_options {
	const char *const *argv;
	const char *const *envp; /* NULL: our own environment */
	const char *name;	 /* what messages call it; NULL: argv[0] */
	/* Gets each line of stderr without its newline, called from within reads of the output and program_finish. True: the line
	 * may say why the program fails, and belongs into the message then. NULL: all do. */
	bool (*line)(void *context, const char *line);
	void *context;
	const struct cancel *cancel; /* may be NULL; borrowed */
};

/* Starts it. NULL with *e on failure. */
struct program *program_start(const struct program_options *options, struct err *e);
/* Its stdout, borrowed. Cancelled: ERR_CANCELLED. */
struct source *program_output(struct program *p);
/* Reads both outputs to their ends and waits. Not a clean exit: ERR_FAILED with its last lines. */
must_check int program_finish(struct program *p, struct err *e);
/* Kills what still runs, and waits until nothing holds its stderr any more: grandchildren are then gone too. NULL is fine. */
void program_free(struct program *p);

DEFINE_CLEANUP(program, struct program, program_free)

#endif
