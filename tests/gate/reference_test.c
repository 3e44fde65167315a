#include "gate/reference.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static struct reference *reference_of(enum capture which, const char *text)
{
	struct reference *r = NULL;
	struct err e = { 0 };

	cr_assert_eq(reference_new(&r, &e), 0);
	cr_assert_eq(reference_add(r, which, text, strlen(text), &e), 0, "%s", e.message);
	return r;
}

Test(reference, symbols_of_every_form_that_modpost_has_written)
{
	static const struct {
		const char *line, *module, *name_space;
		uint32_t crc;
		bool gpl;
	} rows[] = {
		{ "0xdeadbeef\tsym\tvmlinux\tEXPORT_SYMBOL\t\n", "vmlinux", "", 0xdeadbeef, false },
		{ "0x00000000\tsym\tdrivers/x\tEXPORT_SYMBOL_GPL\tNS\n", "drivers/x", "NS", 0, true },
		{ "0x00000001\tsym\tNS\tdrivers/x\tEXPORT_SYMBOL_GPL\n", "drivers/x", "NS", 1, true },
		{ "0x00000001\tsym\t\tvmlinux\tEXPORT_SYMBOL\n", "vmlinux", "", 1, false },
		{ "0x00000001\tsym\tvmlinux\tEXPORT_SYMBOL_GPL_FUTURE\n", "vmlinux", "", 1, false },
		{ "0x00000001\tsym\tvmlinux\tEXPORT_UNUSED_SYMBOL_GPL", "vmlinux", "", 1, true },
		{ "0x00000001\tsym\tvmlinux\tEXPORT_SYMBOL\tNS\tmore", "vmlinux", "NS", 1, false },
		{ "0x00000001\tsym\tvmlinux", "vmlinux", "", 1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(reference) struct reference *r = reference_of(CAPTURE_SYMVERS, rows[i].line);
		const struct reference_symbol *s = reference_symbol(r, "sym");
		cr_assert(s, "row %zu", i);
		cr_expect_str_eq(s->module, rows[i].module, "row %zu", i);
		cr_expect_str_eq(s->name_space, rows[i].name_space, "row %zu", i);
		cr_expect_eq(s->crc, rows[i].crc, "row %zu", i);
		cr_expect_eq(s->gpl, rows[i].gpl, "row %zu", i);
		cr_expect(reference_has_symbols(r));
		cr_expect_null(reference_symbol(r, "sy"));
	}
}

#define TEXT(text)                                                                                                                 \
	{                                                                                                                          \
		text, sizeof(text) - 1                                                                                             \
	}

Test(reference, a_symvers_that_is_none_is_refused)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		TEXT("<html>"),
		TEXT("0x0\tsym\n"),
		TEXT("0x100000000\tsym\tvmlinux\tEXPORT_SYMBOL\n"),
		TEXT("0x0\t\tvmlinux\tEXPORT_SYMBOL\n"),
		TEXT("0x0\tsym\tvmlinux\0EXPORT_SYMBOL\n"),
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(reference) struct reference *r = NULL;
		struct err e = { 0 };
		cr_assert_eq(reference_new(&r, &e), 0);
		cr_expect_eq(reference_add(r, CAPTURE_SYMVERS, rows[i].text, rows[i].len, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_CORRUPT, "row %zu", i);
		cr_expect_not(reference_has_symbols(r));
	}
}

static const char config[] = "# CONFIG_OFF is not set\nCONFIG_SMP=y\nCONFIG_MOD=m\nCONFIG_TEXT=\"two words\"\nCONFIG_HZ=250\n";

Test(reference, settings)
{
	cleanup_of(reference) struct reference *r = reference_of(CAPTURE_CONFIG, config);
	char value[8];

	cr_expect(reference_has_config(r));
	cr_expect(reference_config_on(r, "SMP") && reference_config_on(r, "MOD"));
	cr_expect_not(reference_config_on(r, "OFF") || reference_config_on(r, "HZ") || reference_config_on(r, "SM"));
	cr_expect(reference_config(r, "HZ", value, sizeof(value)));
	cr_expect_str_eq(value, "250");
	cr_expect(reference_config(r, "TEXT", value, sizeof(value)));
	cr_expect_str_eq(value, "two wor");
	cr_expect_not(reference_config(r, "OFF", value, sizeof(value)));
	cr_expect_str_eq(value, "");
}

/* The two orders in which kernels have asked for the same settings. */
#define CHAIN(first, first_text, second, second_text)                                                                              \
	"#ifdef CONFIG_SMP\n#define MODULE_VERMAGIC_SMP \"SMP \"\n#else\n#define MODULE_VERMAGIC_SMP \"\"\n#endif\n"               \
	"#ifdef " first "\n#define MODULE_VERMAGIC_PREEMPT \"" first_text "\"\n#elif defined(" second                              \
	")\n#define MODULE_VERMAGIC_PREEMPT \"" second_text "\"\n#else\n#define MODULE_VERMAGIC_PREEMPT \"\"\n#endif\n"            \
	"#define VERMAGIC_STRING UTS_RELEASE \" \" MODULE_VERMAGIC_SMP\n"

Test(reference, vermagic_is_asked_of_the_kernels_own_header)
{
	static const char build_first[] = CHAIN("CONFIG_PREEMPT_BUILD", "preempt ", "CONFIG_PREEMPT_RT", "preempt_rt ");
	static const char rt_first[] = CHAIN("CONFIG_PREEMPT_RT", "preempt_rt ", "CONFIG_PREEMPT_BUILD", "preempt ");
	static const char negative[] = "#ifndef GUARD\n#ifndef CONFIG_SMP\n#define MODULE_VERMAGIC_SMP \"\"\n#endif\n"
				       "#ifndef CONFIG_PREEMPT\n#define MODULE_VERMAGIC_PREEMPT \"\"\n#else\n"
				       "#define MODULE_VERMAGIC_PREEMPT \"preempt \"\n#endif\n";
	static const struct {
		const char *header, *settings, *preempt;
	} rows[] = {
		{ negative, "CONFIG_PREEMPT=y\n", "preempt " },
		{ negative, "CONFIG_PREEMPT_RT=y\n", "" },
		{ build_first, "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_RT=y\n", "preempt " },
		{ rt_first, "CONFIG_PREEMPT_BUILD=y\nCONFIG_PREEMPT_RT=y\n", "preempt_rt " },
		{ build_first, "CONFIG_PREEMPT_RT=y\n", "preempt_rt " },
		{ rt_first, "CONFIG_PREEMPT_BUILD=y\n", "preempt " },
		{ rt_first, "CONFIG_PREEMPT_RT_X=y\n", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(reference) struct reference *r = reference_of(CAPTURE_VERMAGIC, rows[i].header);
		struct err e = { 0 };
		char part[32];
		cr_expect_not(reference_vermagic_part(r, "MODULE_VERMAGIC_SMP", part, sizeof(part)), "without a config");
		cr_assert_eq(reference_add(r, CAPTURE_AUTO_CONF, rows[i].settings, strlen(rows[i].settings), &e), 0);
		cr_assert(reference_vermagic_part(r, "MODULE_VERMAGIC_PREEMPT", part, sizeof(part)), "row %zu", i);
		cr_expect_str_eq(part, rows[i].preempt, "row %zu", i);
		cr_assert(reference_vermagic_part(r, "MODULE_VERMAGIC_SMP", part, sizeof(part)), "row %zu", i);
		cr_expect_str_eq(part, "", "row %zu", i);
		cr_expect_not(reference_vermagic_part(r, "MODULE_VERMAGIC", part, sizeof(part)));
		cr_expect_not(reference_vermagic_part(r, "VERMAGIC_STRING", part, sizeof(part)), "is no string of its own");
	}
}

Test(reference, release)
{
	cleanup_of(reference) struct reference *r = reference_of(CAPTURE_UTSRELEASE, "#define UTS_RELEASE \"6.1.0-x\"\n");
	cr_expect_str_eq(reference_release(r), "6.1.0-x");
}

Test(reference, what_ebpf_a_kernel_has)
{
	static const struct {
		const char *label, *mapper;
	} rows[] = {
		{ "since 6.1",
		  "#define ___BPF_FUNC_MAPPER(FN, ctx...)\t\\\n\tFN(unspec, 0, ##ctx)\t\\\n\tFN(map_lookup_elem, 1, ##ctx)\\\n"
		  "\tFN(ringbuf_output, 2, ##ctx)\t\\\n\t/* */\n"
		  "#define __BPF_FUNC_MAPPER_APPLY(name, value, FN) FN(name),\n"
		  "#define __BPF_FUNC_MAPPER(FN) ___BPF_FUNC_MAPPER(__BPF_FUNC_MAPPER_APPLY, FN)\n" },
		{ "before",
		  "#define __BPF_FUNC_MAPPER(FN)\t\\\n\tFN(unspec),\t\\\n\tFN(map_lookup_elem),\t\\\n\tFN(ringbuf_output),\n"
		  "enum { FN(other) };\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[1024];
		snprintf(text, sizeof(text), "enum x { BPF_PROG_TYPE_TRACING, /* BPF_PROG_TYPE_LSM comes */\n// BPF_MAP_A\n};\n%s",
			 rows[i].mapper);
		cleanup_of(reference) struct reference *r = reference_of(CAPTURE_BPF, text);
		cr_expect(reference_has_bpf(r));
		cr_expect(reference_has_bpf_name(r, "BPF_PROG_TYPE_TRACING"), "%s", rows[i].label);
		cr_expect(reference_has_bpf_name(r, "ringbuf_output"), "%s", rows[i].label);
		cr_expect_not(reference_has_bpf_name(r, "BPF_PROG_TYPE_TRACIN"), "%s", rows[i].label);
		cr_expect_not(reference_has_bpf_name(r, "PROG_TYPE_TRACING"), "%s", rows[i].label);
		cr_expect_not(reference_has_bpf_name(r, "BPF_PROG_TYPE_LSM"), "%s: in a comment", rows[i].label);
		cr_expect_not(reference_has_bpf_name(r, "BPF_MAP_A"), "%s: in a comment", rows[i].label);
		cr_expect_not(reference_has_bpf_name(r, ""));
		cr_expect_eq(reference_bpf_helper_count(r), 2u, "%s: %u", rows[i].label, reference_bpf_helper_count(r));
	}
}

Test(reference, knows_nothing_of_what_it_was_not_given)
{
	cleanup_of(reference) struct reference *r = NULL;
	struct err e = { 0 };

	cr_assert_eq(reference_new(&r, &e), 0);
	cr_expect_not(reference_has_bpf(r) || reference_has_bpf_name(r, "x") || reference_has_config(r) ||
		      reference_has_symbols(r));
	cr_expect_null(reference_symbol(r, "x"));
	cr_expect_eq(reference_bpf_helper_count(r), 0u);
	cr_expect_str_eq(reference_release(r), "");
	cr_expect_not(reference_config_on(r, "SMP"));
}
