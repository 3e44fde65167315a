/* Images made by the engine out of a Dockerfile (POST /build, the engine's own classic builder). */
#ifndef ORCHESTRATE_ENGINE_IMAGE_BUILD_H
#define ORCHESTRATE_ENGINE_IMAGE_BUILD_H

#include <stdbool.h>

#include "base/err.h"
#include "engine/engine.h"
#include "stream/source.h"

/* Nothing here is owned. Lists end with NULL, and may be NULL. */
struct image_build_spec {
	struct source *context;	   /* a tar, uncompressed; sent as it is pulled */
	const char *dockerfile;	   /* its path in the context */
	const char *tag;	   /* "name:tag" that the result gets */
	const char *const *args;   /* "KEY=value", for ARG */
	const char *const *labels; /* "key=value" */
	bool again;		   /* take no step from the engine's cache */
	/* Each line that the build prints, without its newline, from this thread; may be NULL. */
	void (*line)(void *context, const char *line);
	void *line_context;
};

/* Builds. The network is the engine's usual one, as a Dockerfile that installs packages needs it. A step that fails, or a base that
 * cannot be had, is ERR_FAILED: the engine's words, and behind them the last lines that the build printed. An answer that ends
 * before the engine has named the image it made: ERR_CORRUPT, ERR_TEMPORARY where the connection broke. Cancelled: the engine stops
 * the step and removes its container. What it leaves of a failed build are images without names, its cache. */
must_check int engine_image_build(struct engine *engine, const struct image_build_spec *spec, struct err *e);

/* Asks the registry of an image's name, through the engine and without pulling anything, what its tag stands for now:
 * "sha256:<hex>" of the manifest, of the list of them where the image has several platforms. Caller frees. Not there, or not for us
 * to see: ERR_NOT_FOUND, ERR_PROTOCOL. */
must_check int engine_registry_digest(struct engine *engine, const char *ref, char **ret, struct err *e);

#endif
