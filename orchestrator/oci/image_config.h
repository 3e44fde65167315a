/* Inside oci: an image made from a config that already exists. */
#ifndef ORCHESTRATE_OCI_IMAGE_CONFIG_H
#define ORCHESTRATE_OCI_IMAGE_CONFIG_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "oci/image.h"

static inline void json_drop(json_t *j)
{
	json_decref(j);
}

DEFINE_CLEANUP(json, json_t, json_drop)

/* An image with this config (an object; a copy is taken) and these layers, one per diff_id (copied). What describes the container
 * that the base was committed from is left out; a history shorter than the layers is filled up. ERR_CORRUPT when the config is no
 * image config. */
must_check int oci_image_adopt(const json_t *config, const struct layer *layers, size_t count, int64_t epoch,
			       struct oci_image **ret, struct err *e);
/* "sha256:<hex>" as a JSON string. NULL when out of memory. */
json_t *json_digest(const struct digest *d);
/* The digest in a JSON string "sha256:<hex>"; anything else: ERR_CORRUPT. */
must_check int json_to_digest(const json_t *j, struct digest *ret, struct err *e);

#endif
