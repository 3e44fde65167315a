/* What a guest says on its second serial line (probe/guest/tap.h), read as what it is: bytes of a kernel that may have gone wrong.
 */
#ifndef ORCHESTRATE_PROVE_TAP_H
#define ORCHESTRATE_PROVE_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/kind.h"

enum { TAP_LINE_MAX = 512, TAP_TEXT_MAX = 320, TAP_FINDING_MAX = 32, TAP_TESTS_MAX = 1000 };

/* Texts are printable ASCII, '?' for the rest, cut where they are too long. */
struct tap_kind {
	bool begun, ended; /* ended: the last of its tests has come */
	unsigned tests, failed;
	uint64_t events;
	char finding[TAP_FINDING_MAX]; /* what the first failed test is called; "" none failed */
	char detail[TAP_TEXT_MAX];
};

/* Embedded; {0} has seen nothing. */
struct tap {
	bool version;  /* the first line has come: the guest's program runs */
	bool complete; /* the plan has come and agrees with the tests before it */
	bool broken;   /* there was something that is no TAP of ours, or too much of it */
	int current;   /* the kind begun last, -1 none; valid once version is true */
	struct tap_kind kinds[KIND_COUNT];
	struct tap_kind guest; /* tests that are no kind's */
	unsigned tests;
	char line[TAP_LINE_MAX];
	size_t len;
	bool cut; /* the line at hand is longer than that */
};

void tap_feed(struct tap *t, const void *bytes, size_t len);

#endif
