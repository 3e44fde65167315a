/* Inside this room only: a request whose connection becomes a plain two-way stream (`Connection: Upgrade`, `Upgrade: tcp`). */
#ifndef ORCHESTRATE_ENGINE_HIJACK_H
#define ORCHESTRATE_ENGINE_HIJACK_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "engine/engine.h"

/* Sends `POST path` and takes 101 (or 200, of engines that don't know the upgrade) for the start of the stream. *ret_fd: blocking
 * socket, caller closes; *ret_early: bytes of the stream that came along with the head. body (borrowed) may be NULL. deadline_ms 0:
 * one of its own. */
must_check int hijack_open(struct engine *engine, const char *path, const json_t *body, int64_t deadline_ms,
			   const struct cancel *also, int *ret_fd, struct buf *ret_early, struct err *e);

#endif
