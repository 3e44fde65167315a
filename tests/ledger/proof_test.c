#include <criterion/criterion.h>

#include "fixture.h"

static struct ledger_proof_key key_of(const char *object)
{
	return (struct ledger_proof_key){ .kernel = "6.1.0-9-amd64",
					  .kind = "mod",
					  .object = digest_of_text(object),
					  .image = digest_of_text("image"),
					  .guest = digest_of_text("guest") };
}

static struct ledger_proof proof_of(bool passed, const char *finding, int64_t proven)
{
	return (struct ledger_proof){ .passed = passed,
				      .finding = (char *)finding,
				      .reason = (char *)"because",
				      .kernel_image = digest_of_text("kernel"),
				      .events = 11,
				      .milliseconds = 4700,
				      .machine = (char *)"QEMU 7.2 (tcg)",
				      .proven = proven };
}

Test(ledger_proof, is_there_for_the_same_bytes_only)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	const struct ledger_proof_key key = key_of("a"), other_object = key_of("b");
	struct ledger_proof_key other_image = key_of("a"), other_guest = key_of("a");
	const struct ledger_proof passed = proof_of(true, "", 77);
	cleanup_ledger_proof struct ledger_proof got = { 0 };
	struct err e = { 0 };

	other_image.image = digest_of_text("another");
	other_guest.guest = digest_of_text("another");
	cr_expect_eq(ledger_proof_get(l, &key, &got, &e), 0);
	cr_assert_eq(ledger_proof_put(l, &key, &passed, &e), 0, "%s", e.message);
	cr_expect_eq(ledger_proof_get(l, &other_object, &got, &e), 0);
	cr_expect_eq(ledger_proof_get(l, &other_image, &got, &e), 0);
	cr_expect_eq(ledger_proof_get(l, &other_guest, &got, &e), 0);
	cr_assert_eq(ledger_proof_get(l, &key, &got, &e), 1, "%s", e.message);
	cr_expect(got.passed);
	cr_expect_str_eq(got.reason, "because");
	cr_expect_str_eq(got.machine, "QEMU 7.2 (tcg)");
	cr_expect_eq(got.events, 11);
	cr_expect_eq(got.milliseconds, 4700);
	cr_expect_eq(got.proven, 77);
	const struct digest kernel = digest_of_text("kernel");
	cr_expect(digest_equal(&got.kernel_image, &kernel));
}

Test(ledger_proof, the_last_one_counts)
{
	cleanup_place struct place p;
	place_make(&p);
	cleanup_of(ledger) struct ledger *l = open_ledger(&p);
	const struct ledger_proof_key key = key_of("a");
	const struct ledger_proof passed = proof_of(true, "", 1), failed = proof_of(false, "oops", 2);
	cleanup_ledger_proof struct ledger_proof got = { 0 };
	struct err e = { 0 };

	cr_assert_eq(ledger_proof_put(l, &key, &passed, &e), 0);
	cr_assert_eq(ledger_proof_put(l, &key, &failed, &e), 0);
	cr_assert_eq(ledger_proof_get(l, &key, &got, &e), 1);
	cr_expect(!got.passed);
	cr_expect_str_eq(got.finding, "oops");
}
