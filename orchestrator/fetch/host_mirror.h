/* Which repositories this machine's own package manager is set to. Read at run time, never written anywhere. */
#ifndef ORCHESTRATE_FETCH_HOST_MIRROR_H
#define ORCHESTRATE_FETCH_HOST_MIRROR_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"

/* Appends the base URLs of apt's repositories (no trailing slash, no duplicates, apt's order) out of what
 * `apt-get indextargets --format '$(REPO_URI)'` printed. Only http, https and file; cdrom:, copy:, mirror+... are passed over. */
must_check int host_mirror_parse(const char *text, struct strv *ret, struct err *e);
/* Asks apt-get. No apt-get, or one that fails, is no error: nothing is appended, and the log (debug) says why. */
must_check int host_mirror_ask(struct strv *ret, struct log *log, const struct cancel *cancel, struct err *e);
/* ID of an os-release(5) text, unquoted; "linux" (the default of os-release(5)) when it has none. NULL when out of memory. Caller
 * frees. */
char *os_release_id(const char *text, struct err *e);
/* ID of this machine, from /etc/os-release, else /usr/lib/os-release. NULL when out of memory. Caller frees. */
char *host_os_id(struct err *e);

#endif
