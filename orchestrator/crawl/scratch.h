/* A directory for the bytes of this run, which goes with it. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_SCRATCH_H
#define ORCHESTRATE_CRAWL_SCRATCH_H

#include "base/err.h"

/* Embedded; {.fd = -1} is empty. */
struct scratch {
	char *path;
	int fd; /* of the directory, locked: by that others see that its owner lives */
};

/* A new directory below parent, which is made where it is missing. What runs that were killed left there is removed. */
must_check int scratch_open(struct scratch *s, const char *parent, struct err *e);
/* Removes it with all that is in it. */
void scratch_release(struct scratch *s);

#define cleanup_scratch __attribute__((cleanup(scratch_release)))

#endif
