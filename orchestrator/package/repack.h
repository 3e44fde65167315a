/* Packages that are no archives, made into a tar (gzip, as package/tar.h reads it) in the filter process: disk images, of which a
 * part is taken, and single files. */
#ifndef ORCHESTRATE_PACKAGE_REPACK_H
#define ORCHESTRATE_PACKAGE_REPACK_H

#include "base/err.h"
#include "package/image_rules.h"
#include "stream/filter.h"

enum { REPACK_FILE_MAX = 16 << 20 };

/* Starts `filter repack image`. package_fd: open for reading, read from its start. scratch_fd: an empty file, open for reading and
 * writing, that will have room for the whole image. The tar goes to out_fd. All stay the caller's. program as for filter_start.
 * filter_wait gives the verdict: until it says 0, what came out is not to be trusted to be whole. */
must_check int repack_image_start(const char *program, int package_fd, const char *name, const struct image_rules *rules,
				  int scratch_fd, int out_fd, struct filter **ret, struct err *e);
/* The same for a file (at most REPACK_FILE_MAX bytes, out of whatever it is compressed with) that belongs at `path`. */
must_check int repack_file_start(const char *program, int package_fd, const char *name, const char *path, int out_fd,
				 struct filter **ret, struct err *e);

/* --- inside the filter process; argv[0] is the filter's name --- */

/* repack image RULES-JSON NAME: package on descriptor 3, scratch file on 4, tar on 1.
 * repack file PATH NAME: package on descriptor 3, tar on 1. */
must_check int repack_filter_run(int argc, char **argv, struct err *e);

#endif
