/* What a prune must leave: what the lists name, here and at other commits, and the kernels that go with it. */
#ifndef ORCHESTRATE_CMD_KEEP_H
#define ORCHESTRATE_CMD_KEEP_H

#include "base/buf.h"
#include "cache/package_upkeep.h"
#include "cmd/listed.h"

must_check int keep_listed(struct cache_keep *k, const struct listed *l, struct err *e);
/* The kernels themselves (`boot-images:`) that go with what the lists of the checkout at root name. */
must_check int keep_images(struct cache_keep *k, const char *root, const struct listed *l, struct err *e);
/* Every list (*.txt, with its companion) that the commit `ref` of the repository at root has in the directories where the lists
 * are now. No such commit, no list in it, no git: ERR_USAGE. A list that can't be read: ERR_INPUT, `ref:path:line: ...`. */
must_check int keep_commit(struct cache_keep *k, const char *root, const char *ref, const struct listed *l,
			   const struct cancel *cancel, struct err *e);

#endif
