/* What a run tells while it goes on. Rooms below cmd don't print: they send events, cmd shows them. */
#ifndef ORCHESTRATE_BUILD_EVENTS_H
#define ORCHESTRATE_BUILD_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/kind.h"

/* Every (kernel, kind) asked for ends in exactly one of these; PLANNED is where it stands before it was built. */
enum verdict {
	VERDICT_PLANNED,
	VERDICT_BUILT,
	VERDICT_REUSED,	     /* the artifact store had it under the same key */
	VERDICT_UNAVAILABLE, /* the kernel is below the kind's floor */
	VERDICT_BLOCKED,     /* a block rule */
	VERDICT_FAILED,
	VERDICT_COUNT,
};

const char *verdict_name(enum verdict v);

enum event_kind {
	EVENT_PLANNED, /* the plan stands: total = kernels, todo = kernels with something to do; text: to do what, NULL: build */
	EVENT_TOOLCHAIN_START, /* name = toolchain */
	EVENT_TOOLCHAIN_LINE,  /* name, text */
	EVENT_TOOLCHAIN_DONE,  /* name, seconds; failed: text is the reason */
	EVENT_FETCH,   /* bytes_done, bytes_total; total, todo: packages, 0: not told; name: what is done with them, NULL: a build's
			* fetch */
	EVENT_PACKAGE, /* one package has ended: name, text = "fetched", "pulled", ..., path = from where, bytes_total = its size */
	EVENT_KERNEL_START, /* kernel */
	EVENT_KERNEL_PHASE, /* kernel, text = "reading", "unpacking" (what it shares with others), "building" */
	EVENT_TASK_DONE,    /* kernel, kind, verdict, text = reason, path = log of a failure, tail = its last lines */
	EVENT_KERNEL_DONE,  /* kernel, seconds */
	EVENT_IMAGE_START,
	EVENT_IMAGE_DONE, /* text = reference, name = image id, seconds; failed: text is the reason */
};

/* Strings are borrowed for the length of the call; what an event does not say is NULL or 0. */
struct event {
	enum event_kind kind;
	const char *kernel, *distro, *name, *text, *path, *tail;
	enum probe_kind_id object;
	enum verdict verdict;
	bool failed;
	double seconds;
	uint64_t bytes_done, bytes_total;
	unsigned total, todo;
};

/* receive may be called from several threads at once and must not block for long. */
struct listener {
	void (*receive)(void *context, const struct event *event);
	void *context;
};

/* listener may be NULL. */
void event_send(const struct listener *listener, const struct event *event);

#endif
