#include "prove/judge.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

#define START	 "TAP version 13\n"
#define GOOD_MOD "# begin mod\nok 1 - mod load\n# mod events 11\nok 2 - mod taint\n"
#define GOOD_BPF "# begin bpf\nok 3 - bpf load\n# bpf events 11\nok 4 - bpf taint\n"
#define OOPS	 "[    2.0] BUG: kernel NULL pointer dereference\n[    2.1] Kernel panic - not syncing: Fatal exception\n"

/* What a guest with both kinds says, and what comes of it: verdict and finding of each, "-" undecided. */
static const struct {
	const char *what;
	enum guest_end end;
	const char *tap, *console;
	const char *mod, *bpf; /* "booted", "failed load", ... */
} rows[] = {
	{ "all good", GUEST_OFF, START GOOD_MOD GOOD_BPF "1..4\n", "", "booted ", "booted " },
	{ "module refused", GUEST_OFF,
	  START "# begin mod\nnot ok 1 - mod load: init_module: Exec format error\nok 2 - mod taint\n" GOOD_BPF "1..4\n", "",
	  "failed load", "booted " },
	{ "verifier", GUEST_OFF, START GOOD_MOD "# begin bpf\nnot ok 3 - bpf verifier: R1\nok 4 - bpf taint\n1..4\n", "", "booted ",
	  "failed verifier" },
	{ "no events", GUEST_OFF, START "# begin mod\nok 1 - mod load\nok 2 - mod taint\n" GOOD_BPF "1..4\n", "", "failed events",
	  "booted " },
	{ "oops at once", GUEST_OFF, START "# begin mod\n", OOPS, "failed oops", "-" },
	{ "oops in the second", GUEST_OFF, START GOOD_MOD "# begin bpf\n", OOPS, "booted ", "failed oops" },
	{ "hangs", GUEST_HUNG, START "# begin mod\n", "[    2.0] endless\n", "failed hung", "-" },
	{ "ends without a word", GUEST_OFF, START "# begin mod\nok 1 - mod load\n", "", "failed died", "-" },
	{ "dies after its last test", GUEST_OFF, START GOOD_MOD GOOD_BPF, OOPS, "booted ", "failed oops" },
	{ "garbage", GUEST_OFF, START GOOD_MOD "what?\n" GOOD_BPF "1..4\n", "", "failed garbled", "failed garbled" },
	{ "never up", GUEST_OFF, "", OOPS, "gated ", "gated " },
	{ "never up, in silence", GUEST_HUNG, "", "", "gated ", "gated " },
	{ "no emulator", GUEST_REFUSED, "", "", "gated ", "gated " },
	{ "emulator dies", GUEST_REFUSED, START GOOD_MOD "# begin bpf\n", "", "gated ", "gated " },
};

static void expect(size_t row, const struct proof *p, bool undecided, const char *wanted)
{
	cleanup_free char *found = NULL;
	struct err e;

	found = undecided ? str_dup("-", &e) : str_printf(&e, "%s %s", proof_verdict_name(p->verdict), p->finding);
	cr_expect_str_eq(found, wanted, "%s, %s: %s", rows[row].what, kind_name(p->kind), found);
	if (!undecided && p->verdict == PROOF_FAILED)
		cr_expect(p->reason && str_starts(p->reason, p->finding), "%s: %s", rows[row].what, p->reason);
	if (!undecided && p->verdict == PROOF_GATED)
		cr_expect(p->trouble && strstr(p->reason, "did not come up"), "%s: %s", rows[row].what, p->reason);
}

Test(judge, every_end_of_a_guest)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct guest_result r = { .end = rows[i].end, .milliseconds = 5000, .emulator = "no such machine" };
		struct proof proofs[KIND_COUNT] = { { .kind = KIND_MOD }, { .kind = KIND_BPF } };
		struct proof *const in_it[KIND_COUNT] = { &proofs[0], &proofs[1] };
		bool undecided[KIND_COUNT];
		struct err e;
		tap_feed(&r.tap, rows[i].tap, strlen(rows[i].tap));
		console_feed(&r.console, rows[i].console, strlen(rows[i].console));
		cr_assert_eq(judge(&r, true, in_it, undecided, &e), 0);
		expect(i, &proofs[KIND_MOD], undecided[KIND_MOD], rows[i].mod);
		expect(i, &proofs[KIND_BPF], undecided[KIND_BPF], rows[i].bpf);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			proof_release(&proofs[kind]);
	}
}

/* A probe that only has to load reports nothing. */
Test(judge, no_events_where_none_are_due)
{
	struct guest_result r = { .end = GUEST_OFF };
	struct proof p = { .kind = KIND_MOD };
	struct proof *const in_it[KIND_COUNT] = { &p, NULL };
	static const char tap[] = START "# begin mod\nok 1 - mod load\nok 2 - mod unload\nok 3 - mod taint\n1..3\n";
	bool undecided[KIND_COUNT];
	struct err e;

	tap_feed(&r.tap, tap, strlen(tap));
	cr_assert_eq(judge(&r, false, in_it, undecided, &e), 0);
	cr_expect_eq(p.verdict, PROOF_BOOTED);
	proof_release(&p);
}
