/* Time: monotonic for waiting and measuring; the date for what is agreed on by the calendar. */
#ifndef ORCHESTRATE_BASE_CLOCK_H
#define ORCHESTRATE_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_DATE_LEN = 10 };

/* Milliseconds since some fixed point (CLOCK_MONOTONIC). */
int64_t clock_now_ms(void);
/* What poll(2) may wait until deadline_ms: 0 when it has passed, -1 (for ever) when deadline_ms is 0. */
int clock_poll_timeout(int64_t deadline_ms);

/* Today in UTC, "2027-01-31". */
void clock_today(char ret[CLOCK_DATE_LEN + 1]);

#endif
