/* proof.json: what is known of each object of an output tree. Its entries, sorted by kernel and kind, are those of proof_to_json;
 * an entry holds only for the object whose digest it names. */
#ifndef ORCHESTRATE_PROVE_REPORT_H
#define ORCHESTRATE_PROVE_REPORT_H

#include "prove/run.h"

/* A new document: {"v": 1, "proofs": [...]}, with these proofs only. NULL with *e. */
json_t *report_make(const struct proof_set *proofs, struct err *e);
/* Brings the file up to date, which need not be there: entries of these kernels and kinds are replaced; of others, those go whose
 * object is no longer in modules_dir, or has changed since. Written whole, by rename. A file that is not ours to read: ERR_INPUT.
 */
must_check int report_update(const char *path, const char *modules_dir, const struct proof_set *proofs, struct err *e);

#endif
