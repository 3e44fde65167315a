/* The archive that every engine loads: one uncompressed, deterministic tar that is an OCI image layout (oci-layout, index.json,
 * blobs/sha256/...) and also carries Docker's manifest.json, whose Config and Layers name the same blobs.
 * Formats: OCI image-spec, image-layout.md; Docker image-spec v1.2. */
#ifndef ORCHESTRATE_OCI_ARCHIVE_H
#define ORCHESTRATE_OCI_ARCHIVE_H

#include <stdint.h>

#include "base/err.h"
#include "oci/image.h"
#include "stream/sink.h"
#include "stream/source.h"

/* The archive's bytes, made while they are read (no copy on disk or in memory). tags: NULL-terminated `name:tag`, may be empty;
 * one that is no valid reference: ERR_USAGE. The image may be freed before the source; the layers' blobs must stay. A blob that has
 * not its size any more: ERR_CORRUPT when it is reached. NULL with *e on failure. */
struct source *oci_archive_open(const struct oci_image *image, const char *const tags[], struct err *e);
/* The same, pushed; does not finish `to`. */
must_check int oci_archive_write(const struct oci_image *image, const char *const tags[], struct sink *to, struct err *e);
/* 0 when ref is `name:tag` as engines take it (lower-case path parts, optional registry host), else -1 with ERR_USAGE. */
must_check int oci_tag_check(const char *ref, struct err *e);

#endif
