/* The package formats, and the way from a package's bytes to the tar (or cpio) of the files in it. */
#ifndef ORCHESTRATE_PACKAGE_FORMAT_H
#define ORCHESTRATE_PACKAGE_FORMAT_H

#include <stddef.h>

#include "base/err.h"

struct source;

struct package_format {
	const char *name;  /* as descriptors say it */
	const char *magic; /* first bytes of every such package; "": they differ */
	size_t magic_len;
	/* The archive of the package's files as a source. Takes package over, also on failure (NULL). threads: what a threaded
	 * decoder may use. */
	struct source *(*open)(struct source *package, unsigned threads, struct err *e);
};

/* Borrowed, static. Unknown name: NULL with ERR_INPUT and the formats there are. */
const struct package_format *package_format_find(const char *name, struct err *e);
/* Checks the magic, then opens. Takes package over, also on failure (NULL). Something else (an error page, say): ERR_CORRUPT. */
struct source *package_open(const struct package_format *format, struct source *package, unsigned threads, struct err *e);

#endif
