/* Debian packages, deb(5): an ar archive of debian-binary ("2.<minor>"), control.tar[.*] and data.tar[.*] in this order. */
#ifndef ORCHESTRATE_PACKAGE_DEB_H
#define ORCHESTRATE_PACKAGE_DEB_H

#include "base/err.h"

struct source;

/* The tar in data.tar (none, gz, xz, zst, bz2, lzma), decompressed, as a source; nothing is held whole. Takes package over, also on
 * failure (NULL). Strict: order and presence of the members, version 2. Members before data.tar that start with "_" are skipped,
 * and so is whatever member follows it, as deb(5) asks. The end is reported only after the rest of the package has been walked, so
 * a package that ends early never looks whole. Another format version, wrong order, missing member, truncation, damage:
 * ERR_CORRUPT. */
struct source *deb_open(struct source *package, unsigned threads, struct err *e);

#endif
