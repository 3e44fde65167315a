/* The display: what a run tells, on stderr, as a live view, as lines, or as JSON. */
#ifndef ORCHESTRATE_CMD_PROGRESS_H
#define ORCHESTRATE_CMD_PROGRESS_H

#include "base/err.h"
#include "base/log.h"
#include "build/events.h"

enum progress_mode { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };

struct progress;

must_check int progress_mode_parse(const char *name, enum progress_mode *ret, struct err *e);
/* AUTO is a live view where stderr is a terminal that can do it, else plain lines. */
must_check int progress_new(enum progress_mode mode, struct progress **ret, struct err *e);
/* Takes the live view away first. NULL is fine. */
void progress_free(struct progress *p);
/* Both thread-safe. */
void progress_event(struct progress *p, const struct event *event);
void progress_log(struct progress *p, enum log_level level, const char *line);
/* The end of a run: counts, and of each failure its reason, last lines and log. */
void progress_summary(struct progress *p, double seconds);

#endif
