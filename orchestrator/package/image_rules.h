/* What of a disk image belongs to a kernel's tree. */
#ifndef ORCHESTRATE_PACKAGE_IMAGE_RULES_H
#define ORCHESTRATE_PACKAGE_IMAGE_RULES_H

#include "base/buf.h"
#include "base/err.h"

/* Embedded; {0} takes nothing. */
struct image_rules {
	char *partition; /* its label or number; NULL: the image is one file system without partitions */
	struct strv
		take; /* directories in there, plain paths. Links on the way to one are followed; it keeps the name given here */
	struct strv
		leave; /* globs (fnmatch(3), FNM_PATHNAME) on the paths of what is taken: left out, a directory with all in it */
};

void image_rules_release(struct image_rules *rules);
/* One line of JSON, the same for the same rules. NULL on failure. Caller frees. */
char *image_rules_encode(const struct image_rules *rules, struct err *e);
/* The reverse; strict, ERR_INPUT. */
must_check int image_rules_decode(const char *json, struct image_rules *ret, struct err *e);

#define cleanup_image_rules __attribute__((cleanup(image_rules_release)))

#endif
