#include "index/date.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static int month_of(const char *name)
{
	for (int i = 0; i < 12; i++)
		if (strncmp(months + 3 * i, name, 3) == 0 && strlen(name) == 3)
			return i;
	return -1;
}

/* Seconds that the zone is ahead of UTC. */
static bool parse_zone(const char *text, int *ret)
{
	int hours, minutes, end = 0;

	*ret = 0;
	if (strcmp(text, "UTC") == 0 || strcmp(text, "GMT") == 0 || strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || !isdigit((unsigned char)text[1]) ||
	    sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &end) != 2 || end != 4 || text[5] || hours > 14 || minutes > 59)
		return false;
	*ret = (*text == '-' ? -60 : 60) * (60 * hours + minutes);
	return true;
}

int date_parse(const char *text, int64_t *ret, struct err *e)
{
	struct tm tm = { 0 };
	char month[4], zone[8];
	const char *p = text;
	int end = 0, ahead;

	if (isalpha((unsigned char)p[0]) && strcspn(p, ",") == 3)
		p += 4;
	int got = sscanf(p, "%2d %3s %4d %2d:%2d:%2d %7s%n", &tm.tm_mday, month, &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
			 zone, &end);
	if (got == 7 && !p[end] && parse_zone(zone, &ahead) && (tm.tm_mon = month_of(month)) >= 0 && tm.tm_mday >= 1 &&
	    tm.tm_mday <= 31 && tm.tm_year >= 1970 && tm.tm_hour >= 0 && tm.tm_hour <= 23 && tm.tm_min >= 0 && tm.tm_min <= 59 &&
	    tm.tm_sec >= 0 && tm.tm_sec <= 60) {
		tm.tm_year -= 1900;
		*ret = (int64_t)timegm(&tm) - ahead;
		return 0;
	}
	return err_set(e, ERR_CORRUPT, "'%.60s' is no date", text);
}
