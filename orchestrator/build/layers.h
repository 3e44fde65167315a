/* The output tree cut into layers, and the store that keeps them from run to run. */
#ifndef ORCHESTRATE_BUILD_LAYERS_H
#define ORCHESTRATE_BUILD_LAYERS_H

#include "base/err.h"
#include "oci/image.h"

enum { LAYERS_BUCKETS = 16, LAYERS_KEPT_DAYS = 30 };

/* Adds the tree's files below /kernel-modules to the image. First a layer with the directory and what belongs to no kernel
 * (MODULE_VERSION.txt), then up to LAYERS_BUCKETS layers: a file goes where the digest of its name without prefix and suffix, that
 * is the kernel's id, says. store: directory that keeps finished layers by what went into them. Only objects, markers and the
 * version file are taken; anything else in the directory is ERR_INPUT. An empty tree: ERR_NOT_FOUND. */
must_check int layers_add_tree(struct oci_image *image, const char *modules_dir, const char *probe_name, const char *store,
			       int64_t epoch, size_t *ret_files, struct err *e);
/* Removes from the store what no image has used for LAYERS_KEPT_DAYS. */
must_check int layers_sweep(const char *store, struct err *e);

#endif
