#include "prove/run.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

static void ignore_kernel(void *context, const struct kernel *k)
{
	(void)context, (void)k;
}

static void ignore_proof(void *context, const struct proof *p)
{
	(void)context, (void)p;
}

/* Kernels of an architecture that has no guests, first and last, say nothing about the other. */
Test(run, architectures_without_guests_are_their_own_affair)
{
	cleanup_temp_dir struct temp_dir d;
	struct err e = { 0 };
	temp_dir_make(&d);
	cleanup_free char *object = path_join(d.path, "probe-1.ko", &e), *store = path_join(d.path, "cache", &e);
	const struct distro distro = { 0 }; /* which does not say where kernels are */
	char id[] = "1";
	const struct kernel strange = { .id = id, .release = id, .arch = arch_by_name("arm64") };
	const struct kernel plain = { .id = id, .release = id, .arch = arch_by_name("amd64") };
	const struct prove_task tasks[] = {
		{ &distro, &strange, { [KIND_MOD] = { .path = object } } },
		{ &distro, &plain, { [KIND_MOD] = { .path = object } } },
	};
	struct prove_options o = { .kinds = { [KIND_MOD] = true },
				   .jobs = 1,
				   .timeout_s = 10,
				   .init_path = object,
				   .begun = ignore_kernel,
				   .done = ignore_proof,
				   .ended = ignore_kernel };
	cleanup_proof_set struct proof_set proofs = { 0 };

	cr_assert_eq(file_replace(object, "object", strlen("object"), 0644, &e), 0, "%s", e.message);
	cr_assert_eq(cache_open(store, NULL, &o.cache, &e), 0, "%s", e.message);
	cr_assert_eq(prove_run(&o, tasks, ARRAY_LEN(tasks), &proofs, &e), 0, "%s", e.message);
	cr_assert_eq(proofs.count, 2);
	cr_expect(proofs.items[0].verdict == PROOF_GATED && !proofs.items[0].trouble, "%s", proofs.items[0].reason);
	cr_expect(strstr(proofs.items[0].reason, "arm64"), "%s", proofs.items[0].reason);
	cr_expect_eq(proofs.items[1].verdict, PROOF_GATED);
	cr_expect(!strstr(proofs.items[1].reason, "arm64"), "%s", proofs.items[1].reason);
	cache_close(o.cache);
}
