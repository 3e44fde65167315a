/* What stands at each path of a tree while it is written. For tree.c. */
#ifndef ORCHESTRATE_PACKAGE_TREE_PATHS_H
#define ORCHESTRATE_PACKAGE_TREE_PATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/err.h"
#include "package/member.h"

struct tree_path {
	UT_hash_handle hh;     /* hh.next: the one that was added next */
	enum member_kind kind; /* a hard link counts as a file */
	/* Of a symlink that is held back until everything is there; else NULL. */
	char *target;
	int64_t mtime;
	char path[];
};

/* Embedded; NULL is one without paths. In the order in which they were added. */
struct tree_paths {
	struct tree_path *first;
};

void tree_paths_release(struct tree_paths *t);
/* NULL: nothing stands there. */
struct tree_path *tree_paths_find(const struct tree_paths *t, const char *path, size_t len);
/* Must not be there yet. NULL when out of memory. */
struct tree_path *tree_paths_add(struct tree_paths *t, const char *path, size_t len, enum member_kind kind);
/* Holds a symlink's target; an earlier one is replaced. */
must_check int tree_path_hold(struct tree_path *link, const struct member *m, struct err *e);
/* Whether a held symlink leads, over other held ones as well, to a file or directory that is there. One that leads in a circle
 * doesn't. */
bool tree_paths_leads_somewhere(const struct tree_paths *t, const struct tree_path *link);

#endif
