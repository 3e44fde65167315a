/* toolchain: recipes (images/<name>/image.yaml) turned into images in the engine, and the choice of one for a kernel.
 * It does not run compilers and does not know what is built with them; it names no distribution: all that is in recipes. */
#ifndef ORCHESTRATE_TOOLCHAIN_TOOLCHAIN_H
#define ORCHESTRATE_TOOLCHAIN_TOOLCHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

struct engine;
struct mirror_table;
struct recipe;

/* A toolchain image that is in the engine. {0} is empty. */
struct toolchain_image {
	char *ref; /* orchestrate-toolchain:<recipe name>-<first 12 hex digits of the recipe's digest>; owned */
	char *id;  /* `sha256:<hex>` as the engine says; owned. Part of every build key. */
};

void toolchain_image_release(struct toolchain_image *image);

#define cleanup_toolchain_image __attribute__((cleanup(toolchain_image_release)))

/* The name that the recipe's image has in the engine. The digest in it covers what goes into the image by the recipe (suite,
 * components, packages; or reference; or base, its digest, and the files beside the Dockerfile) and how this program makes images;
 * not the mirror, not the compilers' numbers. NULL with *e. Caller frees. */
char *toolchain_ref(const struct recipe *recipe, struct err *e);

/* ERR_NOT_FOUND when the image is not in the engine. */
must_check int toolchain_find(struct engine *engine, const struct recipe *recipe, struct toolchain_image *ret, struct err *e);

/* Whether the image could be made here if it were not there. */
enum toolchain_way {
	TOOLCHAIN_BY_PACKAGES, /* bootstrapped here, from a mirror */
	TOOLCHAIN_NO_PROGRAM,  /* bootstrapped, but mmdebstrap is not installed */
	TOOLCHAIN_BY_REGISTRY, /* pulled, or built on what is pulled */
	TOOLCHAIN_UNPINNED,    /* the same, but which base it is has not been settled */
};

enum toolchain_way toolchain_way_of(const struct recipe *recipe);

enum toolchain_how {
	TOOLCHAIN_AUTO,	     /* recipe_default_how() */
	TOOLCHAIN_BOOTSTRAP, /* mmdebstrap, turned into an image here; needs no registry */
	TOOLCHAIN_PULL,	     /* by digest from a registry, through the engine */
	TOOLCHAIN_BUILD,     /* a Dockerfile, by the engine, FROM what the registry has under the pinned digest */
};

struct toolchain_options {
	struct mirror_table
		*mirrors; /* where packages come from (fetch/mirror.h), with the recipe's mirror in it; NULL: the recipe's URLs */
	const char *scratch; /* directory for locks and the compressed layer while it is on its way; made when missing */
	enum toolchain_how how;
	bool again;	 /* make it also when it is there */
	struct log *log; /* warnings, such as an expired Release that the recipe accepts; may be NULL */
	/* One line of progress at a time ("installing packages"), for a status line; may be NULL. Same thread. */
	void (*progress)(void *context, const char *line);
	void *context;
	const struct cancel *cancel; /* may be NULL */
};

/* Makes the image and loads it, unless it is there already, maybe by another process just now (a lock in scratch keeps it to one at
 * a time). After loading, the engine's layers are compared with ours (ERR_CHECK). Mirrors are tried in order; when all fail, the
 * message holds the last lines of the last one's failure. Cancelled: nothing stays mounted, running or in scratch. */
must_check int toolchain_make(struct engine *engine, const struct recipe *recipe, const struct toolchain_options *options,
			      struct toolchain_image *ret, struct err *e);
/* toolchain_find, then toolchain_make. */
must_check int toolchain_ensure(struct engine *engine, const struct recipe *recipe, const struct toolchain_options *options,
				struct toolchain_image *ret, struct err *e);

#endif
