/* The real engine, and an image made on the spot (tests/data/engine/toolbox.c, nothing else in it), without any registry. */
#ifndef TESTS_ENGINE_TOOLBOX_IMAGE_H
#define TESTS_ENGINE_TOOLBOX_IMAGE_H

#include "base/buf.h"
#include "engine/container.h"
#include "engine/engine.h"

struct toolbox {
	struct engine *engine;
	char id[80];   /* of the image: "sha256:..." */
	char name[80]; /* "orchestrate-test-engine-PID:1" */
	char diff_id[80];
};

/* $ORCHESTRATE_TEST_ENGINE or the default engine. Where none answers the test is skipped, and says why. Fails the test when the
 * image can't be made. */
void toolbox_open(struct toolbox *t, const struct cancel *cancel);
/* Removes the containers of this run and the image. */
void toolbox_close(struct toolbox *t);
/* The archive that toolbox_open loads, for an engine of this architecture. */
void toolbox_archive(struct toolbox *t, const char *arch, struct buf *ret);
/* A container of it, created and started, whose main process is `toolbox cat` on a lease. Caller frees the id and closes the lease.
 */
char *toolbox_container(struct toolbox *t, int *ret_lease);
/* The same under a seccomp profile. */
char *toolbox_container_under(struct toolbox *t, const char *seccomp, int *ret_lease);

#endif
