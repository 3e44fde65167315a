/* Bringing what the indexes list into a list of package URLs. Lines are only ever added: what a list has stays, in it or in its
 * companion `<list>-uncrawled.txt`, to which lines that no index gives any more move where the descriptor says that the archive
 * forgets, and from which they come back. */
#ifndef ORCHESTRATE_KERNEL_LIST_MERGE_H
#define ORCHESTRATE_KERNEL_LIST_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* The texts of a list and of its companion; empty: there is none. */
struct list_texts {
	struct buf list, uncrawled;
};

void list_texts_release(struct list_texts *t);
#define cleanup_list_texts __attribute__((cleanup(list_texts_release)))

/* What the indexes gave. */
struct list_finds {
	const char *const *urls; /* in any order, repeats do no harm */
	size_t count;
	bool forgets; /* what is not among them moves to the companion */
};

struct list_changes {
	size_t known;	 /* URLs before, in both */
	size_t added;	 /* new in the list */
	size_t moved;	 /* from the list to its companion */
	size_t returned; /* back from there */
};

/* Makes new texts of old ones. Both come out in version order (version_compare_natural), unique, also between the two, LF at each
 * end; the same finds again change nothing. Comment lines above the first URL are the file's head and stay there; others belong to
 * the URL below them and go with it, like what stands behind a URL; those below the last URL stay at the end. path is the list's:
 * for messages. A URL that no list may have, or an old text that is no list: ERR_INPUT, *ret untouched. */
must_check int list_merge(const struct list_texts *old, const char *path, const struct list_finds *finds, struct list_texts *ret,
			  struct list_changes *changes, struct err *e);

/* The same for the files, each replaced as a whole and only when it changes; a list that is missing is made, the companion when the
 * first line moves. In such an order that a crash in between loses no line. dry_run: only counts. Two at once on one list: the
 * caller's lock. */
must_check int list_update(const char *path, const struct list_finds *finds, bool dry_run, struct list_changes *ret, struct err *e);

#endif
