/* The oldest kernel that a thing is for, as numbers: "3.10", "4.14". */
#ifndef ORCHESTRATE_KERNEL_FLOOR_H
#define ORCHESTRATE_KERNEL_FLOOR_H

#include <stdbool.h>

#include "base/err.h"

/* One to four decimal numbers with dots between, each at most 9 digits; else ERR_INPUT. */
must_check int floor_check(const char *text, struct err *e);
/* True when version's leading numbers ("5.10.0", "5.10.0-46-amd64") are not below floor. Missing numbers count as 0; a NULL floor
 * is always reached. */
bool floor_reached(const char *version, const char *floor);
/* The higher of two floors, either may be NULL. Borrowed from the arguments. */
const char *floor_higher(const char *a, const char *b);

#endif
