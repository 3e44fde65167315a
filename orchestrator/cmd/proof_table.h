/* Verdicts of `prove`, on stdout. */
#ifndef ORCHESTRATE_CMD_PROOF_TABLE_H
#define ORCHESTRATE_CMD_PROOF_TABLE_H

#include "prove/run.h"

/* A line for each kernel and kind that there is an object for, and the sum. */
must_check int proof_table_print(const struct proof_set *proofs, double seconds, struct err *e);
/* 5 when an object does not work, 1 when one could not be tried though another attempt may, else 0. */
int proof_table_exit_code(const struct proof_set *proofs);

#endif
