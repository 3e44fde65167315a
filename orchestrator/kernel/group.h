/* From URLs to kernels: which packages belong together is said by a descriptor's rules. */
#ifndef ORCHESTRATE_KERNEL_GROUP_H
#define ORCHESTRATE_KERNEL_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/version.h"

enum { KERNEL_NAME_MAX = 128 };

/* How a package's `version` capture must stand to that of the kernel's first package, by the order of the group's rules. */
enum version_rule {
	VERSION_SAME,
	VERSION_SAME_OR_NEWER, /* the lowest that is not below */
	VERSION_NEWEST,	       /* the highest there is; the kernel's own version does not matter */
};

/* The capture `name` of the package's pattern must equal one of `values`, templates over the captures of the first package.
 * Values are tried in order; the first for which there is a package wins. */
struct match_rule {
	char *name;
	struct strv values;
};

struct package_rule {
	char *role;	   /* for messages: "headers" */
	struct strv files; /* patterns on the whole decoded end of the URL's path; the first that matches counts */
	struct match_rule *matches;
	size_t match_count;
	enum version_rule version;
	bool has_config; /* the kernel's .config is in it */
	bool has_tools;	 /* the kernel's host programs are in it */
	bool shared;	 /* several kernels have the same one; never the first package, nor the one with the .config */
	bool optional;	 /* a kernel that lacks it is a kernel all the same; never the first package */
	char *file_as;	 /* it is no archive but one file, which belongs at this path of the tree; NULL: an archive */
};

/* Filled by the descriptor room from `kernel:`. packages[0] names the kernel and has no matches. */
struct group_rules {
	const struct arch *arch;
	/* What uname -r says: templates over the first package's captures. The first counts of which every capture is set, else the
	 * last. None, or nothing in it: only the packages tell, and then `id` must name the kernel until they do. */
	struct strv release;
	struct strv base;     /* the same for what packages call their directories; none: the release */
	struct strv id;	      /* the same; none: the release */
	char *told_id;	      /* its name once its packages have told the release (kernel_tell); NULL: the release */
	unsigned path_parts;  /* how many of the last parts of the URL's path the patterns see, slashes between; 0: 1 */
	version_order *order; /* of the `version` captures; NULL: version_compare_deb */
	struct package_rule *packages;
	size_t package_count;
};

void group_rules_release(struct group_rules *rules);
/* What kernel_group would refuse: patterns, unknown captures in templates and matches, neither release nor id, no package, a
 * version rule without a `version` capture, `shared` where it can't be. ERR_INPUT. */
must_check int group_rules_check(const struct group_rules *rules, struct err *e);

struct kernel_package {
	const char *role; /* borrowed from the rules, which must outlive the set */
	char *url, *file_name, *version;
	bool has_config, has_tools, shared;
	const char *file_as; /* borrowed, as role; NULL: an archive */
};

struct kernel {
	char *id;      /* unique in its set; safe as a file name */
	char *release; /* uname -r; safe as a file name; "": only the packages tell */
	char *base;    /* what its packages call their directories where that is not the release */
	char *version; /* the release's leading numbers, "5.10.0", for floors; "" with an empty release */
	const struct arch *arch;
	struct kernel_package *packages; /* in the order of the rules, without the optional ones that it lacks */
	size_t package_count;
};

struct kernel_leftover {
	char *url, *reason;
	bool unknown;	       /* no package rule knows it */
	bool stands_elsewhere; /* nothing is lost by it: its kernel, or a newer revision of it, is in the set by another line */
	unsigned line;	       /* in the list */
	bool uncrawled;	       /* ... or in its companion (kernel_list_load_all) */
};

struct kernel_set {
	struct kernel *kernels; /* by version_compare_natural of the ids */
	size_t count;
	struct kernel_leftover *leftovers; /* by line, the list's first */
	size_t leftover_count;
};

/* Every URL ends as a package of at least one kernel or as a leftover with its reason: no rule knows it, the same file
 * is there from another host, another line names the same kernel, its kernel lacks a package (named), no complete kernel needs it,
 * a higher revision of its kernel is there, its kernel's name is not safe. Of several revisions of one id the highest complete one
 * is the kernel. -1 only for rules that group_rules_check refuses and for lack of memory; an incomplete kernel is no error. *ret is
 * untouched on failure. Works in O(n log n) on hash tables. */
must_check int kernel_group(const struct group_rules *rules, const struct kernel_list *list, struct kernel_set *ret, struct err *e);
void kernel_set_release(struct kernel_set *set);
/* Takes out the kernels for which `unwanted` is true; gives their number. The others keep their order. */
size_t kernel_set_remove(struct kernel_set *set, bool (*unwanted)(const struct kernel *k, void *context), void *context);

/* A kernel whose packages have told its release: as `listed` was, whose packages *ret borrows, with release, base and version, and
 * the name that rules->told_id gives it. A release or name that no file may have: ERR_CHECK. */
must_check int kernel_tell(const struct group_rules *rules, const struct kernel *listed, const char *release, struct kernel *ret,
			   struct err *e);
/* Of what kernel_tell gave. Harmless on {0}. */
void kernel_told_release(struct kernel *k);

/* [A-Za-z0-9._+~-], no leading dot or dash, 1 to KERNEL_NAME_MAX bytes: fit for a file name and an argument. */
bool kernel_name_is_safe(const char *name);

#define cleanup_group_rules __attribute__((cleanup(group_rules_release)))
#define cleanup_kernel_set  __attribute__((cleanup(kernel_set_release)))

#endif
