/* Reading a foreign image archive, so that layers of ours can go on top of it. */
#ifndef ORCHESTRATE_OCI_BASE_IMAGE_H
#define ORCHESTRATE_OCI_BASE_IMAGE_H

#include <stdint.h>

#include "base/err.h"
#include "oci/image.h"
#include "stream/source.h"

enum {
	OCI_BASE_MEMBERS_MAX = 8192,
	OCI_BASE_JSON_MAX = 4 * 1024 * 1024, /* bytes in a manifest, index or config */
};

struct oci_base_options {
	const char *dir; /* blob directory: what the image needs is spooled there, the rest is removed again */
	const char
		*ref; /* which image, by tag ("x:1") or ref.name annotation, where the archive holds several; NULL: the only one */
	const char *architecture; /* which platform of a multi-platform archive, and what the image must be ("amd64") */
	int64_t epoch;		  /* for what is added on top, as in oci_image_new */
	uint64_t size_max;	  /* bytes of the whole archive; 0: 32 GiB */
};

/* Reads an OCI archive (oci-layout, index.json) or a `docker save` archive (manifest.json), plain or compressed as a whole, from a
 * borrowed source. *ret is an image with the base's config, layers (passed through byte for byte, whatever their compression) and
 * history.
 * Checked: member paths, sizes, each blob against its digest, uncompressed layers against their diff_id, number of diff_ids against
 * number of layers. Compressed layers are not unpacked here: an engine compares their diff_ids when it loads them.
 * ERR_CORRUPT, ERR_HOSTILE, ERR_LIMIT; no such ref or platform: ERR_NOT_FOUND. */
must_check int oci_base_open(struct source *archive, const struct oci_base_options *options, struct oci_image **ret, struct err *e);

#endif
