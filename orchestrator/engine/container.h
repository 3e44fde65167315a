/* Containers: hardened by what the spec says, labelled so that the sweep (engine/sweep.h) knows whose they are. */
#ifndef ORCHESTRATE_ENGINE_CONTAINER_H
#define ORCHESTRATE_ENGINE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "engine/engine.h"

/* A directory that is already at `path` passes its own mode on to the tmpfs (so does runc), and the engine makes a missing
 * container_spec.workdir with mode 0755: where an unprivileged user shall write, path should not exist in the image and not be the
 * workdir. */
struct container_tmpfs {
	const char *path;
	const char *options; /* as for mount(8): "rw,exec,nosuid,nodev,size=4g,mode=1777" */
};

struct container_ulimit {
	const char *name; /* "nofile", "nproc", ... */
	int64_t soft, hard;
};

/* {0} but for image and cmd is a container with the engine's usual freedoms; nothing here is owned. Lists end with NULL. */
struct container_spec {
	const char *image;
	const char *name; /* NULL: the engine makes one up */
	const char *role; /* label org.orchestrate.role; NULL: "container" */
	const char *const *cmd;
	const char *const *entrypoint; /* NULL: none, whatever the image says, so that cmd is the whole command */
	const char *const *env;	       /* "KEY=value" */
	const char *const *labels;     /* "key=value", besides our own */
	const char *user;	       /* "65534:65534"; NULL: the image's */
	const char *workdir;	       /* NULL: the image's */
	bool no_network;	       /* NetworkMode none */
	bool drop_capabilities;	       /* all of them */
	bool no_new_privileges;
	bool read_only;	       /* root file system */
	bool init;	       /* a reaper as PID 1, where the engine has one */
	bool open_stdin;       /* kept open for one client, closed when it leaves: container_attach_lease */
	int pids_limit;	       /* 0: none */
	uint64_t memory_bytes; /* 0: none; swap is not given on top */
	const struct container_tmpfs *tmpfs;
	size_t tmpfs_count;
	const struct container_ulimit *ulimits; /* podman needs nofile and nproc set */
	size_t ulimit_count;
	const char *seccomp; /* JSON text of a profile; NULL: the engine's own. podman (takes only paths) and an engine without
			      * seccomp keep their own, with a line in the log */
};

enum container_status { CONTAINER_OTHER, CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED };

struct container_state {
	enum container_status status;
	int exit_code; /* of the last run */
	bool out_of_memory;
	int pid; /* on the engine's host; 0 when not running */
};

/* *ret_id: caller frees. No such image: ERR_NOT_FOUND. Name in use: ERR_CONFLICT. No log is kept (LogConfig none). */
must_check int container_create(struct engine *engine, const struct container_spec *spec, char **ret_id, struct err *e);
/* Already running is success. */
must_check int container_start(struct engine *engine, const char *id, struct err *e);
/* SIGTERM, then SIGKILL after timeout_s. Not running is success. Not stopped by the engine's cancel. */
must_check int container_stop(struct engine *engine, const char *id, int timeout_s, struct err *e);
/* SIGKILL. Not running is success. Not stopped by the engine's cancel. */
must_check int container_kill(struct engine *engine, const char *id, struct err *e);
must_check int container_inspect(struct engine *engine, const char *id, struct container_state *ret, struct err *e);
/* Kills and removes, with its anonymous volumes. Gone already is success; where somebody else is removing it, waits (bounded) until
 * it is gone. Not stopped by the engine's cancel. */
must_check int container_remove(struct engine *engine, const char *id, struct err *e);
/* Waits until it does not run. deadline_ms as clock_now_ms, 0: none. ERR_TIMEOUT after it. */
must_check int container_wait(struct engine *engine, const char *id, int64_t deadline_ms, int *ret_exit_code, struct err *e);

/* A lease: attaches to the stdin of a created, not yet started container with open_stdin. As long as *ret_fd is open the
 * container's stdin is; when it is closed, also by the death of this process, the container's main process reads end of file. With
 * `cat` as that process the container ends by itself, so that even kill -9 leaves nothing running. *ret_fd (close-on-exec, caller
 * closes) polls POLLIN or POLLHUP once the container has ended. Never write to it or read from it. */
must_check int container_attach_lease(struct engine *engine, const char *id, int *ret_fd, struct err *e);

#endif
