/* The base image: what stands in the output tree, as layers, as an archive, in the engine. */
#ifndef ORCHESTRATE_BUILD_BASE_IMAGE_H
#define ORCHESTRATE_BUILD_BASE_IMAGE_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"
#include "build/events.h"
#include "stream/digest.h"

struct engine;

struct base_image_options {
	const char *modules_dir;    /* the tree's kernel-modules */
	const char *probe_name;	    /* the image is called <probe>-base */
	const char *module_version; /* its tag, besides latest */
	const char *cache_dir;	    /* finished layers are kept below <cache_dir>/layers */
	const char *architecture;   /* "amd64" */
	const char *base;	    /* on top of what: an archive's path, or an image in the engine; NULL: nothing */
	const char *archive;	    /* also write the archive to this file; NULL: don't */
	struct engine *engine;	    /* NULL: load nothing; then there must be an archive */
	int64_t epoch;		    /* SOURCE_DATE_EPOCH */
	struct log *log;
	const struct listener *listener;
};

/* What was made. Strings are owned. */
struct base_image {
	char *ref; /* "collector-base:1.2.0" */
	char id[DIGEST_HEX + 1];
};

/* Assembles and loads. The files are spread over layers by the digest of their kernel's name, so that a new kernel changes one
 * layer. The same tree gives the same image id. After loading, the engine's layers are compared with ours: ERR_CHECK when they
 * differ. What the engine has already under this id is not loaded again. */
must_check int base_image_make(const struct base_image_options *options, struct base_image *ret, struct err *e);
/* Whether there is such a base (file, or image in the engine), and a place for the archive: to be asked before hours of building.
 * NULLs are fine. ERR_USAGE. */
must_check int base_image_check(const char *base, const char *archive, struct engine *engine, struct err *e);
void base_image_release(struct base_image *image);

#endif
