/* The output tree: <dir>/kernel-modules with an object or a marker per kernel and kind, and <dir>/failures with the logs of
 * what did not work out. Names are a contract with users (README, "The output tree"). One run at a time: opening takes a
 * lock. Everything appears under its name whole or not at all. Files in it are copies: users may do with them what they want,
 * nothing of it comes back into the artifact store. */
#ifndef ORCHESTRATE_BUILD_OUTPUT_H
#define ORCHESTRATE_BUILD_OUTPUT_H

#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "kernel/kind.h"

struct output;

enum output_use {
	OUTPUT_FILL, /* this probe's objects of another module version go first: they would pass for this version's */
	OUTPUT_READ, /* such a tree is ERR_INPUT */
};

/* Makes what is missing, takes the lock (ERR_CONFLICT when another run holds it), removes what a killed run left half-written.
 * probe_name is the prefix of the objects. An object or marker that does not begin with `<probe_name>-` is another probe's:
 * ERR_INPUT, and nothing is removed. */
must_check int output_open(const char *dir, const char *probe_name, const char *module_version, enum output_use use,
			   struct log *log, struct output **ret, struct err *e);
void output_free(struct output *o);
/* Borrowed: the path of kernel-modules. */
const char *output_modules_dir(const struct output *o);

/* Publishes a copy of the object (a gzip file; `from` is open for reading, its position does not matter) for this kernel and kind,
 * and removes a marker and an old failure log. The copy has the original's time stamp. It is left alone while size and time stamp
 * are the original's, so that writing to it is undone and a copy that is there costs a stat. Thread-safe, as are all below. */
must_check int output_put_object(struct output *o, const char *kernel, enum probe_kind_id kind, int from, struct err *e);
/* Publishes the zero-byte marker that this kernel can't have this kind. */
must_check int output_put_unavailable(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e);
/* Takes object and marker away: what failed now must not be represented by something older. */
must_check int output_withdraw(struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e);
/* Writes the log of a failure; *ret_path (caller frees) is where it went. */
must_check int output_put_failure(struct output *o, const char *kernel, enum probe_kind_id kind, const char *text, size_t len,
				  char **ret_path, struct err *e);
/* Writes kernel-modules/MODULE_VERSION.txt. */
must_check int output_put_version(struct output *o, struct err *e);
/* File name below kernel-modules: `<probe>-<kernel>.ko.gz` or `<probe>-ebpf-<kernel>.o.gz`. NULL when out of memory. Caller frees.
 */
char *output_object_name(const char *probe_name, const char *kernel, enum probe_kind_id kind, struct err *e);
/* Where output_put_unavailable puts its marker. NULL when out of memory. Caller frees. */
char *output_marker_path(const struct output *o, const char *kernel, enum probe_kind_id kind, struct err *e);

#endif
