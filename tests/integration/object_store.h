/* A real S3-compatible store, s3rver, which is a package of npm: taken from $ORCHESTRATE_S3RVER, from PATH, or installed below
 * build/integration-cache once. */
#ifndef TESTS_INTEGRATION_OBJECT_STORE_H
#define TESTS_INTEGRATION_OBJECT_STORE_H

#include "program.h"

struct object_store {
	struct program program;
	char *url; /* http://127.0.0.1:PORT */
};

/* Serves the directories below dir as buckets. Where there is no s3rver to be had the test is skipped, and says why. */
void object_store_start(struct object_store *s, const char *dir);
/* Harmless on an empty one. */
void object_store_stop(struct object_store *s);

#endif
