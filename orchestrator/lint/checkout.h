/* What the checks have in common. Internal to lint. */
#ifndef ORCHESTRATE_LINT_CHECKOUT_H
#define ORCHESTRATE_LINT_CHECKOUT_H

#include "descriptor/distro.h"
#include "kernel/block_list.h"
#include "lint/lint.h"

struct checkout {
	const char *root, *today;
	struct lint_report *report;
	struct strv names;	       /* of the descriptors, good or bad */
	struct distro_set distros;     /* the good ones */
	struct strv companions;	       /* paths of the files that belong to some descriptor's list */
	struct block_list *block_list; /* NULL: none, or a bad one */
};

/* Below the root; the root "." is left out. Caller frees. */
char *checkout_path(const struct checkout *c, const char *name, struct err *e);
/* Line of the file in which text stands first; 1 when it does not. */
unsigned checkout_line(const char *path, const char *text);
/* Takes text over; NULL (a failed str_printf) is -1. */
must_check int checkout_find(struct checkout *c, char *text, struct err *e);
/* What has been noted already is not noted again. */
must_check int checkout_note(struct checkout *c, char *text, struct err *e);
/* After a failure: what is wrong with the file itself becomes a finding (1 is returned), all else stays an error (-1). path is put
 * before a message that does not begin with it. */
must_check int checkout_blame(struct checkout *c, const char *path, struct err *e);

/* The same for what could not be read of a YAML file, after *_check of descriptor/: its findings in the order of their places, or
 * *e when there is none. */
must_check int checkout_blame_all(struct checkout *c, const char *path, const struct strv *findings, struct err *e);

/* When the keyring that path names (NULL: none) is not there: a note where it is the system's (absolute), a finding where it should
 * be below the root. */
must_check int checkout_keyring(struct checkout *c, const char *path, const char *keyring, struct err *e);

/* Each check reads its files and adds to the report. lists needs descriptors before it, block_list lists. */
must_check int check_descriptors(struct checkout *c, struct err *e);
must_check int check_lists(struct checkout *c, struct err *e);
must_check int check_recipes(struct checkout *c, struct err *e);
must_check int check_probe(struct checkout *c, struct err *e);

#endif
