/* A task's verdict made visible: in the output tree, and to the listener. */
#ifndef ORCHESTRATE_BUILD_PUBLISH_H
#define ORCHESTRATE_BUILD_PUBLISH_H

#include "build/build_log.h"
#include "build/job.h"
#include "build/output.h"
#include "cache/artifact.h"

/* Puts the object or marker of a task that has ended into the tree, or withdraws it and writes the failure's log, and sends
 * EVENT_TASK_DONE. What goes wrong here makes the task failed. log: what the build printed; may be NULL. */
void publish_task(struct output *output, struct artifact_store *artifacts, const struct listener *listener, struct job *job,
		  enum probe_kind_id kind, const struct build_log *log);

#endif
