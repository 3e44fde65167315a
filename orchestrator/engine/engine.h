/* engine: the client of a container engine, by the Docker Engine API (1.41 to 1.51) on a Unix socket: dockerd 20.10 and newer, and
 * podman's compatible service. Images, containers, commands in containers with their streams, and the sweep of what a run
 * that was killed left behind. It knows nothing of kernels or of what runs in the containers; it does not write archives (oci
 * does).
 *
 * Every call that takes a `struct engine` may be made from several threads at once: each has a connection of its own.
 * An HTTP status is never passed over: 404 ERR_NOT_FOUND, 409 ERR_CONFLICT, other 4xx and 500 ERR_PROTOCOL, 502 to 504
 * ERR_TEMPORARY, connection lost ERR_TEMPORARY, nothing there ERR_UNREACHABLE. Messages read `engine: POST /containers/create: 409
 * the name is in use`. The engine's `cancel` stops every call with ERR_CANCELLED, but for those that clean up (kill, stop, remove,
 * sweep): these go on, and are bounded in time instead. Formats: Docker Engine API reference, v1.41. */
#ifndef ORCHESTRATE_ENGINE_ENGINE_H
#define ORCHESTRATE_ENGINE_ENGINE_H

#include <stdbool.h>

#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"

struct engine;

struct engine_info {
	char *endpoint;	      /* unix:///path */
	char *server_version; /* "20.10.24" */
	char *api_version;    /* the one agreed on: "1.41" */
	char *os, *arch;      /* "linux", "amd64" */
	char *storage_driver; /* "overlay2" */
	int cpus;	      /* 0: not said */
	bool is_podman;
	bool has_seccomp; /* the engine applies seccomp profiles */
	bool has_init;	  /* it has an init program to give containers (container_spec.init) */
};

/* Connects and agrees on a version. endpoint NULL: $DOCKER_HOST, else unix:///var/run/docker.sock, else, where only that exists,
 * podman's unix:///run/podman/podman.sock. A bare absolute path is taken as unix://. Other schemes: ERR_USAGE. Nobody answers, no
 * such socket, not permitted: ERR_UNREACHABLE, and the message says what to do. No common version: ERR_PROTOCOL.
 * cancel and log (either may be NULL) are borrowed and must outlive the engine. */
must_check int engine_open(const char *endpoint, const struct cancel *cancel, struct log *log, struct engine **ret, struct err *e);
/* NULL is fine. Containers are left as they are. */
void engine_close(struct engine *engine);
/* Borrowed, valid until engine_close. */
const struct engine_info *engine_info(const struct engine *engine);
/* 32 hex digits, fresh with each engine_open; in the label `org.orchestrate.run` of all that this engine handle creates. */
const char *engine_run_id(const struct engine *engine);

DEFINE_CLEANUP(engine, struct engine, engine_close)

#endif
