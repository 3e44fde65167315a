/* What a distro's list and its uncrawled part hold, and the kernels in it. Internal to crawl. */
#ifndef ORCHESTRATE_CRAWL_KNOWN_H
#define ORCHESTRATE_CRAWL_KNOWN_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/log.h"
#include "descriptor/distro.h"
#include "kernel/group.h"
#include "kernel/list_merge.h"

/* Embedded; {0} is empty. */
struct known {
	struct kernel_list list; /* both parts, by URL, bytewise */
	struct kernel_set kernels;
};

void known_release(struct known *k);
/* Both parts as texts; a list that is missing is empty. path: the list's. */
must_check int known_read(const char *path, struct list_texts *ret, struct err *e);
/* path is for messages; findings of a bad list go to the log, the first is the error. */
must_check int known_parse(const struct list_texts *texts, const char *path, const struct distro *distro, struct log *log,
			   struct known *ret, struct err *e);
/* NULL: it is not there. */
const struct kernel_url *known_find(const struct known *k, const char *url);
bool known_has_kernel(const struct known *k, const char *id);

#define cleanup_known __attribute__((cleanup(known_release)))

#endif
