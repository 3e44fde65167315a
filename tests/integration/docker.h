/* What a user does with the `docker` program, on the engine that the tests run on. */
#ifndef TESTS_INTEGRATION_DOCKER_H
#define TESTS_INTEGRATION_DOCKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Runs `docker WORD...` (the words end with NULL). What it prints, without a newline at the end, is in *ret_stdout (may be NULL).
 */
bool docker_try(struct buf *ret_stdout, const char *word, ...) __attribute__((sentinel));
/* The same; fails the test when docker does. */
void docker(struct buf *ret_stdout, const char *word, ...) __attribute__((sentinel));

/* "sha256:..." of what the reference names, in *ret. */
void docker_image_id(const char *ref, struct buf *ret);
/* `docker create`, `docker cp ID:/kernel-modules`: they appear as `to`/kernel-modules. */
void docker_copy_modules(const char *image, const char *to);
/* The containers, running or not, that the process `pid` has made. One id a line. */
void docker_containers_of(pid_t pid, struct buf *ret);
/* Waits until in a builder of that process `command` runs, that is its whole command line; the container's id is in *ret.
 * false: it did not come to that while `seconds` went by. */
bool docker_wait_for_build(pid_t pid, const char *command, unsigned seconds, struct buf *ret);
/* Whether that runs in the container. */
bool docker_runs(const char *container, const char *command);

#endif
