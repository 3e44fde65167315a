#include "base/clock.h"

#include <limits.h>
#include <time.h>

int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_poll_timeout(int64_t deadline_ms)
{
	if (!deadline_ms)
		return -1;
	int64_t left = deadline_ms - clock_now_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_today(char ret[CLOCK_DATE_LEN + 1])
{
	struct tm day;
	time_t now = time(NULL);

	if (!gmtime_r(&now, &day) || strftime(ret, CLOCK_DATE_LEN + 1, "%Y-%m-%d", &day) != CLOCK_DATE_LEN)
		ret[0] = '\0';
}
