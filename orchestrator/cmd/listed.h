/* The packages that the lists name, with what their companions say of them. */
#ifndef ORCHESTRATE_CMD_LISTED_H
#define ORCHESTRATE_CMD_LISTED_H

#include "base/buf.h"
#include "base/log.h"
#include "cache/package_cache.h"
#include "descriptor/distro.h"

struct listed {
	struct distro_set distros;    /* all of the checkout */
	struct cache_request *items;  /* by URL, each once */
	const struct distro **distro; /* of each item */
	size_t count, room;
	struct strv urls; /* what the items' URLs stand in */
};

/* names: distros asked for; empty: all. Lists that are not good: every finding goes to the log, the first becomes the error. What
 * a crawl no longer finds (`<list>-uncrawled.txt`, where there is one) is listed as well. */
must_check int listed_load(const char *root, const struct strv *names, struct log *log, struct listed *ret, struct err *e);
void listed_release(struct listed *l);
#define cleanup_listed __attribute__((cleanup(listed_release)))

#endif
