/* Which hosts could not be reached of late, so that thousands of files don't each find it out. Internal to fetch. */
#ifndef ORCHESTRATE_FETCH_HOST_H
#define ORCHESTRATE_FETCH_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct host {
	char *name;
	unsigned failures; /* to connect, since the last answer */
};

/* Embedded; {0} is empty. */
struct hosts {
	struct host *items;
	size_t count;
};

void hosts_release(struct hosts *h);
/* An answer clears what was held against the host; the lack of one is counted. */
must_check int hosts_note(struct hosts *h, const char *url, bool answered, struct err *e);
/* Failures in a row of the host of this URL. */
unsigned hosts_failures(const struct hosts *h, const char *url);

#endif
