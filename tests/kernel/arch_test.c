#include "kernel/arch.h"

#include <criterion/criterion.h>
#include <elf.h>

#include "kernel/kind.h"

Test(arch, ties_the_names_together)
{
	const struct arch *amd64 = arch_by_name("amd64"), *arm64 = arch_by_name("arm64");
	cr_assert(amd64 && arm64);
	cr_expect_str_eq(amd64->srcarch, "x86");
	cr_expect_eq(amd64->elf_machine, EM_X86_64);
	cr_expect_str_eq(arm64->srcarch, "arm64");
	cr_expect_eq(arm64->elf_machine, EM_AARCH64);
	cr_expect(arch_is_configured(amd64, "x86") && arch_is_configured(amd64, "x86_64") && !arch_is_configured(amd64, "i386"));
	cr_expect(arch_is_configured(arm64, "arm64") && !arch_is_configured(arm64, "x86"));
	cr_expect_null(arch_by_name("x86_64"));
	for (const char *const *name = arch_names(); *name; name++)
		cr_expect_not_null(arch_by_name(*name), "%s", *name);
}

Test(kind, is_read_back_from_its_name)
{
	struct err e = { 0 };
	for (int i = 0; i < KIND_COUNT; i++) {
		enum probe_kind_id kind = KIND_COUNT;
		cr_expect_eq(kind_parse(kind_name((enum probe_kind_id)i), &kind, &e), 0);
		cr_expect_eq((int)kind, i);
	}
	enum probe_kind_id kind = KIND_COUNT;
	cr_expect_lt(kind_parse("ebpf", &kind, &e), 0);
	cr_expect_eq(e.kind, ERR_USAGE);
	cr_expect_str_eq(e.message, "unknown kind 'ebpf': expected 'mod' or 'bpf'");
}
