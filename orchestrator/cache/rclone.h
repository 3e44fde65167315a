/* rclone(1), run as a program: names go in by its stdin, what it does comes back as the JSON lines of its log (--use-json-log).
 * Internal to cache. */
#ifndef ORCHESTRATE_CACHE_RCLONE_H
#define ORCHESTRATE_CACHE_RCLONE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/log.h"

struct rclone {
	struct log *log;
	const struct cancel *cancel;
	struct strv secrets;	 /* texts that must not be seen: replaced by `...` in whatever rclone says */
	struct strv environment; /* what it is started with */
};

/* Takes the environment of this process. */
must_check int rclone_init(struct rclone *r, struct log *log, const struct cancel *cancel, struct err *e);
void rclone_release(struct rclone *r);

/* All are called in the calling thread; any may be NULL. */
struct rclone_events {
	void (*copied)(void *context, const char *name); /* one file is whole at its destination */
	void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
	int (*line)(void *context, char *line, struct err *e); /* of stdout; -1 ends the program */
	/* What came of a file is not what its store says of it (its md5, its size), and was dropped. Comes with every attempt, of
	 * which a later one may succeed. Where this is given and nothing else went wrong the run counts as good. */
	void (*damaged)(void *context, const char *name, const char *why);
	void *context;
};

/* Runs `rclone ARGUMENTS... --common-options`. names: given on stdin, one a line (`--files-from-raw -`); NULL: none. 0 it did what
 * was asked for; 1 the directory to read is not there; -1: ERR_FAILED with what rclone said last (some files may have been
 * copied all the same), ERR_CANCELLED, or rclone is not installed (ERR_FAILED, too). */
must_check int rclone_run(const struct rclone *r, const char *const arguments[], const struct strv *names,
			  const struct rclone_events *events, struct err *e);
/* Replaces the secrets in text; NULL when out of memory. Caller frees. */
char *rclone_clean(const struct rclone *r, const char *text, struct err *e);

#endif
