/* Packages of one kernel -> one normalised tar. */
#ifndef ORCHESTRATE_PACKAGE_TREE_H
#define ORCHESTRATE_PACKAGE_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct capture_writer;
struct package_format;
struct sink;
struct source;
struct tree_rules;

/* What went in and out, for logs and benchmarks. */
struct tree_counts {
	uint64_t members_in, bytes_in; /* bytes: bodies of files */
	uint64_t members_out, bytes_out;
};

/* Writes the files of all packages, in order, as one tar (ustar; pax headers only where ustar cannot say it) to out and finishes
 * out. The same packages and rules give the same bytes: uid and gid 0, no names, modes 0755 and 0644, mtime in whole seconds, every
 * directory once and before what is in it.
 * Packages (each taken over, also on failure) are read front to back; nothing is held but the names, and small files with rewrites.
 * A path that comes again: a file replaces a file and a symlink a symlink, as unpacking in order would have it; any other change of
 * type, and any member below a symlink, is ERR_HOSTILE. A hard link must name a file that was written before, else ERR_HOSTILE.
 * With TREE_DROP_DANGLING_LINKS symlinks come behind everything else, in the order of the packages.
 * captures (may be NULL) gets what package/capture.h names, as it is in the packages, also where the rules leave it out of the
 * tree; it is finished before the tar is. Other errors as member_next. ret (may be NULL) is filled on success. */
must_check int tree_write(struct source *const packages[], const char *const names[], size_t count,
			  const struct package_format *format, unsigned threads, const struct tree_rules *rules, struct sink *out,
			  struct capture_writer *captures, struct tree_counts *ret, struct err *e);

#endif
