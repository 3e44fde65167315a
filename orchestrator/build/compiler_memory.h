/* images/compiler_memory.c, which remembers within a job what its compiler has answered: compiled for this machine along with this
 * program, statically, so that it runs in any image. */
#ifndef ORCHESTRATE_BUILD_COMPILER_MEMORY_H
#define ORCHESTRATE_BUILD_COMPILER_MEMORY_H

#include <stddef.h>

struct embedded {
	const char *data;
	size_t len;
};

/* The executable, and what it was made from. */
struct embedded compiler_memory_program(void);
struct embedded compiler_memory_source(void);

#endif
