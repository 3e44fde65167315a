/* lint: is a checkout in order? Descriptors, lists with their companions, block list, image recipes, probe, module version: all
 * that is wrong with them at once, so that it is found when it is committed and not when something is built. It reads only, asks no
 * engine and no mirror, and does not judge whether what is written is wise. */
#ifndef ORCHESTRATE_LINT_LINT_H
#define ORCHESTRATE_LINT_LINT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Embedded; {0} is empty. */
struct lint_report {
	struct strv findings; /* each `path:line[:column]: text`, paths as the root was given ("." left out) */
	struct strv notes;    /* the same, of what may be as it should */
	size_t files;	      /* looked at */
};

/* today: "2027-01-31", for rules that have expired. A checkout with nothing in it has findings; -1 is for what keeps us from
 * reading it. Each mistake of a file is a finding; where YAML itself is broken, the reading ends
 * there.
 *
 * Findings: what any other command would refuse; a list that is missing, or that no descriptor names; a line that no package rule
 * knows; a digest without its line; a count of an index that there is not; a rule of the block list that has expired; a Dockerfile,
 * a keyring of the checkout's own or a source of the probe that is missing; a FROM that is not pinned by its recipe; a toolchain
 * image that is preferred and not there; a module version that is no semantic version (semver.org). Notes: other leftovers of the
 * grouping; lines without digest where the indexes give digests; a keyring of the system that is not on this machine; a base image
 * that is not pinned; a rule of the block list that matches no kernel of the lists. */
must_check int lint_checkout(const char *root, const char *today, struct lint_report *ret, struct err *e);
void lint_report_release(struct lint_report *report);

#define cleanup_lint_report __attribute__((cleanup(lint_report_release)))

#endif
