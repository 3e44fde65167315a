/* Packages made on the spot, byte by byte where a test wants them wrong. */
#ifndef TESTS_PACKAGE_FIXTURE_H
#define TESTS_PACKAGE_FIXTURE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "package/tree_rules.h"

/* One member of a data.tar. */
struct entry {
	const char *path;
	mode_t mode; /* with the type: S_IFREG | 0644 */
	const char *text;
	const char *target; /* of a symlink; with S_IFREG: of a hard link */
	long long mtime;
	size_t len; /* of text; 0: as strlen says */
};

#define MEMBER(path, mode, text, mtime)                                                                                            \
	{                                                                                                                          \
		path, mode, text, NULL, mtime, 0                                                                                   \
	}
#define DIRECTORY(path)	    MEMBER(path, S_IFDIR | 0755, NULL, 0)
#define TEXT(path, text)    MEMBER(path, S_IFREG | 0644, text, 0)
#define SPECIAL(path, type) MEMBER(path, (type) | 0666, NULL, 0)
#define SYMLINK(path, target)                                                                                                      \
	{                                                                                                                          \
		path, S_IFLNK | 0777, NULL, target, 0, 0                                                                           \
	}
#define HARDLINK(path, target)                                                                                                     \
	{                                                                                                                          \
		path, S_IFREG | 0644, NULL, target, 0, 0                                                                           \
	}
#define NO_MORE MEMBER(NULL, 0, NULL, 0)

/* A tar of the entries, up to one without a path. */
void make_tar(const struct entry *entries, struct buf *ret);
/* Compressed by libarchive's filter of that name ("xz", "gzip", "zstd", "bzip2"), or as it is ("none"). */
void compress_as(const struct buf *bytes, const char *filter, struct buf *ret);
/* ar(5): the magic, then members. */
void ar_begin(struct buf *ar);
void ar_add(struct buf *ar, const char *name, const void *bytes, size_t len);
/* A whole package with `data` under the name data_name. */
void make_deb_of(const char *data_name, const struct buf *data, struct buf *ret);
/* A whole package with data.tar.xz. */
void make_deb(const struct entry *entries, struct buf *ret);

/* Runs tree_write over packages that lie in memory; tar goes to *ret. names are "p0", "p1", ... */
int write_tree(const struct buf *packages, size_t count, const struct tree_rules *rules, struct buf *ret, struct err *e);
/* The same for packages of another format. */
int write_tree_of(const char *format_name, const struct buf *packages, size_t count, const struct tree_rules *rules,
		  struct buf *ret, struct err *e);
/* One line a member: `d 0755 1700000000 usr/src`, `f 0644 1 a 5`, `l 0777 0 a -> b`, `h 0644 0 a -> b`; also that uid and gid are
 * 0. */
void list_tar(const struct buf *tar, struct buf *ret);
/* The text of a file in a tar; "" when it is not there. */
void read_tar_file(const struct buf *tar, const char *path, struct buf *ret);

#endif
