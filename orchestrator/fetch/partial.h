/* A download in the making that survives the death of its process: `PATH`, with `PATH.from` beside it, which says from where its
 * bytes are (two lines of text: where from, and the ETag or Last-Modified that the server gave). Held under an flock(2), so that of
 * two processes on one path only one writes. */
#ifndef ORCHESTRATE_FETCH_PARTIAL_H
#define ORCHESTRATE_FETCH_PARTIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Embedded; {.fd = -1} is empty. */
struct partial {
	int fd;	       /* read and write by offset; -1: none */
	uint64_t size; /* bytes that are there */
	char *path;
	char *url, *validator; /* of PATH.from; NULL: not known, or the server gave none */
	bool private;	       /* no lock to be had on this file system: a file of our own, gone with release */
};

/* Opens or creates. Another process has it: ERR_CONFLICT, come back later. */
must_check int partial_open(struct partial *p, const char *path, struct err *e);
/* Notes where the bytes come from: a text that is the same for the same URL, without secrets (url_origin). validator may be NULL.
 */
must_check int partial_note(struct partial *p, const char *url, const char *validator, struct err *e);
/* Starts anew with an empty file (a new one: whoever holds the old one open keeps what he had). */
must_check int partial_restart(struct partial *p, struct err *e);
/* fsync, mode, rename to target, fsync of the directory; replaces a target that is there. Released either way; on failure the file
 * stays. */
must_check int partial_commit(struct partial *p, const char *target, mode_t mode, struct err *e);
/* Removes the file and releases. Harmless on an empty one. */
void partial_discard(struct partial *p);
/* Closes; what is there stays for the next time, an empty file goes. Harmless on an empty one. */
void partial_release(struct partial *p);

#define cleanup_partial __attribute__((cleanup(partial_release)))

#endif
