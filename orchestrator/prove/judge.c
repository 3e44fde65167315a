#include "prove/judge.h"

#include <stdio.h>

static int add_tail(const struct guest_result *r, struct proof *p, struct err *e)
{
	strv_release(&p->tail);
	return console_tail(&r->console, &p->tail, e);
}

/* The tests of a kind have all been made. */
static void judge_tests(const struct tap_kind *k, bool events, struct proof *p)
{
	p->events = k->events;
	if (k->failed)
		proof_judge(p, PROOF_FAILED, k->finding, "%s%s%s", k->finding, *k->detail ? ": " : "", k->detail);
	else if (events && !k->events)
		proof_judge(p, PROOF_FAILED, "events", "events: it has loaded and reported none");
	else
		proof_judge(p, PROOF_BOOTED, "", "%u tests", k->tests);
}

/* The guest ended in the midst of a kind, or was not to be understood. */
static void judge_end(const struct guest_result *r, struct proof *p)
{
	const char *last = r->console.trouble[0] ? r->console.trouble : console_last(&r->console);
	const unsigned seconds = (unsigned)((r->milliseconds + 500) / 1000);

	p->events = r->tap.kinds[p->kind].events;
	if (r->end == GUEST_HUNG)
		proof_judge(p, PROOF_FAILED, "hung", "hung: no end within %u s%s%s", seconds, *last ? "; it last said: " : "",
			    last);
	else if (r->console.trouble[0])
		proof_judge(p, PROOF_FAILED, "oops", "oops: %s", r->console.trouble);
	else if (r->tap.complete || r->tap.broken)
		proof_judge(p, PROOF_FAILED, "garbled", "garbled: what the guest reported is not to be understood");
	else
		proof_judge(p, PROOF_FAILED, "died", "died: the guest ended before it was done%s%s",
			    *last ? "; it last said: " : "", last);
}

/* All tests of a kind have been made, and whatever came after them is another kind's doing. */
static bool is_done(const struct tap *t, int kind)
{
	const struct tap_kind *k = &t->kinds[kind];

	return k->ended && (k->failed || !t->broken) && (t->complete || t->current != kind);
}

/* No object had its turn. */
static void judge_no_start(const struct guest_result *r, struct proof *p)
{
	const char *last = r->end == GUEST_REFUSED ? r->emulator
			   : r->console.trouble[0] ? r->console.trouble
						   : console_last(&r->console);
	const char *what = r->tap.guest.failed ? r->tap.guest.detail : last;

	p->trouble = true;
	proof_judge(p, PROOF_GATED, "", "the guest did not come up%s: %s", r->end == GUEST_HUNG ? " in time" : "", what);
}

int judge(const struct guest_result *r, bool events, struct proof *const proofs[KIND_COUNT], bool ret_undecided[KIND_COUNT],
	  struct err *e)
{
	bool any = false;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		any = any || (proofs[kind] && r->tap.version && r->tap.kinds[kind].begun);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		const struct tap_kind *k = &r->tap.kinds[kind];
		struct proof *p = proofs[kind];
		ret_undecided[kind] = false;
		if (!p)
			continue;
		if (!any || r->end == GUEST_REFUSED)
			judge_no_start(r, p);
		else if (k->begun && is_done(&r->tap, kind))
			judge_tests(k, events, p);
		else if (k->begun)
			judge_end(r, p);
		else
			ret_undecided[kind] = true;
		if (!ret_undecided[kind] && p->verdict != PROOF_BOOTED && add_tail(r, p, e) < 0)
			return -1;
	}
	return 0;
}
