/* Sources and headers that are published as plain tar archives, in whatever they are compressed with. */
#ifndef ORCHESTRATE_PACKAGE_TAR_H
#define ORCHESTRATE_PACKAGE_TAR_H

#include "base/err.h"

struct source;

/* package_format.open: the tar (POSIX pax, ustar, GNU), out of gz, xz, zst, bz2 or nothing, whatever the file is called. One
 * thread: the compression is found out by the first bytes (stream/decompress_source.h). That it is a tar at all is seen when its
 * members are read. More than what a kernel's packages may hold: ERR_LIMIT. */
struct source *tar_open(struct source *package, unsigned threads, struct err *e);

#endif
