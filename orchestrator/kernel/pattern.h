/* Regular expressions of descriptors: PCRE2 (pcre2pattern(3)), always on the whole text, with named captures and a bound on
 * the work, so that a bad pattern is slow at worst to its own text. */
#ifndef ORCHESTRATE_KERNEL_PATTERN_H
#define ORCHESTRATE_KERNEL_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct pattern;

/* A pattern that doesn't compile: ERR_INPUT with the offset in it. */
must_check int pattern_new(const char *text, struct pattern **ret, struct err *e);
void pattern_free(struct pattern *p);
bool pattern_has_capture(const struct pattern *p, const char *name);
/* 1 matches, 0 does not, -1 error (work limit: ERR_LIMIT). The captures of the last match can be asked for after 1. */
must_check int pattern_match(struct pattern *p, const char *subject, struct err *e);
/* The named capture of the last match, within the subject; unset ones (and unknown names) are empty with *ret_len 0. Borrowed from
 * subject. */
const char *pattern_capture(const struct pattern *p, const char *name, size_t *ret_len);

DEFINE_CLEANUP(pattern, struct pattern, pattern_free)

#endif
