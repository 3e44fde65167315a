/* From what a guest said to what that means for each object in it. */
#ifndef ORCHESTRATE_PROVE_JUDGE_H
#define ORCHESTRATE_PROVE_JUDGE_H

#include "prove/guest.h"
#include "prove/proof.h"

/* Fills verdict, finding, reason, tail and events of those proofs (NULL: not in this guest) that the guest decided, and says by
 * *ret_undecided which it did not: another object ended the guest before it was their turn. A guest that never came to any object
 * decides all of them: gated, with trouble. events: they had to report what happens. */
must_check int judge(const struct guest_result *r, bool events, struct proof *const proofs[KIND_COUNT],
		     bool ret_undecided[KIND_COUNT], struct err *e);

#endif
