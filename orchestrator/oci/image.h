/* oci: layers, images and archives of images as files and bytes (OCI image-spec 1.0; Docker image-spec 1.2 for what `docker load`
 * wants). Everything is byte-stable: same layers and settings, same image id.
 * It knows no engine and no registry: it hands out a source of bytes, and others carry it. */
#ifndef ORCHESTRATE_OCI_IMAGE_H
#define ORCHESTRATE_OCI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/layer.h"
#include "stream/digest.h"

enum { OCI_LAYERS_MAX = 125 }; /* Docker refuses more */

#define OCI_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_MEDIA_CONFIG   "application/vnd.oci.image.config.v1+json"
#define OCI_MEDIA_INDEX	   "application/vnd.oci.image.index.v1+json"

/* An image in the making: a config, and layers in order. */
struct oci_image;

/* An empty Linux image. architecture: Go's word for it ("amd64"). epoch: seconds since 1970, becomes `created` of the image and of
 * the history entries added here. NULL with *e when out of memory. */
struct oci_image *oci_image_new(const char *architecture, int64_t epoch, struct err *e);
void oci_image_free(struct oci_image *image);

DEFINE_CLEANUP(oci_image, struct oci_image, oci_image_free)

/* Setters replace what was there (also what came from a base). */
must_check int oci_image_set_cmd(struct oci_image *image, const char *const argv[], struct err *e);
must_check int oci_image_set_env(struct oci_image *image, const char *name, const char *value, struct err *e);
must_check int oci_image_set_label(struct oci_image *image, const char *key, const char *value, struct err *e);
must_check int oci_image_set_workdir(struct oci_image *image, const char *path, struct err *e);
/* Puts a copy of l on top; its blob must stay until the archive has been written. Layer 126: ERR_LIMIT. */
must_check int oci_image_add_layer(struct oci_image *image, const struct layer *l, struct err *e);

size_t oci_image_layer_count(const struct oci_image *image);
/* i < count. Borrowed. */
const struct layer *oci_image_layer(const struct oci_image *image, size_t i);
/* Borrowed ("amd64"). */
const char *oci_image_architecture(const struct oci_image *image);

/* The image as JSON: compact, keys sorted. */
struct oci_json {
	char *config, *manifest;     /* NUL-terminated, owned */
	struct digest config_digest; /* the image id, as engines with a classic image store show it */
	struct digest manifest_digest;
};

must_check int oci_image_render(const struct oci_image *image, struct oci_json *ret, struct err *e);
void oci_json_release(struct oci_json *j);

#define cleanup_oci_json __attribute__((cleanup(oci_json_release)))

/* Shorthand: the config's digest. */
must_check int oci_image_id(const struct oci_image *image, struct digest *ret, struct err *e);

#endif
