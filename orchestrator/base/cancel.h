/* A request to stop, seen by everything that waits: a flag to test and a descriptor to poll. Safe to set from a signal
 * handler and from any thread. */
#ifndef ORCHESTRATE_BASE_CANCEL_H
#define ORCHESTRATE_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

struct cancel {
	atomic_bool set;
	int event_fd; /* becomes readable for good once set; poll it, never read it */
};

must_check int cancel_init(struct cancel *c, struct err *e);
void cancel_release(struct cancel *c);
/* Async-signal-safe, idempotent. */
void cancel_set(struct cancel *c);
/* NULL is never cancelled. */
bool cancel_is_set(const struct cancel *c);
/* -1 with ERR_CANCELLED when set, else 0. */
must_check int cancel_check(const struct cancel *c, struct err *e);
/* The descriptor to poll for POLLIN, or -1 for NULL (poll(2) skips negative descriptors). */
int cancel_fd(const struct cancel *c);

#endif
