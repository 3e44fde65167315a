/* Inside this room only: the engine's handle, and the one place where curl is set up. */
#ifndef ORCHESTRATE_ENGINE_CONNECTION_H
#define ORCHESTRATE_ENGINE_CONNECTION_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/cancel.h"
#include "base/err.h"
#include "base/log.h"
#include "engine/engine.h"

struct engine {
	struct engine_info info;
	char *socket_path;
	char prefix[16]; /* "/v1.41", empty until agreed on */
	char run_id[33];
	const struct cancel *cancel;
	struct log *log;
};

/* The socket of one curl handle; must outlive it. */
struct connection {
	int fd;
	bool kept; /* curl must not close it */
};

/* A handle on "http://localhost" + path over the engine's socket, with everything set that all have in common. reason:
 * CURL_ERROR_SIZE bytes that must outlive it. NULL with *e; caller cleans it up. */
CURL *connection_handle(struct engine *engine, struct connection *c, const char *path, char *reason, struct err *e);
/* A connected socket without any HTTP on it yet: close-on-exec, blocking; caller closes. */
must_check int connection_open(struct engine *engine, int *ret_fd, struct err *e);
/* Where connecting failed: tries once more by hand to say why. Always -1. */
int connection_unreachable(const struct engine *engine, struct err *e);

#endif
