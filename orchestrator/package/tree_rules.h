/* package: published packages in, one normalised tar of a kernel's header tree out, and what can be read off the packages about the
 * kernel. Formats (deb, rpm, tar) stand in a table; what is particular to a distro comes as `struct tree_rules`.
 * It does not fetch, does not verify digests, and writes nothing to the host's disk. All parsing of package bytes happens in the
 * filter process (stream/filter.h); unpack.h is the side that the rest of the program calls.
 *
 * Here: the rules for a tree. Which members to leave out, where the build directory is, and which absolute paths in small text
 * files to make relative. */
#ifndef ORCHESTRATE_PACKAGE_TREE_RULES_H
#define ORCHESTRATE_PACKAGE_TREE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { TREE_REWRITE_MAX = 1 << 20 };

/* In every file that matches the glob `file` (and is at most TREE_REWRITE_MAX bytes), each occurrence of the literal text `from`
 * becomes `to`. */
struct tree_rewrite {
	char *file, *from, *to;
};

/* What goes beyond single members and texts, by name. */
enum tree_fix_up {
	TREE_DROP_DANGLING_LINKS, /* "drop-dangling-links": symlinks that lead to nothing in the tree, or in a circle, stay out */
	TREE_FIX_UPS,
};

/* Globs are fnmatch(3) without flags (so `*` matches slashes too) on the member's normalised path: no leading "./" or "/", no
 * trailing "/": "usr/src/linux-headers-6.1.0-56-amd64/Makefile". keep wins over drop. A dropped directory does not drop what is in
 * it: the glob must say so. Embedded; {0} keeps everything and changes nothing. */
struct tree_rules {
	char *build_dir; /* where the kernel's .config and top Makefile are, same shape as a member path; never NULL once filled; ""
			  * in rules for a part of a kernel's packages that has none */
	struct strv drop, keep;
	struct tree_rewrite *rewrites;
	size_t rewrite_count;
	bool fix_ups[TREE_FIX_UPS];
};

void tree_rules_release(struct tree_rules *rules);
/* Adds a rewrite; copies the texts. An empty `from` is ERR_INPUT. */
must_check int tree_rules_add_rewrite(struct tree_rules *rules, const char *file, const char *from, const char *to, struct err *e);
/* By its name. Unknown: ERR_INPUT with the nearest one. */
must_check int tree_rules_add_fix_up(struct tree_rules *rules, const char *name, struct err *e);
static inline bool tree_rules_fix_up(const struct tree_rules *rules, enum tree_fix_up fix_up)
{
	return rules->fix_ups[fix_up];
}
/* True when the member stays out of the tree. */
bool tree_rules_drop(const struct tree_rules *rules, const char *path);
/* True when there are rewrites for this file. */
bool tree_rules_rewrites(const struct tree_rules *rules, const char *path);
/* Rewrites the file's bytes in place, rule after rule. Growth beyond TREE_REWRITE_MAX: ERR_LIMIT. */
must_check int tree_rules_rewrite(const struct tree_rules *rules, const char *path, struct buf *bytes, struct err *e);
/* Copies `in` to *ret with every ${name} replaced by its value in all texts. names is NULL-terminated, values goes with it. In
 * globs (drop, keep, file) a value is taken literally: its wildcard characters are escaped. An unknown or unclosed ${ is ERR_INPUT
 * with the name and the nearest known one; any other "$" stays as it is ("$(dir ...)"). */
must_check int tree_rules_expand(const struct tree_rules *in, const char *const *names, const char *const *values,
				 struct tree_rules *ret, struct err *e);
/* True when the text has ${name} in it for one of names (NULL-terminated). */
bool tree_text_names(const char *text, const char *const *names);
/* Copies to *ret the rules that name none of names: of a rewrite, neither its file nor its texts. build_dir becomes "". */
must_check int tree_rules_without(const struct tree_rules *in, const char *const *names, struct tree_rules *ret, struct err *e);
/* One line of JSON, the same for the same rules (so it may go into a build key). NULL on failure. Caller frees. */
char *tree_rules_encode(const struct tree_rules *rules, struct err *e);
/* The reverse; strict, ERR_INPUT. */
must_check int tree_rules_decode(const char *json, struct tree_rules *ret, struct err *e);

#define cleanup_tree_rules __attribute__((cleanup(tree_rules_release)))

#endif
