/* Images in the engine. `ref` is a name with or without tag or digest, or an image id. */
#ifndef ORCHESTRATE_ENGINE_IMAGE_H
#define ORCHESTRATE_ENGINE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/engine.h"
#include "stream/sink.h"
#include "stream/source.h"

/* {0} is empty. What the engine does not say is NULL or empty. */
struct engine_image {
	char *id; /* "sha256:<hex>": of the config, or of the manifest where the engine keeps images in containerd; compare layers,
		     not ids */
	char *os, *arch, *user, *workdir;
	uint64_t size_bytes;
	struct strv tags;	/* "name:tag" */
	struct strv layers;	/* diff_ids, "sha256:<hex>", lowest first; inspect only */
	struct strv labels;	/* "key=value", sorted bytewise */
	struct strv env;	/* "KEY=value"; inspect only */
	struct strv entrypoint; /* inspect only */
	struct strv cmd;	/* inspect only */
};

void engine_image_release(struct engine_image *image);
#define cleanup_engine_image __attribute__((cleanup(engine_image_release)))

struct engine_images {
	struct engine_image *items;
	size_t len;
};

void engine_images_release(struct engine_images *images);
#define cleanup_engine_images __attribute__((cleanup(engine_images_release)))

/* Not there: ERR_NOT_FOUND. *ret must be {0}; caller releases. */
must_check int engine_image_inspect(struct engine *engine, const char *ref, struct engine_image *ret, struct err *e);
/* Loads an archive (docker save format, OCI layout or both in one; an uncompressed tar) pulled from `archive` (borrowed). ret_names
 * (may be NULL) gets "name:tag", or "sha256:..." for images without a name, as the engine reports them. An error that the engine
 * puts into its answer, though the status says 200, is ERR_FAILED. Old engines report nothing for some damage: inspect afterwards
 * and compare the layers. */
must_check int engine_image_load(struct engine *engine, struct source *archive, struct strv *ret_names, struct err *e);
/* Writes the archive of one image to `to` (borrowed, not finished). An archive without its end marker, or cut: ERR_CORRUPT. */
must_check int engine_image_export(struct engine *engine, const char *ref, struct sink *to, struct err *e);
/* Gives the image one more name; `name` is "name:tag" ("latest" when there is no tag). */
must_check int engine_image_tag(struct engine *engine, const char *ref, const char *name, struct err *e);
/* Removes the name, and the image with its last name. Not there is success. Used by a container: ERR_CONFLICT unless force. */
must_check int engine_image_remove(struct engine *engine, const char *ref, bool force, struct err *e);
/* Pulls from the registry in the name (a name without tag or digest means its "latest"). registry_auth: base64url JSON as for
 * X-Registry-Auth, NULL: anonymous. Progress goes to the engine's log (debug). */
must_check int engine_image_pull(struct engine *engine, const char *ref, const char *registry_auth, struct err *e);
/* All images that carry the label ("key" or "key=value"). *ret must be {0}; caller releases. */
must_check int engine_image_list(struct engine *engine, const char *label, struct engine_images *ret, struct err *e);

#endif
