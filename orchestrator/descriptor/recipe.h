/* images/<name>/image.yaml: what a toolchain image has in it and how it is had. */
#ifndef ORCHESTRATE_DESCRIPTOR_RECIPE_H
#define ORCHESTRATE_DESCRIPTOR_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "kernel/arch.h"

enum recipe_how {
	RECIPE_BOOTSTRAP, /* from a distribution's packages, no registry needed */
	RECIPE_PULL,	  /* from a registry, by digest */
	RECIPE_BUILD,	  /* from a Dockerfile */
	RECIPE_HOW_COUNT,
};

enum { RECIPE_GCC_MAX = 8 };

struct recipe_bootstrap {
	char *mirror; /* name, as for --mirror NAME=URL */
	char *suite;
	struct strv urls;	     /* public base URLs, no slash at the end, in order */
	struct strv components;	     /* {"main"} when not given */
	struct strv packages;	     /* what must be in it, besides what a minimal system has */
	bool accept_expired_release; /* a Release file past its Valid-Until is taken */
	char *keyring;		     /* NULL: the package manager's own */
};

/* One variable of the environment in which builds run. */
struct recipe_variable {
	char *name;  /* [A-Z_][A-Z0-9_]* */
	char *value; /* template, see recipe_expand */
};

struct recipe {
	char *name; /* [a-z0-9][a-z0-9.-]*; the folder's name */
	char *dir;  /* the folder; NULL where it was not read from one */
	const struct arch *arch;
	unsigned gcc[RECIPE_GCC_MAX]; /* majors, ascending */
	size_t gcc_count;
	unsigned clang; /* major; 0: none */
	char *glibc;	/* "2.36" */
	bool pahole;
	bool lld;		    /* the linker and the tools that go with clang are there too, all under names with its major */
	bool has[RECIPE_HOW_COUNT]; /* which of these there are, at least one */
	struct recipe_bootstrap bootstrap;
	struct {
		char *reference; /* ends in @sha256:<64 hex digits> */
	} pull;
	struct {
		char *dockerfile; /* name of a file of the folder */
		char *base;	  /* what its FROM names, without a digest: "docker.io/library/name:tag" */
		char *digest;	  /* of base, "sha256:<64 hex digits>"; NULL: not pinned yet, so it can't be built */
	} build;
	struct recipe_variable *env;
	size_t env_count;
};

must_check int recipe_parse(const char *bytes, size_t len, const char *name, struct recipe *ret, struct err *e);
/* dir is the image's folder; reads <dir>/image.yaml, whose `name:` must be the folder's. */
must_check int recipe_load(const char *dir, struct recipe *ret, struct err *e);
/* As recipe_load; all mistakes are added to findings, as in distro_check. */
must_check int recipe_check(const char *dir, struct recipe *ret, struct strv *findings, struct err *e);
void recipe_release(struct recipe *r);

struct recipe_set {
	struct recipe *items; /* version_compare_natural order of the names */
	size_t count;
};

/* Every folder of dir that has an image.yaml; the first bad one is the error. No such directory: ERR_NOT_FOUND. */
must_check int recipe_load_dir(const char *dir, struct recipe_set *ret, struct err *e);
void recipe_set_release(struct recipe_set *set);
/* Borrowed. Unknown: NULL with ERR_USAGE and the nearest name. */
const struct recipe *recipe_find(const struct recipe_set *set, const char *name, struct err *e);

/* "bootstrap", "pull", "build". */
const char *recipe_how_name(enum recipe_how how);
must_check int recipe_how_parse(const char *name, enum recipe_how *ret, struct err *e);
/* What is taken when the user does not say: the first that the recipe has, in the order of the enum. */
enum recipe_how recipe_default_how(const struct recipe *r);

/* True when a registry must be asked to have it: nothing of what it says can be had from packages alone. */
bool recipe_needs_registry(const struct recipe *r);
/* Borrowed: what must be had from the registry ("docker.io/library/name:tag"); NULL where none is needed. */
const char *recipe_registry_reference(const struct recipe *r);
/* The bytes of an image.yaml with this digest ("sha256:...") as its `build: digest:`, all else as it was. A file that is not
 * written in lines of its own there: ERR_USAGE, saying what to write by hand. name: for messages. */
must_check int recipe_pin(const char *bytes, size_t len, const char *name, const char *digest, struct buf *ret, struct err *e);

/* Expands `${gcc}` (the major given), `${clang}`, `${arch}` in a variable's value. Caller frees. */
char *recipe_expand(const struct recipe *r, const char *value, unsigned gcc, struct err *e);

#define cleanup_recipe	   __attribute__((cleanup(recipe_release)))
#define cleanup_recipe_set __attribute__((cleanup(recipe_set_release)))

#endif
