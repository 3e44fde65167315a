/* Packages handled in the filter process: the side of the program that starts it, and the side that runs in it. */
#ifndef ORCHESTRATE_PACKAGE_UNPACK_H
#define ORCHESTRATE_PACKAGE_UNPACK_H

#include <stddef.h>

#include "base/cancel.h"
#include "base/err.h"
#include "package/facts.h"
#include "package/tree_rules.h"
#include "stream/filter.h"

enum { UNPACK_PACKAGES_MAX = 16, UNPACK_CAPTURES_FD = 3 + UNPACK_PACKAGES_MAX };

/* package_fds: open for reading, in unpacking order; regular files are read by pread from offset 0, so several filters may share
 * one; they stay the caller's. names go into messages. threads: for decoding, at least 1. program: as for filter_start. */

/* Starts `filter tree`: the tar of tree_write goes to out_fd (a pipe, socket or file; stays the caller's, who closes its own copy
 * so that the reader sees the end). filter_wait gives the verdict: until it says 0, what came out is not to be trusted to be whole.
 * rules must be expanded. captures_fd: where captures (package/capture.h) go, open for writing at offset 0; -1: none are
 * wanted. They are whole before the end of the tar comes out. */
must_check int tree_filter_start(const char *program, const int package_fds[], const char *const names[], size_t count,
				 const char *format, unsigned threads, const struct tree_rules *rules, int out_fd, int captures_fd,
				 struct filter **ret, struct err *e);
/* Runs `filter facts` to its end. */
must_check int facts_read(const char *program, const int package_fds[], const char *const names[], size_t count, const char *format,
			  unsigned threads, const char *places, struct facts *ret, const struct cancel *cancel, struct err *e);

/* Runs `filter file`: the bytes of one regular file of the package, by its plain path, go to out_fd (stays the caller's). The rest
 * of the package is not read, so its own digest must have been checked. No such file: ERR_NOT_FOUND. After a failure what came out
 * is not to be used. */
must_check int package_file_extract(const char *program, int package_fd, const char *name, const char *format, unsigned threads,
				    const char *path, int out_fd, const struct cancel *cancel, struct err *e);

/* --- inside the filter process; argv[0] is the filter's name --- */

/* tree FORMAT THREADS RULES-JSON NAME...: packages on descriptors 3 and up, tar on 1, captures on UNPACK_CAPTURES_FD
 * where that is open. */
must_check int tree_filter_run(int argc, char **argv, struct err *e);
/* facts FORMAT THREADS PLACES NAME...: packages on descriptors 3 and up, JSON on 1. */
must_check int facts_filter_run(int argc, char **argv, struct err *e);
/* file FORMAT THREADS PATH NAME: package on descriptor 3, the file's bytes on 1. */
must_check int file_filter_run(int argc, char **argv, struct err *e);

#endif
