#include "descriptor/probe.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "expect.h"

static int try_probe(const char *bytes, size_t len, const char *name, struct err *e)
{
	cleanup_probe struct probe p = { 0 };
	return probe_parse(bytes, len, name, &p, e);
}

Test(probe, says_what_is_wrong_and_where)
{
	static const struct bad_file files[] = {
		{ "probe-kind", "9:3: unknown key 'ebpf' in a set of kinds: did you mean 'bpf'?" },
		{ "probe-minimum", "8:21: 'three' is not a kernel version like '4.14'" },
		{ "probe-name", "1:7: 'collector_2' is no name of a probe: expected a-z, 0-9 and `-`" },
		{ "probe-no-kind", "1:1: a probe needs at least one kind: 'mod' or 'bpf'" },
		{ "probe-no-sources", "5:5: a kind needs at least one source" },
		{ "probe-output", "6:13: '../collector.ko': expected a relative path without '.' and '..'" },
		{ "probe-source", "7:23: '/etc/passwd': expected a relative path without '.' and '..'" },
		{ "probe-version-file", "2:15: '/etc/version': expected a relative path, `../` at its start only" },
	};
	expect_refusals(files, ARRAY_LEN(files), try_probe);
}

Test(probe, reads_every_key)
{
	struct err e = { 0 };
	cleanup_probe struct probe p = { 0 };
	cr_assert_eq(probe_load(DATA, &p, &e), 0, "%s", e.message);
	cr_expect_str_eq(p.name, "collector");
	cr_expect_str_eq(p.version_file, "../MODULE_VERSION");
	const struct probe_kind *mod = &p.kinds[KIND_MOD], *bpf = &p.kinds[KIND_BPF];
	cr_expect(mod->present && bpf->present);
	cr_expect_str_eq(mod->build, "make -C \"$KERNEL_BUILD\"");
	cr_expect_str_eq(mod->output, "module/collector.ko");
	cr_expect_eq(mod->sources.len, 2);
	cr_expect_str_eq(mod->minimum_kernel, "3.10");
	cr_expect_str_eq(bpf->build, "make -C bpf\ntrue\n");
	cr_assert_eq(bpf->sources.len, 1);
	cr_expect_null(bpf->minimum_kernel);
}

Test(probe, may_have_one_kind)
{
	static const char text[] = "name: x\nversion-file: VERSION\nkinds: {bpf: {build: make, output: x.o, sources: [x.c]}}\n";
	struct err e = { 0 };
	cleanup_probe struct probe p = { 0 };
	cr_assert_eq(probe_parse(text, sizeof(text) - 1, "probe.yaml", &p, &e), 0, "%s", e.message);
	cr_expect(!p.kinds[KIND_MOD].present && p.kinds[KIND_BPF].present);
}

Test(probe, ours_is_good)
{
	struct err e = { 0 };
	cleanup_probe struct probe p = { 0 };
	cr_assert_eq(probe_load("probe", &p, &e), 0, "%s", e.message);
	cr_expect(p.kinds[KIND_MOD].present && p.kinds[KIND_BPF].present);
}
