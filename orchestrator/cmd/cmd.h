/* cmd: the only room that reads argv, prints, handles signals and exits. One file per subcommand; each is given its own
 * name as argv[0] and returns the exit code. */
#ifndef ORCHESTRATE_CMD_CMD_H
#define ORCHESTRATE_CMD_CMD_H

#include "base/err.h"

/* What the program leaves with. The numbers are a contract with pipelines (README). */
enum exit_code {
	EXIT_GOOD = 0,
	EXIT_KERNEL_FAILED = 1, /* at least one kernel, package or image did not work out */
	EXIT_USAGE = 2,		/* arguments, descriptors, lists, recipes, manifests */
	EXIT_ENGINE = 3,	/* the engine cannot be reached */
	EXIT_CANCELLED = 4,
	EXIT_CHECK = 5, /* an artifact did not pass its check */
};

/* The exit code that an error of this kind ends the program with. */
int exit_code_of(const struct err *e);

int cmd_build(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_prove(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_crawl(int argc, char **argv);
int cmd_toolchain(int argc, char **argv);
int cmd_sign(int argc, char **argv);
/* Hidden: the sandboxed filter process (stream/filter.h). */
int cmd_filter(int argc, char **argv);

#endif
