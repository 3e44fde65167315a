/* SPDX-License-Identifier: MIT */
/*
 * What a guest says, on its second serial line: TAP version 13. A test's description is
 * `KIND WHAT`, or `KIND WHAT: DETAIL` where it failed. Besides:
 *	# begin KIND		from here on, whatever happens is that kind's doing
 *	# KIND events N		records seen
 *	# anything else		for people
 */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include <stdbool.h>

/* Opens the line; without one everything goes to the console. */
void tap_open(const char *path);
/* The names that the following tests begin with. Borrowed. */
void tap_begin(const char *kind);
/* One test. detail may be NULL; it is cut, and what is not printable becomes `?`. Gives `good` back. */
bool tap_test(bool good, const char *what, const char *detail);
/* The same with the text of an errno behind the detail. */
bool tap_failed(const char *what, const char *detail, int error);
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The plan: only with it is the whole complete. */
void tap_end(void);

#endif
