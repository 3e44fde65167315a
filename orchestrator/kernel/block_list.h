/* What must not be built: supported-kernels/BLOCKLIST, rules on kernel, module version and kind. */
#ifndef ORCHESTRATE_KERNEL_BLOCK_LIST_H
#define ORCHESTRATE_KERNEL_BLOCK_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "kernel/kind.h"

enum {
	BLOCK_LIST_MAX_BYTES = 1 << 20,
};

struct block_rule {
	unsigned line; /* from 1 */
	char *text;    /* as it stands in the file, without comment */
	char *reason;  /* NULL: none said */
	char *expires; /* the last day on which nobody asks about it, "2027-01-31"; NULL: none said */

	/* Counted by block_list_apply. */
	unsigned kernels; /* how many kernels the first field matched, for whatever module version and kind */
	unsigned hits;	  /* how many (kernel, kind) the whole rule matched, also those that a rule above it matched too */
};

struct block_list;

/* Format: `<kernel> [<module-version>] [<kind>]`, blanks between, a missing field is `*`; `#` at the start or after a blank begins
 * a comment; blank lines are fine. A field is a glob (fnmatch(3), `*` matches anything), or, with `~` before it, a regular
 * expression (kernel/pattern.h). A rule matches when all its fields match the whole of theirs.
 *
 * `reason: TEXT` and `expires: YYYY-MM-DD` in a comment, in one line or two (`; ` between), say why a rule is there and until when:
 * behind a rule they are that rule's; in the comment lines right above rules they are those of all the rules below, up to the next
 * comment line or blank line, but for what a rule says of its own.
 *
 * Errors: a pattern that does not compile, more than three fields, a kind field that matches no kind, a kind in the place of the
 * module version, a date that is none, and those of a line as in kernel/list.h. Any makes it -1 with ERR_INPUT and the first in *e;
 * findings (may be NULL) gets each as `name:line: text`, at most FINDINGS_MAX (kernel/findings.h). *ret is untouched on failure. */
must_check int block_list_parse(const char *text, size_t len, const char *name, struct block_list **ret, struct strv *findings,
				struct err *e);
/* Reads the file; messages name it by its path. Missing: ERR_NOT_FOUND. */
must_check int block_list_load(const char *path, struct block_list **ret, struct strv *findings, struct err *e);
void block_list_free(struct block_list *list);

/* Borrowed, in the order of the file; the counters go on with each block_list_apply. list may be NULL: none. */
const struct block_rule *block_list_rules(const struct block_list *list, size_t *ret_count);
/* The path that it was read from. */
const char *block_list_name(const struct block_list *list);

/* Runs all rules on a kernel's id. ret[kind] is the first rule that matches, borrowed from list, or NULL; kinds that are not asked
 * for (kinds[kind] false) get NULL and count no hit. list may be NULL: nothing is blocked. -1: a pattern gave up (ERR_LIMIT), with
 * its `name:line`. For one thread at a time. */
must_check int block_list_apply(struct block_list *list, const char *kernel, const char *module_version,
				const bool kinds[KIND_COUNT], const struct block_rule *ret[KIND_COUNT], struct err *e);

/* today as "2027-01-31". An expired rule goes on blocking: what is shipped does not change because a day has passed. */
bool block_rule_is_expired(const struct block_rule *rule, const char *today);
/* "BLOCKLIST:12: 4.9.* * mod (panics on load)". Caller frees. */
char *block_rule_describe(const struct block_list *list, const struct block_rule *rule, struct err *e);
/* A line, `name:line: text`, for each rule that has expired. list may be NULL. */
must_check int block_list_expired(const struct block_list *list, const char *today, struct strv *ret, struct err *e);
/* The same for each whose kernel field has matched no kernel: to be asked when all there are have been through block_list_apply. */
must_check int block_list_unused(const struct block_list *list, struct strv *ret, struct err *e);

DEFINE_CLEANUP(block_list, struct block_list, block_list_free)

#endif
