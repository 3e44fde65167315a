/* What `orchestrate sign` says of each file, and at the end: lines, or one JSON document. */
#ifndef ORCHESTRATE_CMD_SIGN_REPORT_H
#define ORCHESTRATE_CMD_SIGN_REPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "sign/certificate.h"

enum sign_result { RESULT_SIGNED, RESULT_REPLACED, RESULT_LEFT, RESULT_GOOD, RESULT_REFUSED, RESULT_BAD, SIGN_RESULTS };

/* {0} writes lines. */
struct sign_report {
	bool json;
	json_t *items;
	size_t counts[SIGN_RESULTS];
	struct signature last; /* that is good */
};

void sign_report_release(struct sign_report *r);
#define cleanup_sign_report __attribute__((cleanup(sign_report_release)))

/* It went well. why_hash: why just this one was taken; NULL: that goes without saying. */
must_check int sign_report_good(struct sign_report *r, const char *path, enum sign_result result, const struct signature *s,
				const char *why_hash, struct err *e);
/* It did not; told elsewhere where lines are written. */
must_check int sign_report_failure(struct sign_report *r, const char *path, enum sign_result result, const struct err *why,
				   struct err *e);
/* How many of what, and what was not checked. bpf_objects: passed over. */
must_check int sign_report_end(struct sign_report *r, size_t bpf_objects, struct err *e);

#endif
