/* The options that `build` and `image` share. */
#ifndef ORCHESTRATE_CMD_IMAGE_OPTIONS_H
#define ORCHESTRATE_CMD_IMAGE_OPTIONS_H

#include <stdint.h>

#include "build/base_image.h"
#include "cmd/context.h"

struct image_options {
	const char *output, *probe, *base, *archive; /* NULL: the default */
};

/* --output, --probe, --base, --archive. */
extern const struct option_def image_option_table[];
/* Caller frees; NULL with *e. */
char *image_output_dir(const struct image_options *o, const struct context *c, struct err *e);
/* $SOURCE_DATE_EPOCH (reproducible-builds.org), 0 without. */
int64_t image_epoch(void);

/* Makes the image; its name and id go to stdout. */
must_check int image_make_and_print(const struct base_image_options *options, struct err *e);

#endif
