/* Where rooms below cmd say something that is not an error of the call: they get a `struct log *` and never print. */
#ifndef ORCHESTRATE_BASE_LOG_H
#define ORCHESTRATE_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Owned by the caller; must outlive whoever was given it. write gets one line without the newline and may be called
 * from several threads at once. A NULL `struct log *` is silent everywhere. */
struct log {
	void (*write)(void *context, enum log_level level, const char *line);
	void *context;
	enum log_level level; /* lines above it are dropped */
};

void log_printf(struct log *log, enum log_level level, const char *format, ...) printf_like(3, 4);

#endif
