/* Files: reading small ones whole, and replacing them so that a reader never sees half of one. */
#ifndef ORCHESTRATE_BASE_FILE_H
#define ORCHESTRATE_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* a/b with exactly one slash between; an absolute b wins. NULL when out of memory. Caller frees. */
char *path_join(const char *a, const char *b, struct err *e);
/* After the last slash; the whole path when there is none. Borrowed. */
const char *path_base(const char *path);
/* True for a relative path without `.`, `..`, empty parts, control bytes or a trailing slash: safe below a directory. */
bool path_is_plain(const char *path);
/* mkdir -p, mode 0777 less umask. An existing directory is success. */
must_check int path_make_dirs(const char *path, struct err *e);
/* Removes a file or a whole tree without following links; nothing there is success. */
must_check int path_remove(const char *path, struct err *e);
/* 1 there, 0 not there, -1 could not tell. */
must_check int path_exists(const char *path, struct err *e);

/* Appends the file's bytes to *b. More than max bytes: ERR_LIMIT. Missing: ERR_NOT_FOUND. */
must_check int file_read(const char *path, size_t max, struct buf *b, struct err *e);
/* Opens read-only, O_CLOEXEC; -1 with ERR_NOT_FOUND when missing. Caller closes. */
must_check int file_open(const char *path, struct err *e);
/* Loops over short writes and EINTR. */
must_check int fd_write_all(int fd, const void *bytes, size_t len, struct err *e);
must_check int fd_set_nonblocking(int fd, struct err *e);
/* pipe2(O_CLOEXEC). */
must_check int fd_pipe(int ret_fds[2], struct err *e);

/* A file in the making: written under a temporary name beside its place, visible only after commit. */
struct newfile {
	int fd; /* write here */
	char *path, *temporary;
};

/* The temporary name starts with a dot and ends in ".partial", so that sweeps know it. mode is as for open(2). */
must_check int newfile_open(struct newfile *f, const char *path, mode_t mode, struct err *e);
/* fsync, close, rename into place, fsync of the directory. On failure nothing is left behind. Released either way. */
must_check int newfile_commit(struct newfile *f, struct err *e);
/* Gives up: closes and removes the temporary file. Harmless after commit and on {.fd = -1}. */
void newfile_release(struct newfile *f);

#define cleanup_newfile __attribute__((cleanup(newfile_release)))

/* Whole-file replacement by way of a newfile; does nothing when the file already holds just these bytes. */
must_check int file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e);

/* Advisory lock on `path` (created when missing) for the life of the returned descriptor. Held by somebody else:
 * ERR_CONFLICT when !wait. Caller closes. */
must_check int file_lock(const char *path, bool wait, struct err *e);

#endif
