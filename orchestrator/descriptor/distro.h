/* descriptor: YAML files into plain structs: distros/<name>.yaml, images/<name>/image.yaml, probe.yaml.
 * Strict: an unknown, missing or repeated key and a wrong type are errors with file, line, column and what was expected.
 * The only room that knows libyaml. It acts on nothing that it reads. */
#ifndef ORCHESTRATE_DESCRIPTOR_DISTRO_H
#define ORCHESTRATE_DESCRIPTOR_DISTRO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "fetch/mirror.h"
#include "index/rules.h"
#include "kernel/arch.h"
#include "kernel/floor.h"
#include "kernel/group.h"
#include "kernel/kind.h"
#include "package/image_rules.h"
#include "package/tree_rules.h"
#include "stream/digest.h"

/* What a release is believed to be built with before its packages are there. */
struct toolchain_expect {
	char *release; /* pattern (kernel/pattern.h) on the whole release */
	unsigned gcc;  /* major */
};

struct toolchain_rules {
	struct toolchain_expect *expect;
	size_t expect_count;
	struct strv make;   /* extra make variables, each NAME=value, given as arguments of their own */
	struct strv prefer; /* names of toolchain images that come first among those that fit equally well */
};

/* A tree of sources, which kbuild must prepare before anything can be built against it. */
struct prepare_rules {
	bool wanted;
	/* Globs (those of sh(1)) on paths of the tree, as it is after unpacking: the first file there is becomes the configuration.
	 */
	struct strv config;
	char *local_version; /* what the publisher's build adds to the release that the sources have; NULL: nothing */
};

/* A place where the kernel itself may be, for booting it. package and kernel are templates over distro_image_names. */
struct boot_image {
	char *release; /* pattern on the whole release for which it holds; NULL: all */
	char *package; /* URL reference (RFC 3986) from the kernel's first package to the one with the kernel in it */
	char *kernel;  /* path of the bootable kernel in that package */
};

struct boot_images {
	struct boot_image *items;
	size_t count; /* 0: nothing is known */
};

struct index_list {
	struct index_rules *items; /* in the order of the file, names unique */
	size_t count;
};

struct distro {
	char *name;   /* [a-z0-9][a-z0-9-]*; the file's name without .yaml */
	char *family; /* kernels of one family share builder containers */
	const struct arch *arch;
	char *list;		/* path of the list below the project's directory, plain */
	char *format;		/* of the packages: "deb", "rpm", "tar" or "image" */
	struct mirror *mirrors; /* base URLs without a slash at the end; an URL of the list that begins with one of them may be had
				 * from all of them */
	size_t mirror_count;
	/* Names of distros whose kernels this one rebuilds under the same names: where such a one is in a run and has a kernel of
	 * the same id, it stands for this one's. */
	struct strv yields_to;
	char *package_manager;	   /* of the distro itself: "apt"; NULL: none known */
	struct index_list indexes; /* what the list is made from; empty: it is made by hand */
	bool forgets;		   /* what no index lists any more moves from the list to its uncrawled part */
	/* Archives that keep what a mirror has dropped, by the mirror's name: addresses below which its files are once more, tried
	 * in this order after all else. `${last-seen}` in one is when a file was last known to be published (YYYYMMDDTHHMMSSZ). */
	struct mirror *snapshots;
	size_t snapshot_count;
	struct group_rules kernel;
	struct tree_rules tree; /* build_dir NULL: not told, so its kernels can't be built */
	struct prepare_rules prepare;
	struct image_rules image; /* packages of the format "image": what of them is the tree */
	struct toolchain_rules toolchain;
	struct boot_images boot_images;
	char *floors[KIND_COUNT]; /* see kernel/floor.h; NULL: none */
	struct backport_list backports[KIND_COUNT];
};

/* name stands in messages. *ret is untouched on failure. */
must_check int distro_parse(const char *bytes, size_t len, const char *name, struct distro *ret, struct err *e);
/* As distro_parse; the `name:` in the file must be the file's name without .yaml. */
must_check int distro_load(const char *path, struct distro *ret, struct err *e);
/* As distro_load, for who wants all mistakes and not the first: they are added to findings, which was empty, each as the error's
 * text would be. -1 with none added is for what keeps us from reading the file. */
must_check int distro_check(const char *path, struct distro *ret, struct strv *findings, struct err *e);
/* Adds every key that there is, with those above it: "name", "kernel", "kernel.release", "kernel.packages.role". */
must_check int distro_keys(struct strv *ret, struct err *e);
void distro_release(struct distro *d);

struct distro_set {
	struct distro *items; /* by name */
	size_t count;
};

/* All *.yaml of a directory; the first bad one is the error, so is a `yields-to:` that names none of the others. No such directory:
 * ERR_NOT_FOUND. */
must_check int distro_load_dir(const char *dir, struct distro_set *ret, struct err *e);
void distro_set_release(struct distro_set *set);
/* Borrowed. Unknown: NULL with ERR_USAGE and the nearest name. */
const struct distro *distro_find(const struct distro_set *set, const char *name, struct err *e);

/* The major that `toolchain: expect:` names for a release, 0 when none matches. -1 only when a pattern gives up. */
must_check int distro_expected_gcc(const struct distro *d, const char *release, unsigned *ret, struct err *e);

/* What a tree's texts may name: release, base, id, version, arch, srcarch. NULL-terminated. */
enum { DISTRO_TREE_NAMES = 6 };
extern const char *const distro_tree_names[DISTRO_TREE_NAMES + 1];
/* Those among them that tell a kernel from others that share packages with it. NULL-terminated. */
extern const char *const distro_own_names[];
/* The tree rules for one kernel, those names filled in. Where it has shared packages: those for its own. */
must_check int distro_tree_rules(const struct distro *d, const struct kernel *k, struct tree_rules *ret, struct err *e);
/* Where facts about the kernel stand, in the words of facts_collect (package/facts.h): the build directory, with `*` for what only
 * the packages tell, and the configurations of `prepare`. NULL on failure. Caller frees. */
char *distro_fact_places(const struct distro *d, const struct kernel *k, struct err *e);
/* The rules for the kernel's shared packages: all but those that name what is the kernel's own, which concern only its own
 * packages. build_dir is "". */
must_check int distro_shared_rules(const struct distro *d, const struct kernel *k, struct tree_rules *ret, struct err *e);

/* What `boot-images:` may name: as a tree's texts, and package-version, that of the kernel's first package. NULL-terminated. */
extern const char *const distro_image_names[DISTRO_TREE_NAMES + 2];
/* Appends the URLs at which a package with the kernel may be, best first, and to *ret_kernels where in it the kernel is; none where
 * the descriptor says nothing of that release. */
must_check int distro_image_places(const struct distro *d, const struct kernel *k, struct strv *ret_urls, struct strv *ret_kernels,
				   struct err *e);

/* What of the descriptor a build's result depends on: architecture, format, release and base templates, roles with what they hold
 * and whether they are shared, tree rules, make variables. Lists, mirrors, patterns, `expect`, floors, backports and names are left
 * out: they choose what gets built, and what they choose is in the key already. Fields go in as hasher_field, so the order of lists
 * counts.
 */
must_check int distro_hash_build_part(const struct distro *d, struct hasher *h, struct err *e);

#define cleanup_distro	   __attribute__((cleanup(distro_release)))
#define cleanup_distro_set __attribute__((cleanup(distro_set_release)))

#endif
