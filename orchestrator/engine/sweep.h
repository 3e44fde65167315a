/* What a killed run left behind. Each container carries whose it is:
 *   org.orchestrate.run      engine_run_id
 *   org.orchestrate.role     what it is for
 *   org.orchestrate.pid      our process
 *   org.orchestrate.started  its start time, field 22 of /proc/PID/stat (proc(5)): a pid alone may be somebody else by now
 *   org.orchestrate.pidns    the process-id namespace in which that pid means something (two CI jobs in containers on one engine)
 *   org.orchestrate.boot     boot id of the kernel beneath
 *   org.orchestrate.host     machine id and node name: an engine may be shared by hosts */
#ifndef ORCHESTRATE_ENGINE_SWEEP_H
#define ORCHESTRATE_ENGINE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/engine.h"

#define SWEEP_LABEL "org.orchestrate."

/* Adds this process' labels ("key=value") to *labels. */
must_check int sweep_labels(const struct engine *engine, const char *role, struct strv *labels, struct err *e);
/* Whether the process in the labels ("key=value") is gone for sure. Labels that are missing, of another host or namespace: false.
 */
bool sweep_is_stale(const struct strv *labels);
/* Removes the containers of runs that are gone. *ret_count (may be NULL): how many. One that can't be removed is logged and does
 * not stop the rest. Not stopped by the engine's cancel. */
must_check int engine_sweep(struct engine *engine, size_t *ret_count, struct err *e);
/* Removes every container of this run: for the end, also after Ctrl-C. */
must_check int engine_sweep_own(struct engine *engine, size_t *ret_count, struct err *e);

#endif
