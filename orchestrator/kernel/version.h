/* Orders of versions. */
#ifndef ORCHESTRATE_KERNEL_VERSION_H
#define ORCHESTRATE_KERNEL_VERSION_H

#include "base/err.h"

/* <0, 0, >0 as by deb-version(7): [epoch:]upstream[-revision], `~` before the end of the text. Texts that are not valid
 * versions still get an order. */
int version_compare_deb(const char *a, const char *b);

/* The same for [epoch:]version[-release] as rpm orders them (rpm-version(7)): runs of digits and runs of letters, everything else
 * only separates; `~` before the end of the text, `^` after it but before anything more. */
int version_compare_rpm(const char *a, const char *b);

typedef int version_order(const char *a, const char *b);

/* Order for lists and reports: runs of digits by their number, all else bytewise; `6.1.0-9` before `6.1.0-10`. Total: 0 only for
 * equal texts. */
int version_compare_natural(const char *a, const char *b);

/* Numbers and dots at the start of a release: "5.10.0" of "5.10.0-8-amd64". NULL when out of memory. Caller frees. */
char *version_leading(const char *release, struct err *e);

#endif
