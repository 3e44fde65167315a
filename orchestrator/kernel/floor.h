/* The oldest kernel that a thing is for, as numbers: "3.10", "4.14". */
#ifndef ORCHESTRATE_KERNEL_FLOOR_H
#define ORCHESTRATE_KERNEL_FLOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* One to four decimal numbers with dots between, each at most 9 digits; else ERR_INPUT. */
must_check int floor_check(const char *text, struct err *e);
/* True when version's leading numbers ("5.10.0", "5.10.0-46-amd64") are not below floor. Missing numbers count as 0; a NULL floor
 * is always reached. */
bool floor_reached(const char *version, const char *floor);
/* The higher of two floors, either may be NULL. Borrowed from the arguments. */
const char *floor_higher(const char *a, const char *b);

/* What a vendor has taken from newer kernels into an older one of its own. */
struct backport {
	char *from; /* a release (floor_check_release): "3.10.0-957" */
	char *as;   /* a floor that such kernels reach as well: "4.14" */
};

struct backport_list {
	struct backport *items;
	size_t count;
};

/* A version as for floor_check, a dash, and the numbers of the vendor's release, in the same form; else ERR_INPUT. */
must_check int floor_check_release(const char *text, struct err *e);
/* Is a kernel ("3.10.0-1160.119.1.el7.x86_64") of the version of `from`, and its release not below that of `from`? Kernels of other
 * versions are another matter, also higher ones. */
bool floor_is_backported(const char *release, const char *from);
/* The one of the list that such a kernel has with the highest `as`; NULL: none. Borrowed. */
const struct backport *floor_find_backport(const struct backport_list *list, const char *release);
void backport_list_release(struct backport_list *list);

#endif
