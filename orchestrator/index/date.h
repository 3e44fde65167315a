/* Dates of mails, as apt's Release files have them. */
#ifndef ORCHESTRATE_INDEX_DATE_H
#define ORCHESTRATE_INDEX_DATE_H

#include <stdint.h>

#include "base/err.h"

/* `Sat, 06 Jul 2024 15:34:24 UTC`: seconds since 1970. The day's name may be missing; the zone is UTC, GMT, Z or +hhmm. Anything
 * else: ERR_CORRUPT. Format: RFC 2822, section 3.3, without its obsolete forms. */
must_check int date_parse(const char *text, int64_t *ret, struct err *e);

#endif
