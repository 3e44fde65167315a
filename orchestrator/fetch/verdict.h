/* What to make of a request that has ended. Internal to fetch. */
#ifndef ORCHESTRATE_FETCH_VERDICT_H
#define ORCHESTRATE_FETCH_VERDICT_H

#include "fetch/transfer.h"

/* But for COMPLETE, UNCHANGED and ANEW *e says why. *ret_digest is set for COMPLETE and REJECTED. *ret_wait_ms: how long the server
 * asks us to wait, 0 when it does not. */
enum transfer_end transfer_judge(struct transfer *t, CURLcode code, struct digest *ret_digest, int64_t *ret_wait_ms, struct err *e);

#endif
