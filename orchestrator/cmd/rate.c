#include "cmd/rate.h"

static size_t newest(const struct rate *r)
{
	return (r->next + RATE_SAMPLES - 1) % RATE_SAMPLES;
}

void rate_note(struct rate *r, int64_t now_ms, uint64_t bytes)
{
	if (r->count && bytes < r->samples[newest(r)].bytes)
		r->count = r->next = 0;
	/* Closer together than that the newest moves along, but never the first: from there on it is measured. */
	if (r->count > 1 && now_ms - r->samples[(r->next + RATE_SAMPLES - 2) % RATE_SAMPLES].at_ms < RATE_SPACING_MS) {
		r->samples[newest(r)].at_ms = now_ms;
		r->samples[newest(r)].bytes = bytes;
		return;
	}
	r->samples[r->next].at_ms = now_ms;
	r->samples[r->next].bytes = bytes;
	r->next = (r->next + 1) % RATE_SAMPLES;
	if (r->count < RATE_SAMPLES)
		r->count++;
}

uint64_t rate_now(const struct rate *r, int64_t now_ms)
{
	if (r->count < 2)
		return 0;
	size_t oldest = (r->next + RATE_SAMPLES - r->count) % RATE_SAMPLES;
	/* Up to now, not to the last sample: what stands still has none. */
	int64_t ms = now_ms - r->samples[oldest].at_ms;
	if (ms < RATE_SPACING_MS)
		return 0;
	return (r->samples[newest(r)].bytes - r->samples[oldest].bytes) * 1000 / (uint64_t)ms;
}

int64_t rate_seconds_left(const struct rate *r, int64_t now_ms, uint64_t bytes_done, uint64_t bytes_total)
{
	uint64_t rate = rate_now(r, now_ms);

	if (!rate || bytes_done > bytes_total)
		return -1;
	return (int64_t)((bytes_total - bytes_done + rate - 1) / rate);
}
