/* A module against the kernel's own packages: everything that does not fit must come out as the finding that names it. */
#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>

#include "base/cleanup.h"
#include "fixture.h"
#include "gate/object.h"

/* Of 56 bytes: one too many for a row of __versions. */
#define LONG_NAME "a_name_as_only_compilers_make_them_of_what_people_write_"

static const char symvers[] = "0x11111111\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
			      "0x22222222\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
			      "0x33333333\tmisc_register\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
			      "0x44444444\t__x86_return_thunk\tvmlinux\tEXPORT_SYMBOL\t\n"
			      "0x55555555\tsecret\tdrivers/secret\tEXPORT_SYMBOL\tSECRET_NS\n"
			      "0x66666666\tonly_ours\tvmlinux\tEXPORT_SYMBOL_GPL\tmodule:other-*,pro-be\n"
			      "0x77777777\t__stack_chk_fail\tvmlinux\tEXPORT_SYMBOL\t\n"
			      "0x88888888\t" LONG_NAME "\tvmlinux\tEXPORT_SYMBOL\t\n"
			      "0x00000000\tassembly\tvmlinux\tEXPORT_SYMBOL\t\n";

static const char config[] = "CONFIG_SMP=y\nCONFIG_PREEMPT_BUILD=y\nCONFIG_MODULE_UNLOAD=y\nCONFIG_MODVERSIONS=y\n"
			     "CONFIG_MITIGATION_RETPOLINE=y\nCONFIG_RETHUNK=y\nCONFIG_STACKPROTECTOR=y\n";

#define WORD(macro, setting, word) "#ifdef " setting "\n#define " macro " \"" word " \"\n#else\n#define " macro " \"\"\n#endif\n"

static const char vermagic_h[] =
	WORD("MODULE_VERMAGIC_SMP", "CONFIG_SMP", "SMP") WORD("MODULE_VERMAGIC_PREEMPT", "CONFIG_PREEMPT_BUILD", "preempt")
		WORD("MODULE_VERMAGIC_MODULE_UNLOAD", "CONFIG_MODULE_UNLOAD", "mod_unload")
			WORD("MODULE_VERMAGIC_MODVERSIONS", "CONFIG_MODVERSIONS", "modversions");

static void take(struct reference *r, enum capture which, const char *text)
{
	struct err e = { 0 };

	cr_assert_eq(reference_add(r, which, text, strlen(text), &e), 0, "%s", e.message);
}

static struct reference *make_kernel(const char *settings)
{
	struct reference *r = NULL;
	struct err e = { 0 };

	cr_assert_eq(reference_new(&r, &e), 0);
	take(r, CAPTURE_SYMVERS, symvers);
	take(r, CAPTURE_CONFIG, settings);
	take(r, CAPTURE_VERMAGIC, vermagic_h);
	return r;
}

struct row_version {
	const char *name;
	uint64_t crc;
};

enum { IMPORTS_MAX = 8, VERSIONS_MAX = 8 };

/* What is different from the good one; NULL and 0: nothing. */
struct spec {
	const char *modinfo; /* with NULs between */
	size_t modinfo_len;
	const char *self;  /* the name that the kernel sees */
	const char *texts; /* in .rodata, with NULs between */
	size_t texts_len;
	struct name symbols[IMPORTS_MAX];
	struct row_version versions[VERSIONS_MAX];
	bool extended, no_versions;
	uint64_t bss;
};

#define INFO(text)  .modinfo = text, .modinfo_len = sizeof(text)
#define TEXTS(text) .texts = text, .texts_len = sizeof(text)
#define GOOD_INFO   "retpoline=Y\0vermagic=6.1.0-x SMP preempt mod_unload modversions "
#define GOOD_SYMBOLS                                                                                                               \
	{ "init", STB_GLOBAL, 1 }, { "_printk", STB_GLOBAL, SHN_UNDEF }, { "misc_register", STB_GLOBAL, SHN_UNDEF },               \
	{                                                                                                                          \
		"__x86_return_thunk", STB_GLOBAL, SHN_UNDEF                                                                        \
	}
#define GOOD_VERSIONS                                                                                                              \
	{ "module_layout", 0x11111111 }, { "_printk", 0x22222222 }, { "misc_register", 0x33333333 },                               \
	{                                                                                                                          \
		"__x86_return_thunk", 0x44444444                                                                                   \
	}

static void put(struct buf *b, const void *bytes, size_t len)
{
	struct err e = { 0 };

	cr_assert_eq(buf_append(b, bytes, len, &e), 0);
}

/* Rows of 8 bytes and 56 of name; or numbers here and names there. */
static void make_versions(const struct row_version *v, bool extended, struct buf *rows, struct buf *names)
{
	for (; v->name; v++) {
		char row[64] = { 0 };
		uint64_t wide = htole64(v->crc);
		uint32_t narrow = htole32((uint32_t)v->crc);
		memcpy(row, &wide, sizeof(wide));
		memcpy(row + 8, v->name, strlen(v->name));
		if (extended)
			put(rows, &narrow, sizeof(narrow));
		else
			put(rows, row, sizeof(row));
		put(names, v->name, strlen(v->name) + 1);
	}
}

static void make(const struct spec *s, struct buf *ret)
{
	static const struct row_version good_versions[] = { GOOD_VERSIONS, { NULL, 0 } };
	static const struct name good_symbols[] = { GOOD_SYMBOLS, { NULL, 0, 0 } };
	static const char good_info[] = "license=GPL\0name=pro_be\0" GOOD_INFO;
	cleanup_buf struct buf rows = { 0 };
	cleanup_buf struct buf names = { 0 };
	char self[0x100] = { 0 };
	struct part parts[8] = { PROGRAM(".text") };
	size_t count = 1;

	snprintf(self + 24, 56, "%s", s->self ? s->self : "pro_be");
	make_versions(s->versions[0].name ? s->versions : good_versions, s->extended, &rows, &names);
	parts[count++] = (struct part){ ".modinfo", SHT_PROGBITS, SHF_ALLOC, s->modinfo ? s->modinfo : good_info,
					s->modinfo ? s->modinfo_len : sizeof(good_info) };
	parts[count++] = (struct part){ ".gnu.linkonce.this_module", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, self, sizeof(self) };
	if (!s->no_versions)
		parts[count++] = (struct part){ s->extended ? "__version_ext_crcs" : "__versions", SHT_PROGBITS, SHF_ALLOC,
						rows.data, rows.len };
	if (!s->no_versions && s->extended)
		parts[count++] = (struct part){ "__version_ext_names", SHT_PROGBITS, SHF_ALLOC, names.data, names.len };
	if (s->texts)
		parts[count++] = (struct part){ ".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC, s->texts, s->texts_len };
	if (s->bss)
		parts[count++] = (struct part){ ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, NULL, s->bss };
	make_object_of(EM_X86_64, parts, s->symbols[0].text ? s->symbols : good_symbols, ret);
}

static void check(const struct buf *object, const struct reference *kernel, struct object_report *ret)
{
	const struct gate_expect expect = { KIND_MOD, "6.1.0-x", EM_X86_64, "pro_be", kernel };
	struct err e = { 0 };

	cr_assert_eq(object_check(object->data, object->len, &expect, ret, &e), 0, "%s", e.message);
}

static void expect_one(const struct spec *s, const char *settings, const char *what, const char *expected, const char *found,
		       const char *label)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(settings);
	cleanup_buf struct buf object = { 0 };
	struct object_report r;

	make(s, &object);
	check(&object, kernel, &r);
	if (!what) {
		cr_expect_eq(r.finding_count, 0u, "%s: %s: expected %s, found %s", label, r.findings[0].what,
			     r.findings[0].expected, r.findings[0].found);
		return;
	}
	cr_assert_eq(r.finding_count, 1u, "%s: %zu findings: %s, %s", label, r.finding_count, r.findings[0].what,
		     r.findings[1].what);
	cr_expect_str_eq(r.findings[0].what, what, "%s", label);
	cr_expect(strstr(r.findings[0].expected, expected), "%s: expected %s", label, r.findings[0].expected);
	cr_expect(strstr(r.findings[0].found, found), "%s: found %s", label, r.findings[0].found);
}

Test(module, what_fits_passes)
{
	static const struct {
		const char *label;
		struct spec spec;
	} rows[] = {
		{ "as it is", { 0 } },
		{ "extended versions", { .extended = true } },
		{ "weak and not there", { .symbols = { GOOD_SYMBOLS, { "nowhere", STB_WEAK, SHN_UNDEF } } } },
		{ "the linker's own", { .symbols = { GOOD_SYMBOLS, { "_GLOBAL_OFFSET_TABLE_", STB_GLOBAL, SHN_UNDEF } } } },
		{ "a symbol of which the kernel has no version",
		  { .symbols = { GOOD_SYMBOLS, { "assembly", STB_GLOBAL, SHN_UNDEF } } } },
		{ "namespace imported",
		  { INFO("license=GPL\0name=pro_be\0import_ns=OTHER\0import_ns=SECRET_NS\0" GOOD_INFO),
		    .symbols = { GOOD_SYMBOLS, { "secret", STB_GLOBAL, SHN_UNDEF } },
		    .versions = { GOOD_VERSIONS, { "secret", 0x55555555 } } } },
		{ "a symbol for this module",
		  { .symbols = { GOOD_SYMBOLS, { "only_ours", STB_GLOBAL, SHN_UNDEF } },
		    .versions = { GOOD_VERSIONS, { "only_ours", 0x66666666 } } } },
		{ "paths that a module may well speak of, and that of its builder",
		  { TEXTS("/tmp/x\0/work/debian-6.1.0-x/src/mod/main.c\0at /root/x.c\0no/work/dir.c\0a.c\0/proc/self\0in Nov 2026\0") } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_one(&rows[i].spec, config, NULL, NULL, NULL, rows[i].label);
}

Test(module, sabotage_is_named)
{
	static const struct {
		const char *label;
		struct spec spec;
		const char *what, *expected, *found;
	} rows[] = {
		{ "one bit in a CRC",
		  { .versions = { { "module_layout", 0x11111111 },
				  { "_printk", 0x22222222 ^ 4 },
				  { "misc_register", 0x33333333 },
				  { "__x86_return_thunk", 0x44444444 } } },
		  "crc",
		  "0x22222222 for '_printk'",
		  "0x22222226" },
		{ "one bit in the upper half",
		  { .versions = { { "module_layout", 0x11111111 },
				  { "_printk", 0x22222222 | (uint64_t)1 << 40 },
				  { "misc_register", 0x33333333 },
				  { "__x86_return_thunk", 0x44444444 } } },
		  "crc",
		  "0x22222222 for '_printk'",
		  "0x10022222222" },
		{ "one bit in an extended CRC",
		  { .extended = true,
		    .versions = { { "module_layout", 0x11111111 },
				  { "_printk", 0x22222222 },
				  { "misc_register", 0x3333333b },
				  { "__x86_return_thunk", 0x44444444 } } },
		  "crc",
		  "0x33333333 for 'misc_register'",
		  "0x3333333b" },
		{ "other layout of what is shared",
		  { .versions = { { "module_layout", 0x11111112 },
				  { "_printk", 0x22222222 },
				  { "misc_register", 0x33333333 },
				  { "__x86_return_thunk", 0x44444444 } } },
		  "crc",
		  "'module_layout'",
		  "0x11111112" },
		{ "a version missing",
		  { .versions = { { "module_layout", 0x11111111 },
				  { "_printk", 0x22222222 },
				  { "__x86_return_thunk", 0x44444444 } } },
		  "versions",
		  "'misc_register'",
		  "no version" },
		{ "no versions", { .no_versions = true }, "versions", "__versions", "none" },
		{ "undefined",
		  { .symbols = { GOOD_SYMBOLS, { "nowhere", STB_GLOBAL, SHN_UNDEF } } },
		  "symbol",
		  "exported",
		  "'nowhere'" },
		{ "proprietary",
		  { INFO("license=Proprietary\0name=pro_be\0" GOOD_INFO) },
		  "gpl",
		  "'misc_register'",
		  "Proprietary" },
		{ "namespace not imported",
		  { INFO("license=GPL\0name=pro_be\0import_ns=SECRET\0" GOOD_INFO),
		    .symbols = { GOOD_SYMBOLS, { "secret", STB_GLOBAL, SHN_UNDEF } },
		    .versions = { GOOD_VERSIONS, { "secret", 0x55555555 } } },
		  "namespace",
		  "SECRET_NS imported, for 'secret'",
		  "not" },
		{ "common", { .symbols = { GOOD_SYMBOLS, { "pool", STB_GLOBAL, SHN_COMMON } } }, "common", "no COMMON", "'pool'" },
		{ "other flavour",
		  { INFO("license=GPL\0name=pro_be\0retpoline=Y\0vermagic=6.1.0-x-cloud SMP preempt mod_unload modversions ") },
		  "vermagic",
		  "6.1.0-x SMP preempt mod_unload modversions",
		  "6.1.0-x-cloud" },
		{ "other preemption",
		  { INFO("license=GPL\0name=pro_be\0retpoline=Y\0vermagic=6.1.0-x SMP preempt_rt mod_unload modversions ") },
		  "vermagic",
		  "SMP preempt mod_unload",
		  "preempt_rt" },
		{ "a word more",
		  { INFO("license=GPL\0name=pro_be\0" GOOD_INFO "RANDSTRUCT_1") },
		  "vermagic",
		  "modversions",
		  "RANDSTRUCT_1" },
		{ "no retpolines",
		  { INFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x SMP preempt mod_unload modversions ") },
		  "retpoline",
		  "retpoline=Y",
		  "none" },
		{ "no return thunks",
		  { .symbols = { { "init", STB_GLOBAL, 1 }, { "_printk", STB_GLOBAL, SHN_UNDEF } } },
		  "return thunk",
		  "__x86_return_thunk",
		  "not imported" },
		{ "other name", { INFO("license=GPL\0name=other\0" GOOD_INFO) }, "name", "pro_be", "other" },
		{ "other name for the kernel", { .self = "other" }, "name", "pro_be", "other in .gnu" },
		{ "too large when loaded", { .bss = (uint64_t)65 << 20 }, "size", "64 MiB", "bytes" },
		{ "an unthinkable size", { .bss = UINT64_MAX }, "size", "64 MiB", "bytes" },
		{ "__FILE__", { TEXTS("x\0/src/m/main.c") }, "build path", "", "'/src/m/main.c' in .rodata" },
		{ "the same in .modinfo",
		  { INFO("license=GPL\0name=pro_be\0srcpath=/home/x/m.c\0" GOOD_INFO) },
		  "build path",
		  "",
		  "'/home/x/m.c' in .modinfo" },
		{ "__DATE__", { TEXTS("Nov  4 2026") }, "build time", "", "Nov  4 2026" },
		{ "__DATE__ __TIME__", { TEXTS("Nov 24 2026 02:51:40") }, "build time", "", "02:51:40" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_one(&rows[i].spec, config, rows[i].what, rows[i].expected, rows[i].found, rows[i].label);
}

/* What the kernel's config does not ask for nobody misses. */
Test(module, the_config_decides)
{
	static const struct spec bare = {
		INFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x mod_unload "),
		.symbols = { { "init", STB_GLOBAL, 1 }, { "_printk", STB_GLOBAL, SHN_UNDEF } },
		.no_versions = true,
	};
	static const struct spec guarded = {
		INFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x mod_unload "),
		.symbols = { { "init", STB_GLOBAL, 1 }, { "__stack_chk_fail", STB_GLOBAL, SHN_UNDEF } },
		.no_versions = true,
	};
	static const struct spec lax = {
		INFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x mod_unload "),
		.symbols = { { "init", STB_GLOBAL, 1 }, { "secret", STB_GLOBAL, SHN_UNDEF } },
		.no_versions = true,
	};

	expect_one(&bare, "CONFIG_MODULE_UNLOAD=y\n", NULL, NULL, NULL, "nothing asked");
	expect_one(&guarded, "CONFIG_MODULE_UNLOAD=y\n", "stack protector", "none", "__stack_chk_fail", "no stack protector");
	expect_one(&guarded, "CONFIG_MODULE_UNLOAD=y\nCONFIG_CC_STACKPROTECTOR=y\n", NULL, NULL, NULL, "as it was called before");
	expect_one(&guarded, "CONFIG_MODULE_UNLOAD=y\nCONFIG_CC_STACKPROTECTOR_STRONG=y\n", NULL, NULL, NULL, "as it was in 4.16");
	expect_one(&guarded, "CONFIG_MODULE_UNLOAD=y\nCONFIG_CC_STACKPROTECTOR_AUTO=y\n", NULL, NULL, NULL, "what there is");
	expect_one(&guarded, "CONFIG_MODULE_UNLOAD=y\nCONFIG_CC_STACKPROTECTOR_NONE=y\n", "stack protector", "none",
		   "__stack_chk_fail", "none in 4.16");
	expect_one(&lax, "CONFIG_MODULE_UNLOAD=y\n", "namespace", "SECRET_NS", "not", "strict");
	expect_one(&lax, "CONFIG_MODULE_UNLOAD=y\nCONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS=y\n", NULL, NULL, NULL, "lax");
}

/* Another kernel's Module.symvers: what differs is named, up to as many as a report holds. */
Test(module, built_for_another_kernel)
{
	static const struct spec other = { .versions = { { "module_layout", 0xa1111111 },
							 { "_printk", 0xa2222222 },
							 { "misc_register", 0xa3333333 },
							 { "__x86_return_thunk", 0xa4444444 } } };
	cleanup_of(reference) struct reference *kernel = make_kernel(config);
	cleanup_buf struct buf object = { 0 };
	struct object_report r;

	make(&other, &object);
	check(&object, kernel, &r);
	cr_assert_eq(r.finding_count, 4u);
	for (size_t i = 0; i < r.finding_count; i++)
		cr_expect_str_eq(r.findings[i].what, "crc");
}

/* Rows that are cut, names without an end, numbers without names: a finding, and nothing is read beyond them. */
Test(module, damaged_versions)
{
	static const struct {
		const char *label, *section, *bytes;
		size_t len;
		const char *names;
		size_t names_len;
	} rows[] = {
		{ "half a row", "__versions", "12345678abc", 11, NULL, 0 },
		{ "no end", "__versions", "12345678abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefgh", 64, NULL, 0 },
		{ "fewer names", "__version_ext_crcs", "12345678", 8, "one", 4 },
		{ "a name without an end", "__version_ext_crcs", "1234", 4, "one", 3 },
		{ "half a number", "__version_ext_crcs", "12345", 5, "one", 4 },
		{ "no names", "__version_ext_crcs", "1234", 4, NULL, 0 },
	};
	static const struct name symbols[] = { GOOD_SYMBOLS, { NULL, 0, 0 } };
	cleanup_of(reference) struct reference *kernel = make_kernel(config);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct part parts[] = { PROGRAM(".text"),
					MODINFO("license=GPL\0name=pro_be\0" GOOD_INFO),
					THIS_MODULE,
					{ rows[i].section, SHT_PROGBITS, SHF_ALLOC, rows[i].bytes, rows[i].len },
					{ rows[i].names ? "__version_ext_names" : NULL, SHT_PROGBITS, SHF_ALLOC, rows[i].names,
					  rows[i].names_len },
					NO_MORE };
		cleanup_buf struct buf object = { 0 };
		struct object_report r;
		make_object_of(EM_X86_64, parts, symbols, &object);
		check(&object, kernel, &r);
		cr_assert_eq(r.finding_count, 1u, "%s: %zu", rows[i].label, r.finding_count);
		cr_expect_str_eq(r.findings[0].what, "versions", "%s", rows[i].label);
	}
}

/* What has the extended form, too, leaves out of the other what is too long for it. */
Test(module, a_name_too_long_for_a_row)
{
	static const struct name symbols[] = { { "init", STB_GLOBAL, 1 }, { LONG_NAME, STB_GLOBAL, SHN_UNDEF }, { NULL, 0, 0 } };
	static const struct row_version layout[] = { { "module_layout", 0x11111111 }, { NULL, 0 } };
	static const struct {
		bool extended;
		struct row_version versions[3];
		const char *finding;
	} rows[] = {
		{ true, { { "module_layout", 0x11111111 }, { LONG_NAME, 0x88888888 } }, NULL },
		{ true, { { "module_layout", 0x11111111 }, { LONG_NAME, 0x88888889 } }, "crc" },
		{ true, { { "module_layout", 0x11111111 } }, "versions" },
		{ false, { { "module_layout", 0x11111111 } }, "versions" },
	};
	cleanup_of(reference) struct reference *kernel = make_kernel("CONFIG_MODULE_UNLOAD=y\nCONFIG_MODVERSIONS=y\n");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf basic = { 0 }, crcs = { 0 }, names = { 0 }, unused = { 0 }, object = { 0 };
		struct object_report r;
		make_versions(layout, false, &basic, &unused);
		make_versions(rows[i].versions, true, &crcs, &names);
		struct part parts[] = { PROGRAM(".text"),
					MODINFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x mod_unload modversions "),
					THIS_MODULE,
					{ "__versions", SHT_PROGBITS, SHF_ALLOC, basic.data, basic.len },
					{ rows[i].extended ? "__version_ext_crcs" : NULL, SHT_PROGBITS, SHF_ALLOC, crcs.data,
					  crcs.len },
					{ "__version_ext_names", SHT_PROGBITS, SHF_ALLOC, names.data, names.len },
					NO_MORE };
		make_object_of(EM_X86_64, parts, symbols, &object);
		check(&object, kernel, &r);
		cr_assert_eq(r.finding_count, rows[i].finding ? 1u : 0u, "%zu: %zu, %s", i, r.finding_count, r.findings[0].what);
		if (rows[i].finding)
			cr_expect_str_eq(r.findings[0].what, rows[i].finding, "%zu", i);
	}
}

/* Where struct module is laid out at random, nobody knows where in it the name is. */
Test(module, a_layout_that_only_the_kernel_knows)
{
	static const struct spec elsewhere = { INFO("license=GPL\0name=pro_be\0vermagic=6.1.0-x mod_unload RANDSTRUCT_1"),
					       .self = "be", .symbols = { { "init", STB_GLOBAL, 1 } }, .no_versions = true };

	expect_one(&elsewhere, "CONFIG_MODULE_UNLOAD=y\nCONFIG_RANDSTRUCT=y\n", NULL, NULL, NULL, "since 5.19");
	expect_one(&elsewhere, "CONFIG_MODULE_UNLOAD=y\nCONFIG_GCC_PLUGIN_RANDSTRUCT=y\n", NULL, NULL, NULL, "before");
}

Test(module, a_release_that_only_the_packages_tell)
{
	static const struct spec good;
	static const struct {
		const char *text;
		size_t findings;
	} rows[] = { { "#define UTS_RELEASE \"6.1.0-x\"\n", 0 },
		     { "#define UTS_RELEASE \"6.1.0-y\"\n", 1 },
		     { "/* nobody tells */\n", 0 } };
	cleanup_buf struct buf object = { 0 };

	make(&good, &object);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_of(reference) struct reference *kernel = make_kernel(config);
		const struct gate_expect expect = { KIND_MOD, "", EM_X86_64, NULL, kernel };
		struct object_report r;
		struct err e = { 0 };
		take(kernel, CAPTURE_UTSRELEASE, rows[i].text);
		cr_assert_eq(object_check(object.data, object.len, &expect, &r, &e), 0, "%s", e.message);
		cr_expect_eq(r.finding_count, rows[i].findings);
	}
}

Test(module, another_machine)
{
	cleanup_of(reference) struct reference *kernel = make_kernel(config);
	static const struct spec good;
	cleanup_buf struct buf object = { 0 };
	const struct gate_expect expect = { KIND_MOD, "6.1.0-x", EM_AARCH64, NULL, kernel };
	struct object_report r;
	struct err e = { 0 };

	make(&good, &object);
	cr_assert_eq(object_check(object.data, object.len, &expect, &r, &e), 0, "%s", e.message);
	cr_assert_eq(r.finding_count, 1u);
	cr_expect_str_eq(r.findings[0].what, "machine");
}
