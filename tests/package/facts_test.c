#include "package/facts.h"

#include <criterion/criterion.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "fixture.h"
#include "package/format.h"
#include "stream/source.h"

static int collect_at(const struct entry *entries, const char *places, struct facts *ret, struct err *e)
{
	static const char *const names[] = { "p0" };
	cleanup_buf struct buf tar = { 0 };
	cleanup_buf struct buf deb = { 0 };

	make_tar(entries, &tar);
	make_deb_of("data.tar", &tar, &deb);
	struct source *source = source_from_memory(deb.data, deb.len, e);
	return facts_collect(&source, names, 1, package_format_find("deb", e), 1, places, ret, e);
}

static int collect(const struct entry *entries, struct facts *ret, struct err *e)
{
	return collect_at(entries, "usr/src/h", ret, e);
}

Test(facts, compiler_comes_from_the_config)
{
	static const struct {
		const char *config, *cc_text;
		int gcc, clang;
	} rows[] = {
		{ "CONFIG_CC_VERSION_TEXT=\"x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0\"\nCONFIG_GCC_VERSION=140200\nCONFIG_CLANG_VERSION=0\n",
		  "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0", 14, 0 },
		{ "CONFIG_CC_VERSION_TEXT=\"clang version 17.0.3\"\nCONFIG_GCC_VERSION=0\nCONFIG_CLANG_VERSION=170003",
		  "clang version 17.0.3", 0, 17 },
		{ "CONFIG_GCC_VERSION=40805\n", "", 4, 0 },
		{ "CONFIG_CC_VERSION_TEXT=\"gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-20)\"\n",
		  "gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-20)", 8, 0 },
		{ "CONFIG_CC_VERSION_TEXT=\"gcc-10 (Debian 10.2.1-6) 10.2.1 20210110\"\n",
		  "gcc-10 (Debian 10.2.1-6) 10.2.1 20210110", 10, 0 },
		{ "CONFIG_CC_VERSION_TEXT=\"Debian clang version 11.0.1-2\"\n", "Debian clang version 11.0.1-2", 0, 11 },
		{ "# CONFIG_GCC_VERSION is not set\n=\nCONFIG_=\nCONFIG_GCC_VERSION=\nCONFIG_CLANG_VERSION=999999999999999\n", "",
		  0, 0 },
		{ "", "", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct entry entries[] = { TEXT("./usr/src/h/.config", rows[i].config), NO_MORE };
		struct facts f;
		struct err e = { 0 };
		cr_assert_eq(collect(entries, &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.cc_text, rows[i].cc_text, "row %zu", i);
		cr_expect_eq(f.gcc, rows[i].gcc, "row %zu: gcc %d", i, f.gcc);
		cr_expect_eq(f.clang, rows[i].clang, "row %zu: clang %d", i, f.clang);
	}
}

Test(facts, architecture_is_that_of_the_title)
{
	static const struct {
		const char *config, *arch;
	} rows[] = {
		{ "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.12.117 Kernel Configuration\n#\n", "x86" },
		{ "#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86_64 4.18.0-513.5.1.el8_9.x86_64 Kernel Configuration\n",
		  "x86_64" },
		{ "# Linux/arm64 6.1.0 Kernel Configuration\nCONFIG_X=y\n", "arm64" },
		{ "CONFIG_X86_64=y\n", "" },
		{ "# Linux/", "" },
		{ "# Linux/aaaaaaaaaaaaaaaaaaaaaaaa x\n", "aaaaaaaaaaaaaaa" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct entry entries[] = { TEXT("./usr/src/h/.config", rows[i].config), NO_MORE };
		struct facts f;
		struct err e = { 0 };
		cr_assert_eq(collect(entries, &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.arch, rows[i].arch, "row %zu: %s", i, f.arch);
	}
}

Test(facts, auto_conf_stands_in_for_a_config_that_is_not_there)
{
	static const char gcc_12[] =
		"CONFIG_CC_VERSION_TEXT=gcc (Debian 12.2.0-14) 12.2.0\nCONFIG_GCC_VERSION=120200\nCONFIG_MODVERSIONS=y\n";
	static const char gcc_11[] = "CONFIG_CC_VERSION_TEXT=\"gcc (GCC) 11.4.1\"\nCONFIG_GCC_VERSION=110401\n";
	static const struct entry alone[] = { TEXT("usr/src/h/include/config/auto.conf", gcc_12), NO_MORE };
	static const struct entry before[] = { TEXT("usr/src/h/include/config/auto.conf", gcc_12),
					       TEXT("usr/src/h/.config", gcc_11), NO_MORE };
	static const struct entry behind[] = { TEXT("usr/src/h/.config", gcc_11),
					       TEXT("usr/src/h/include/config/auto.conf", gcc_12), NO_MORE };
	static const struct {
		const struct entry *entries;
		const char *cc_text;
		int gcc;
	} rows[] = {
		{ alone, "gcc (Debian 12.2.0-14) 12.2.0", 12 },
		{ before, "gcc (GCC) 11.4.1", 11 },
		{ behind, "gcc (GCC) 11.4.1", 11 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct facts f;
		struct err e = { 0 };
		cr_assert_eq(collect(rows[i].entries, &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.cc_text, rows[i].cc_text, "row %zu", i);
		cr_expect_eq(f.gcc, rows[i].gcc, "row %zu: gcc %d", i, f.gcc);
	}
}

/* Older packages of some distros have the upstream version in kernel.release. */
Test(facts, release_is_the_one_of_vermagic)
{
	static const struct {
		const char *kernel_release, *utsrelease, *expected;
	} rows[] = {
		{ "5.10.262\n", "#define UTS_RELEASE \"5.10.0-46-amd64\"\n", "5.10.0-46-amd64" },
		{ "6.12.1-x\n", "nothing", "6.12.1-x" },
		{ "", "#define UTS_RELEASE \"6.1\x01\"\n", "6.1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct entry one[] = { TEXT("usr/src/h/include/config/kernel.release", rows[i].kernel_release),
					     TEXT("usr/src/h/include/generated/utsrelease.h", rows[i].utsrelease), NO_MORE };
		const struct entry two[] = { one[1], one[0], NO_MORE };
		struct facts f;
		struct err e = { 0 };
		cr_assert_eq(collect(one, &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.release, rows[i].expected);
		cr_assert_eq(collect(two, &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.release, rows[i].expected);
	}
}

Test(facts, flags_and_other_directories)
{
	static const struct entry entries[] = {
		TEXT("usr/src/h/.config",
		     "CONFIG_DEBUG_INFO_BTF_MODULES=y\nCONFIG_MODVERSIONS=y\n# CONFIG_MODULE_SIG_FORCE is not set\n"
		     "CONFIG_MODULE_SIG_HASH=\"sha512\"\nCONFIG_GCC_VERSION=120200\n"),
		TEXT("usr/src/hh/.config", "CONFIG_GCC_VERSION=50000\nCONFIG_MODULE_SIG_FORCE=y\n"),
		TEXT("h/.config", "CONFIG_GCC_VERSION=60000\n"),
		NO_MORE,
	};
	struct facts f;
	struct err e = { 0 };

	cr_assert_eq(collect(entries, &f, &e), 0, "%s", e.message);
	cr_expect(f.btf && f.modversions && !f.module_signature);
	cr_expect_str_eq(f.signature_hash, "sha512");
	cr_expect_eq(f.gcc, 12);
}

Test(facts, glibc_is_the_highest_that_a_host_tool_needs)
{
	cleanup_buf struct buf self = { 0 };
	struct facts f;
	struct err e = { 0 };

	cr_assert_eq(file_read("/proc/self/exe", 64 << 20, &self, &e), 0, "%s", e.message);
	const struct entry entries[] = {
		MEMBER("usr/lib/k/script.sh", S_IFREG | 0755, "#!/bin/sh\n", 0),
		MEMBER("usr/lib/k/broken", S_IFREG | 0755, "\177ELF and no more", 0),
		{ "usr/lib/k/modpost", S_IFREG | 0755, self.data, NULL, 0, self.len },
		NO_MORE,
	};
	cr_assert_eq(collect(entries, &f, &e), 0, "%s", e.message);
	cr_expect_str_eq(f.glibc_user, "usr/lib/k/modpost");
	cr_expect(strverscmp(f.glibc, "2.2.5") > 0 && strverscmp(f.glibc, gnu_get_libc_version()) <= 0, "%s", f.glibc);

	const struct entry not_executable[] = { { "usr/lib/k/data", S_IFREG | 0644, self.data, NULL, 0, self.len }, NO_MORE };
	cr_assert_eq(collect(not_executable, &f, &e), 0, "%s", e.message);
	cr_expect_str_eq(f.glibc, "");
}

/* Bytes of a real program damaged here and there: something or nothing comes out, and nothing breaks. */
Test(facts, damaged_host_tools_are_passed_over)
{
	cleanup_buf struct buf self = { 0 };
	struct err e = { 0 };

	cr_assert_eq(file_read("/proc/self/exe", 64 << 20, &self, &e), 0, "%s", e.message);
	for (size_t at = 16; at < 64; at++) {
		struct facts f;
		char kept = self.data[at];
		self.data[at] ^= (char)0xff;
		const struct entry entries[] = { { "x", S_IFREG | 0755, self.data, NULL, 0, self.len }, NO_MORE };
		cr_expect_eq(collect(entries, &f, &e), 0, "byte %zu: %s", at, e.message);
		self.data[at] = kept;
	}
}

Test(facts, travel_as_json)
{
	struct facts in = { "6.1-x", "gcc \"12\"", 12, 0, "2.34", "usr/x", true, false, true, "sha512", "x86_64", true, false },
		     back;
	struct err e = { 0 };

	cleanup_free char *json = facts_encode(&in, &e);
	cr_assert(json, "%s", e.message);
	cr_assert_eq(facts_decode(json, &back, &e), 0, "%s", e.message);
	cr_expect(strcmp(back.release, in.release) == 0 && strcmp(back.cc_text, in.cc_text) == 0 &&
		  strcmp(back.glibc, in.glibc) == 0);
	cr_expect(back.gcc == 12 && back.clang == 0 && back.btf && !back.modversions && back.module_signature);
	cr_expect(back.symvers && !back.from_sources);
	cr_expect_str_eq(back.glibc_user, "usr/x");
	cr_expect_str_eq(back.signature_hash, "sha512");
	cr_expect_str_eq(back.arch, "x86_64");
	static const char *const bad[] = { "", "{}", "[1]", "{\"release\":1}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_eq(facts_decode(bad[i], &back, &e), -1);
		cr_expect_eq(e.kind, ERR_PROTOCOL);
	}
}

/* Where only the packages tell the release, it is in no path that is known beforehand. */
Test(facts, build_directory_may_be_a_glob)
{
	static const struct entry one[] = { TEXT("lib/modules/6.1-x/build/.config", "CONFIG_GCC_VERSION=120200\n"),
					    TEXT("lib/modules/6.1-x/build/include/config/kernel.release", "6.1-x\n"),
					    TEXT("lib/modules/6.1-x/build/a/build/.config", "CONFIG_GCC_VERSION=90000\n"),
					    TEXT("lib/modules/6.1-x/build/Module.symvers", ""), NO_MORE };
	static const struct entry two[] = { TEXT("lib/modules/6.1-x/build/.config", ""),
					    TEXT("lib/modules/6.2-x/build/.config", ""), NO_MORE };
	struct facts f;
	struct err e = { 0 };

	cr_assert_eq(collect_at(one, "lib/modules/*/build", &f, &e), 0, "%s", e.message);
	cr_expect_eq(f.gcc, 12, "%d", f.gcc);
	cr_expect_str_eq(f.release, "6.1-x");
	cr_expect(f.symvers && !f.from_sources);
	cr_expect_eq(collect_at(two, "lib/modules/*/build", &f, &e), -1);
	cr_expect(e.kind == ERR_INPUT && strstr(e.message, "two kernels, 'lib/modules/6.1-x/build' and 'lib/modules/6.2-x/build'"),
		  "%s", e.message);
}

#define CONFIG "CONFIG_CC_VERSION_TEXT=\"gcc (own) 12.2.0\"\nCONFIG_LOCALVERSION=\"-own\"\nCONFIG_MODVERSIONS=y\n"

/* Of sources the configuration is another package's, or one of several that there are. */
Test(facts, of_sources_come_from_their_makefile_and_configuration)
{
	static const char makefile[] = "# SPDX\nVERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 176\nEXTRAVERSION =\nNAME = Dare\n";
	static const char candidate[] = "VERSION=6\nPATCHLEVEL=2\nSUBLEVEL=\nEXTRAVERSION=-rc1\n";
	static const struct entry first[] = { TEXT("Makefile", makefile), TEXT("arch/defconfig", "CONFIG_SMP=y\n"),
					      TEXT("h/.config", CONFIG), TEXT("fs/Makefile", candidate), NO_MORE };
	static const struct entry turned[] = { TEXT("h/.config", CONFIG), TEXT("arch/defconfig", "CONFIG_LOCALVERSION=\"-no\"\n"),
					       TEXT("Makefile", makefile), NO_MORE };
	static const struct entry built[] = { TEXT("Makefile", makefile), TEXT("h/.config", CONFIG), TEXT("h/Module.symvers", ""),
					      TEXT("h/include/generated/utsrelease.h", "#define UTS_RELEASE \"5.10.176+\"\n"),
					      NO_MORE };
	static const struct entry default_only[] = { TEXT("Makefile", candidate), TEXT("arch/defconfig", "CONFIG_SMP=y\n"),
						     NO_MORE };
	static const struct entry none[] = { TEXT("README", ""), NO_MORE };
	static const struct {
		const struct entry *entries;
		const char *release;
		int gcc;
		bool from_sources, symvers, modversions;
	} rows[] = {
		{ first, "5.10.176-own", 12, true, false, true },
		{ turned, "5.10.176-own", 12, true, false, true },
		{ built, "5.10.176+", 12, false, true, true },
		{ default_only, "6.2-rc1", 0, true, false, false },
		{ none, "", 0, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct facts f;
		struct err e = { 0 };
		cr_assert_eq(collect_at(rows[i].entries, ".\nh/.config\narch/defconfig", &f, &e), 0, "%s", e.message);
		cr_expect_str_eq(f.release, rows[i].release, "row %zu: '%s'", i, f.release);
		cr_expect_eq(f.gcc, rows[i].gcc, "row %zu: %d", i, f.gcc);
		cr_expect_eq(f.from_sources, rows[i].from_sources, "row %zu", i);
		cr_expect_eq(f.symvers, rows[i].symvers, "row %zu", i);
		cr_expect_eq(f.modversions, rows[i].modversions, "row %zu", i);
	}
}

/* What only the configuration says that gives way to another is not said. */
Test(facts, of_a_configuration_that_gives_way_nothing_stays)
{
	static const struct entry entries[] = {
		TEXT("arch/defconfig", "# Linux/arm64 6.1.0 Kernel Configuration\nCONFIG_MODULE_SIG_HASH=\"sha512\"\n" CONFIG),
		TEXT("h/.config", "CONFIG_SMP=y\n"), NO_MORE
	};
	struct err e = { 0 };
	struct facts f;

	cr_assert_eq(collect_at(entries, ".\nh/.config\narch/defconfig", &f, &e), 0, "%s", e.message);
	cr_expect_str_eq(f.signature_hash, "");
	cr_expect_str_eq(f.arch, "");
	cr_expect_str_eq(f.cc_text, "");
	cr_expect_eq(f.gcc, 0);
	cr_expect(!f.modversions);
}
