#include "prove/tap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../support/random_bytes.h"
#include "base/cleanup.h"

static void feed(struct tap *t, const char *text)
{
	*t = (struct tap){ 0 };
	tap_feed(t, text, strlen(text));
}

#define START "TAP version 13\r\n"

Test(tap, a_good_guest)
{
	struct tap t;

	feed(&t, "SeaBIOS says hello\n" START "# begin mod\r\nok 1 - mod load\n# mod events 11\nok 2 - mod taint\n"
		 "# begin bpf\nok 3 - bpf load\n# bpf events 12\nok 4 - bpf taint\n1..4\n");
	cr_expect(t.version && t.complete && !t.broken);
	cr_expect(t.kinds[KIND_MOD].begun && t.kinds[KIND_MOD].ended);
	cr_expect_eq(t.kinds[KIND_MOD].tests, 2);
	cr_expect_eq(t.kinds[KIND_MOD].events, 11);
	cr_expect_eq(t.kinds[KIND_BPF].events, 12);
	cr_expect_eq(t.kinds[KIND_MOD].failed + t.kinds[KIND_BPF].failed, 0);
	cr_expect_eq(t.current, KIND_BPF);
}

Test(tap, the_first_failed_test_of_a_kind_is_its_finding)
{
	struct tap t;

	feed(&t,
	     START "# begin bpf\nok 1 - bpf open\nnot ok 2 - bpf verifier: R1 invalid: off=0\nnot ok 3 - bpf log: worse\n1..3\n");
	cr_expect_eq(t.kinds[KIND_BPF].failed, 2);
	cr_expect_str_eq(t.kinds[KIND_BPF].finding, "verifier");
	cr_expect_str_eq(t.kinds[KIND_BPF].detail, "R1 invalid: off=0");
	cr_expect(!t.kinds[KIND_BPF].ended);
	cr_expect_eq(t.guest.failed, 0);
	feed(&t, START "not ok 1 - guest scene: loopback: No such device\n1..1\n");
	cr_expect_eq(t.guest.failed, 1);
	cr_expect_str_eq(t.guest.detail, "loopback: No such device");
}

Test(tap, a_piece_at_a_time_is_the_same)
{
	static const char text[] = START "# begin mod\nok 1 - mod load\nnot ok 2 - mod exec: not reported\n1..2\n";
	struct tap whole, pieces = { 0 };

	feed(&whole, text);
	for (size_t i = 0; i < strlen(text); i++)
		tap_feed(&pieces, text + i, 1);
	cr_expect_eq(memcmp(&whole.kinds, &pieces.kinds, sizeof(whole.kinds)), 0);
	cr_expect(whole.complete && pieces.complete);
}

Test(tap, what_is_not_ours_makes_it_incomplete)
{
	static const char *const rows[] = {
		START "ok 2 - mod load\n1..1\n",			     /* a number left out */
		START "ok 1 - mod load\nok 1 - mod load\n1..2\n",	     /* one twice */
		START "ok 1 mod load\n1..1\n",				     /* no dash */
		START "ok 1 - \n1..1\n",				     /* nothing tested */
		START "ok - mod load\n1..1\n",				     /* no number */
		START "ok 99999999999999999999999 - mod load\n1..1\n",	     /* no number that fits */
		START "ok 1 - mod load\n1..2\n",			     /* fewer than planned */
		START "ok 1 - mod load\n1..0\n",			     /* more than planned */
		START "ok 1 - mod load\n1..1 or so\n",			     /* no plan */
		START "ok 1 - mod load\n1..1\nok 2 - mod unload\n",	     /* something after it */
		START "ok 1 - mod load\n[    1.5] BUG: kernel NULL\n1..1\n", /* the kernel speaks here */
		START "ok 1 - mod load\n",				     /* no plan at all */
		"ok 1 - mod load\n1..1\n",				     /* no beginning */
		"TAP version 14\nok 1 - mod load\n1..1\n",		     /* another one */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tap t;
		feed(&t, rows[i]);
		cr_expect(!t.complete, "row %zu", i);
	}
}

Test(tap, hostile_bytes)
{
	static char long_line[8192];
	struct tap t;

	memset(long_line, 'x', sizeof(long_line) - 1);
	feed(&t, START "# begin mod\n");
	tap_feed(&t, long_line, sizeof(long_line));
	tap_feed(&t, "\n1..0\n", 6);
	cr_expect(t.broken && !t.complete);

	feed(&t, START "# begin mod\nnot ok 1 - mod log: \033[2J\001\xff\n1..1\n");
	cr_expect_str_eq(t.kinds[KIND_MOD].detail, "?[2J??");

	/* A finding that is too long for its place is cut. */
	long_line[200] = '\0';
	feed(&t, START "# begin mod\nnot ok 1 - mod ");
	tap_feed(&t, long_line, 200);
	tap_feed(&t, "\n", 1);
	cr_expect_eq(strlen(t.kinds[KIND_MOD].finding), TAP_FINDING_MAX - 1);
}

Test(tap, more_tests_than_any_guest_has)
{
	struct tap t = { 0 };

	tap_feed(&t, START, strlen(START));
	for (unsigned i = 1; i <= TAP_TESTS_MAX + 1; i++) {
		char line[40];
		tap_feed(&t, line, (size_t)snprintf(line, sizeof(line), "ok %u - mod load\n", i));
	}
	cr_expect_eq(t.tests, TAP_TESTS_MAX);
	cr_expect(t.broken);
}

/* Whatever a serial line carries, nothing beyond the struct is touched (the sanitizers look) and nothing is complete. */
Test(tap, noise)
{
	enum { BYTES = 1 << 20 };
	cleanup_free char *bytes = random_bytes(BYTES, 5);
	struct tap t = { 0 };

	tap_feed(&t, bytes, BYTES);
	tap_feed(&t, "\n" START, strlen("\n" START));
	tap_feed(&t, bytes, BYTES);
	cr_expect(!t.complete);
}
