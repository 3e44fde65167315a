/* The files in one package, one after the other, with checked names: what may reach a tree at all is decided here. */
#ifndef ORCHESTRATE_PACKAGE_MEMBER_H
#define ORCHESTRATE_PACKAGE_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

struct source;

enum {
	MEMBER_PATH_MAX = 1024,
	MEMBER_DEPTH_MAX = 64,
	MEMBER_COUNT_MAX = 400 * 1000, /* over all packages of one kernel */
};
#define MEMBER_BYTES_MAX ((uint64_t)2 << 30) /* unpacked, over all packages of one kernel */

enum member_kind { MEMBER_FILE, MEMBER_DIRECTORY, MEMBER_SYMLINK, MEMBER_HARDLINK };

struct member {
	enum member_kind kind;
	char path[MEMBER_PATH_MAX];   /* plain (path_is_plain): no leading "./", no trailing slash */
	char target[MEMBER_PATH_MAX]; /* MEMBER_HARDLINK: a member path. MEMBER_SYMLINK: relative, its "../" all in front, stays
					 inside the tree */
	bool executable;
	int64_t mtime; /* seconds, 0 to 2^33-1 (what ustar holds) */
	uint64_t size; /* bytes; 0 for all but files */
};

/* What all packages of a kernel may add up to; {0} at the start. */
struct member_totals {
	uint64_t bytes, count;
};

struct member_reader;

/* archive (package_open) is taken over, also on failure (NULL). totals is borrowed and must outlive the reader. */
struct member_reader *member_reader_new(struct source *archive, struct member_totals *totals, struct err *e);
void member_reader_free(struct member_reader *r);

/* True when the archive turned out to hold no byte at all (member_next calls that ERR_CORRUPT). */
bool member_reader_saw_nothing(const struct member_reader *r);

DEFINE_CLEANUP(member_reader, struct member_reader, member_reader_free)

/* 1 = member, 0 = end (the whole package has been read), -1 = error, and the reader is unusable.
 * ERR_HOSTILE: absolute names, "..", names with control bytes, links that leave the tree, devices, FIFOs, sockets.
 * ERR_LIMIT: names too long or deep, totals. ERR_CORRUPT: sparse files, no end-of-archive marker, damage.
 * An absolute symlink target is taken as absolute within the tree and made relative; setuid and the like are dropped. */
must_check int member_next(struct member_reader *r, struct member *ret, struct err *e);
/* The next piece of the current file's body, borrowed until the next call: 1 piece, 0 end, -1 error. */
must_check int member_data(struct member_reader *r, const void **ret_bytes, size_t *ret_len, struct err *e);
/* Appends the rest of the current file's body, which must be known to be of bearable size. */
must_check int member_read(struct member_reader *r, struct buf *b, struct err *e);

#endif
