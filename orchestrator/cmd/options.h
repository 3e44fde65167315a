/* Long options by table: parsing, --help and the hint at the nearest option come from the same rows. */
#ifndef ORCHESTRATE_CMD_OPTIONS_H
#define ORCHESTRATE_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* value is NULL for an option without argument. */
typedef int (*option_apply)(void *target, const char *value, struct err *e);

struct option_def {
	const char *name;     /* without dashes; NULL ends the table */
	const char *argument; /* what stands for it in the help; NULL: takes none */
	const char *help;     /* one or more lines, LF between */
	option_apply apply;
};

/* A group of options, and where in the command's target the struct stands that they apply to. */
struct option_table {
	const struct option_def *options; /* NULL ends a list of tables */
	size_t offset;
};

struct command_def {
	const char *usage;   /* "orchestrate cache fetch [OPTION]..." */
	const char *summary; /* a line or two under it */
	const struct option_table *tables;
	const char *epilogue; /* below the options; may be NULL */
};

/* Applies the options in argv[1...] to target; the words that are none go to *words (NULL: there must be none). 1: --help was asked
 * for and has been printed to stdout; 0: go on; -1: ERR_USAGE. */
must_check int options_parse(const struct command_def *command, int argc, char **argv, void *target, struct strv *words,
			     struct err *e);

#endif
