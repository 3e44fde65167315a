/* How fast something goes, as an average over the last few seconds. */
#ifndef ORCHESTRATE_CMD_RATE_H
#define ORCHESTRATE_CMD_RATE_H

#include <stddef.h>
#include <stdint.h>

enum { RATE_SAMPLES = 20, RATE_SPACING_MS = 500 };

/* Embedded; {0} knows nothing yet. */
struct rate {
	struct {
		int64_t at_ms;
		uint64_t bytes;
	} samples[RATE_SAMPLES]; /* a ring */
	size_t count, next;
};

/* So many bytes in all at this time (clock_now_ms). Fewer than before: something else begins. */
void rate_note(struct rate *r, int64_t now_ms, uint64_t bytes);
/* Bytes a second; 0: not known, or nothing moves. */
uint64_t rate_now(const struct rate *r, int64_t now_ms);
/* -1: not known. */
int64_t rate_seconds_left(const struct rate *r, int64_t now_ms, uint64_t bytes_done, uint64_t bytes_total);

#endif
