/* .rpm packages: a lead, two header sections, and a cpio archive of the files, compressed with gz, xz, zst, bz2 or lzma
 * (rpm-lead(7) and "Package format" in rpm's reference manual). libarchive knows where the payload begins; what the headers say is
 * of no use here. */
#ifndef ORCHESTRATE_PACKAGE_RPM_H
#define ORCHESTRATE_PACKAGE_RPM_H

#include "base/err.h"

struct source;

/* package_format.open: the cpio archive. libarchive's decoders have no threads. */
struct source *rpm_open(struct source *package, unsigned threads, struct err *e);

#endif
