/* Inside the display: what all modes know of a run, and the ways to show it. */
#ifndef ORCHESTRATE_CMD_PROGRESS_VIEW_H
#define ORCHESTRATE_CMD_PROGRESS_VIEW_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "cmd/progress.h"
#include "cmd/rate.h"

enum { ACTIVE_MAX = 64, ACTIVE_NAME_MAX = 160 };

/* Something that goes on now: a kernel, or a toolchain in the making. */
struct active {
	char name[ACTIVE_NAME_MAX], phase[96];
	int64_t since_ms;
};

struct progress {
	const struct view *view;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t ticker;
	bool ticking, ending;
	bool colour;

	int64_t started_ms, last_output_ms;
	unsigned total, todo, done; /* kernels: all, with work, finished of those */
	unsigned verdicts[VERDICT_COUNT];
	uint64_t bytes_done, bytes_total;
	struct rate rate;
	char transfer[32];			/* what is done with packages; empty: a build's fetch */
	unsigned packages_total, packages_todo; /* of it; 0: not told */
	struct active active[ACTIVE_MAX];
	unsigned active_count;
	struct strv failures; /* texts for the summary */
	int lines_shown;      /* of the live view */
};

/* All are called with the lock held; any may be NULL. */
struct view {
	void (*event)(struct progress *p, const struct event *event);
	void (*log)(struct progress *p, enum log_level level, const char *line);
	void (*tick)(struct progress *p);
	void (*summary)(struct progress *p, double seconds);
	void (*end)(struct progress *p);
	int tick_ms;
};

extern const struct view plain_view, tty_view, json_view, quiet_view;

/* "1 built, 2 reused, ...": what is not 0. Text is valid until the next call with the same buffer. */
const char *verdict_counts(const struct progress *p, char *text, size_t size);
/* Shared by the views for people. */
void plain_event(struct progress *p, const struct event *event);
void plain_log(struct progress *p, enum log_level level, const char *line);
void plain_summary(struct progress *p, double seconds);
/* The parts of a colour sequence, or nothing where colours are off. */
const char *colour(const struct progress *p, const char *sequence);
/* "12.3 MB". */
const char *size_text(uint64_t bytes, char *text, size_t size);
/* "12.3 MB of 45.6 MB, 7.8 MB/s, 0:12 left": what is known of it. */
const char *transfer_text(const struct progress *p, char *text, size_t size);
/* "fetch [3/17] 12.3 MB of ...", for a command that is about packages alone. */
const char *transfer_line(const struct progress *p, char *text, size_t size);

#endif
