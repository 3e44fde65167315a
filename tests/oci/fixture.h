/* Tars made and read by libarchive directly, as an engine would see them. */
#ifndef TESTS_OCI_FIXTURE_H
#define TESTS_OCI_FIXTURE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/buf.h"
#include "stream/digest.h"

struct item {
	const char *path;
	mode_t type; /* AE_IF*; 0: hard link to `text` */
	mode_t mode;
	const char *text; /* body or link target */
	int uid;
	long mtime;
};

/* Appends a pax tar of the items to *to. */
void make_tar(struct buf *to, const struct item *items, size_t count);
/* One line a member, "type mode uid/gid[uname] mtime size path[ -> target]", of the tar (in any compression) in a file. Caller
 * frees. */
char *list_tar(const char *path);
/* The same, of bytes. */
char *list_tar_bytes(const struct buf *bytes);
/* The body of one member of the tar in bytes. Caller frees; NULL when it is not there. */
char *member_text(const struct buf *tar, const char *path);
/* Of what the gzip file holds. */
struct digest gunzipped_digest(const char *path);
/* Number of files in a directory, temporary ones too. */
size_t count_files(const char *dir);

#endif
