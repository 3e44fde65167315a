/* Running the tools that make what a test needs. */
#ifndef TESTS_INTEGRATION_WORK_H
#define TESTS_INTEGRATION_WORK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { WORK_WORDS_MAX = 40 };

/* Runs a program to its end; words up to NULL. Fails the test when it does not exit with 0. */
void work(const char *program, ...) __attribute__((sentinel));
/* The same in a directory; what it prints goes to the file, relative to that directory (NULL: nowhere). */
void work_in(const char *dir, const char *output, const char *program, ...) __attribute__((sentinel));
/* Whether a program is there to be run. */
bool work_has(const char *program);

#endif
