#include "descriptor/distro.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "expect.h"

static int try_distro(const char *bytes, size_t len, const char *name, struct err *e)
{
	cleanup_distro struct distro d = { 0 };
	return distro_parse(bytes, len, name, &d, e);
}

Test(distro, says_what_is_wrong_and_where)
{
	static const struct bad_file files[] = {
		{ "alias", "35:15: aliases are not taken: write the value out" },
		{ "anchor", "7:9: anchors are not taken" },
		{ "architecture", "3:15: unknown architecture 'amd46': did you mean 'amd64'?" },
		{ "backport", "36:19: 'el7' is not a release like '3.10.0-957'" },
		{ "build-dir", "25:14: '/usr/src/${release}': expected a relative path without '.' and '..'" },
		{ "control-byte", "1:7: a text with a control byte in it" },
		{ "deep", "1:18: nested more than 12 deep" },
		{ "duplicate-key", "6:1: key 'name' was there before, in line 1" },
		{ "empty", "2:1: the file is empty" },
		{ "fix-up", "30:13: no fix-up 'drop-dangling-link', did you mean 'drop-dangling-links'?" },
		{ "floor-unquoted", "35:15: expected text, found a number; put quotes around it: \"3.10\"" },
		{ "floor", "35:15: 'v3' is not a kernel version like '4.14'" },
		{ "format", "5:9: unknown package format 'rmp': expected 'deb', 'rpm', 'tar' or 'image'" },
		{ "holds", "23:15: expected 'config' or 'tools', found 'tool'" },
		{ "list-is-map", "31:11: expected a list of expectations, found a map" },
		{ "list-outside", "4:7: '../example.txt': expected a relative path without '.' and '..'" },
		{ "long-text", "1:7: a text of more than 8192 bytes" },
		{ "make", "34:10: 'A': expected NAME=value on one line" },
		{ "map-is-text", "35:9: expected a map (a floors section), found text" },
		{ "map-key", "1:1: a key must be a text" },
		{ "mirror-name", "8:3: 'Security!' is no name: expected a-z, 0-9, `.` and `-`, at most 64 of them" },
		{ "mirror-slash", "8:13: 'http://security.example.org/pool/': expected a URL without a slash at its end" },
		{ "mirror-url", "8:13: 'security.example.org': expected an http, https or file URL of a directory" },
		{ "missing-key", "1:1: this distro lacks the key 'list'" },
		{ "missing-nested-key", "14:7: this package rule lacks the key 'role'" },
		{ "not-a-map", "1:1: expected a map (a distro), found a list" },
		{ "not-utf8", "1:8: invalid leading UTF-8 octet" },
		{ "number-is-quoted", "32:31: expected a number from 1 to 1000000, found text" },
		{ "number-is-text", "32:31: expected a number from 1 to 1000000, found text" },
		{ "pattern-capture", "11:3: package 'tools': no file pattern captures 'fro'" },
		{ "pattern", "20:13: pattern 't-(?<for>[^_]+_(?<version>[^_]+)\\.deb': at offset 37: missing closing parenthesis" },
		{ "second-document", "35:1: a second document; there may be one only" },
		{ "shared-build-dir",
		  "26:14: 'usr/src/${version}': expected ${release} or ${id} in it: where packages are shared, the build directory must lie in the kernel's own" },
		{ "shared-config", "11:3: package 'tools': it holds the config, which is the kernel's own: it is not shared" },
		{ "shared-first", "11:3: package 'headers' names the kernel: it is not shared" },
		{ "shared-fix-ups", "27:12: no fix-ups where packages are shared" },
		{ "shared-text", "24:15: expected true or false, found true" },
		{ "shared-yes", "24:15: expected true or false, found yes" },
		{ "syntax", "8:3: did not find expected ',' or ']': while parsing a flow sequence from line 6" },
		{ "tab", "11:1: found character that cannot start any token: while scanning for the next token from line 11" },
		{ "tag", "1:7: tags are not taken" },
		{ "template", "11:3: release: nothing gives '${relaese}' a value" },
		{ "text-is-boolean", "1:7: expected text, found a boolean; put quotes around it: \"no\"" },
		{ "text-is-empty", "1:7: expected text, found an empty one" },
		{ "text-is-list", "1:7: expected text, found a list" },
		{ "text-is-nothing", "1:6: expected text, found nothing" },
		{ "text-is-number", "1:7: expected text, found a number; put quotes around it: \"12\"" },
		{ "tree-template", "25:3: no value named 'scrarch', did you mean 'srcarch'" },
		{ "unknown-key-far",
		  "5:1: unknown key 'colour' in a distro: expected one of 'name', 'family', 'architecture', 'list', 'format', 'mirrors', 'yields-to', 'snapshot', 'package-manager', 'forgets', 'indexes', 'kernel', 'tree', 'prepare', 'image', 'toolchain', 'boot-images', 'floors', 'backports'" },
		{ "unknown-key", "2:1: unknown key 'famly' in a distro: did you mean 'family'?" },
		{ "unknown-nested-key", "18:7: unknown key 'hold' in a package rule: did you mean 'holds'?" },
		{ "version-rule", "22:16: unknown word 'newer': did you mean 'newest'?" },
	};
	expect_refusals(files, ARRAY_LEN(files), try_distro);
}

static struct distro load_example(void)
{
	struct err e = { 0 };
	struct distro d = { 0 };
	cr_assert_eq(distro_load(DATA "example.yaml", &d, &e), 0, "%s", e.message);
	return d;
}

Test(distro, reads_every_key)
{
	cleanup_distro struct distro d = load_example();
	cr_expect_str_eq(d.name, "example");
	cr_expect_str_eq(d.family, "example");
	cr_expect_eq(d.arch, arch_by_name("amd64"));
	cr_expect_str_eq(d.list, "supported-kernels/example.txt");
	cr_expect_str_eq(d.format, "deb");
	cr_assert_eq(d.mirror_count, 2);
	cr_expect_str_eq(d.mirrors[0].name, "main");
	cr_assert_eq(d.mirrors[0].urls.len, 2);
	cr_expect_str_eq(d.mirrors[0].urls.items[1], "https://mirror.example.net/pool");
	cr_assert_eq(d.mirrors[1].urls.len, 1);
	cr_expect_str_eq(d.package_manager, "apt");
	cr_expect_str_eq(d.floors[KIND_MOD], "3.10");
	cr_expect_str_eq(d.floors[KIND_BPF], "4.14");
	cr_assert_eq(d.toolchain.expect_count, 2);
	cr_assert_eq(d.toolchain.make.len, 2);
	cr_expect_str_eq(d.toolchain.make.items[1], "B=x y");
}

Test(distro, reads_the_rules_for_kernels_and_trees)
{
	cleanup_distro struct distro d = load_example();
	cr_expect_str_eq(d.kernel.release.items[0], "${release}");
	cr_expect_str_eq(d.kernel.id.items[0], "${release}-${version}");
	cr_expect_eq(d.kernel.path_parts, 0);
	cr_expect_eq(d.kernel.order, version_compare_deb);
	cr_expect_eq(d.kernel.arch, d.arch);
	cr_assert_eq(d.kernel.package_count, 2);
	const struct package_rule *headers = &d.kernel.packages[0], *tools = &d.kernel.packages[1];
	cr_expect_eq(headers->files.len, 2);
	cr_expect(headers->has_config && !headers->has_tools);
	cr_expect(!tools->has_config && tools->has_tools);
	cr_expect_eq(tools->version, VERSION_NEWEST);
	cr_assert_eq(tools->match_count, 1);
	cr_expect_str_eq(tools->matches[0].name, "for");
	cr_expect_str_eq(tools->matches[0].values.items[1], "any");
	cr_assert_eq(d.tree.rewrite_count, 1);
	cr_expect_str_eq(d.tree.rewrites[0].to, "");
	cr_expect_eq(d.tree.drop.len, 2);
}

Test(distro, must_have_the_name_of_its_file)
{
	struct err e = { 0 };
	struct distro d = { 0 };
	cr_expect_lt(distro_load(DATA "misnamed/exampel.yaml", &d, &e), 0);
	cr_expect_str_eq(e.message,
			 DATA "misnamed/exampel.yaml:1: the name in it is 'example', so the file should be 'example.yaml'");
	cr_expect_null(d.name);
}

/* All that is wrong with a file, as `orchestrate lint` shows it; who only loads it is told the first. */
Test(distro, gathers_all_mistakes)
{
	static const char *const wanted[] = {
		":1:7: expected text, found a boolean; put quotes around it: \"no\"",
		":2:1: unknown key 'famly' in a distro: did you mean 'family'?",
		":7:3: unknown key 'releas' in a kernel section: did you mean 'release'?",
		":9:14: expected text, found a number; put quotes around it: \"12\"",
		":10:16: expected true or false, found maybe",
		":11:7: this package rule lacks the key 'file'",
		":13:13: no fix-up 'drop-dangling-link', did you mean 'drop-dangling-links'?",
	};
	struct err e = { 0 };
	struct distro d = { 0 };
	cleanup_strv struct strv findings = { 0 };
	cr_expect_lt(distro_check(DATA "many-mistakes.yaml", &d, &findings, &e), 0);
	cr_assert_eq(findings.len, ARRAY_LEN(wanted), "%zu: %s", findings.len, e.message);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		cr_expect_str_eq(findings.items[i] + strlen(DATA "many-mistakes.yaml"), wanted[i]);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_str_eq(e.message, findings.items[0]);
	cr_expect_null(d.name);
	cr_expect_lt(distro_load(DATA "many-mistakes.yaml", &d, &e), 0);
	cr_expect_str_eq(e.message, findings.items[0]);
	cr_expect_lt(distro_check(DATA "no-such.yaml", &d, &(struct strv){ 0 }, &e), 0);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
}

Test(distro, directory_is_read_in_order)
{
	struct err e = { 0 };
	cleanup_distro_set struct distro_set set = { 0 };
	cr_assert_eq(distro_load_dir(DATA "distros", &set, &e), 0, "%s", e.message);
	cr_assert_eq(set.count, 2);
	cr_expect_str_eq(set.items[0].name, "another");
	cr_expect_str_eq(set.items[1].name, "example");
	cr_expect_eq(distro_find(&set, "example", &e), &set.items[1]);
	cr_expect_null(distro_find(&set, "exmaple", &e));
	cr_expect_eq(e.kind, ERR_USAGE);
	cr_expect_str_eq(e.message, "unknown distro 'exmaple': did you mean 'example'?");
	cr_expect_null(distro_find(&set, "zzz", &e));
	cr_expect_str_eq(e.message, "unknown distro 'zzz': there is 'another': 'example'");
}

Test(distro, yields_to_another_that_is_there)
{
	struct err e = { 0 };
	struct distro_set set = { 0 };
	cr_expect_lt(distro_load_dir(DATA "yields", &set, &e), 0);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_str_eq(e.message, DATA "yields/another.yaml: yields-to: unknown distro 'exmaple': did you mean 'example'?");
}

/* The two keys that some families need and others must not have. */
Test(distro, may_leave_out_the_release_and_the_tree)
{
	static const char text[] = "name: x\nfamily: x\narchitecture: amd64\nlist: x.txt\nformat: tar\nkernel:\n  path-parts: 2\n"
				   "  id: \"x-${build}\"\n  packages:\n    - {role: sources, file: '(?<build>\\d+)/src'}\n";
	struct err e = { 0 };
	cleanup_distro struct distro d = { 0 };
	cr_assert_eq(distro_parse(text, sizeof(text) - 1, "x", &d, &e), 0, "%s", e.message);
	cr_expect_eq(d.kernel.path_parts, 2);
	cr_expect_eq(d.kernel.release.len, 0);
	cr_expect_eq(d.kernel.order, version_compare_natural);
	cr_expect_null(d.tree.build_dir);
}

Test(distro, missing_directory_and_bad_file_are_errors)
{
	struct err e = { 0 };
	struct distro_set set = { 0 };
	cr_expect_lt(distro_load_dir(DATA "no-such", &set, &e), 0);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect_lt(distro_load_dir(DATA "misnamed", &set, &e), 0);
	cr_expect_eq(e.kind, ERR_INPUT);
	cr_expect_null(set.items);
}

Test(distro, expects_the_first_gcc_that_matches)
{
	cleanup_distro struct distro d = load_example();
	struct err e = { 0 };
	unsigned gcc = 77;
	cr_expect_eq(distro_expected_gcc(&d, "5.10.0-46-amd64", &gcc, &e), 0);
	cr_expect_eq(gcc, 10);
	cr_expect_eq(distro_expected_gcc(&d, "6.1.0-56-amd64", &gcc, &e), 0);
	cr_expect_eq(gcc, 12);
	/* The second, which matches all, becomes one that matches nothing. */
	strcpy(d.toolchain.expect[1].release, "x");
	cr_expect_eq(distro_expected_gcc(&d, "6.1.0-56-amd64", &gcc, &e), 0);
	cr_expect_eq(gcc, 0);
}

Test(distro, fills_a_kernel_into_the_tree_rules)
{
	cleanup_distro struct distro d = load_example();
	struct err e = { 0 };
	const struct kernel k = { .release = (char *)"6.1.0-56-amd64",
				  .base = (char *)"6.1.0-56",
				  .id = (char *)"x",
				  .version = (char *)"6.1.0",
				  .arch = d.arch };
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cr_assert_eq(distro_tree_rules(&d, &k, &rules, &e), 0, "%s", e.message);
	cr_expect_str_eq(rules.build_dir, "usr/src/6.1.0-56-amd64");
	cr_expect_str_eq(rules.keep.items[0], "usr/src/*/arch/x86/*");
	cr_expect_str_eq(rules.rewrites[0].file, "usr/src/6.1.0-56-amd64/Makefile");
}

/* A shared package is the same for all its kernels, so nothing that is said of one of them holds for it. */
Test(distro, rules_for_shared_packages_name_no_kernel)
{
	cleanup_distro struct distro d = load_example();
	struct err e = { 0 };
	const struct kernel k = {
		.release = (char *)"6.1.0-56-amd64", .id = (char *)"x", .version = (char *)"6.1.0", .arch = d.arch
	};
	cleanup_tree_rules struct tree_rules rules = { 0 };
	cr_assert_eq(distro_shared_rules(&d, &k, &rules, &e), 0, "%s", e.message);
	cr_expect_str_eq(rules.build_dir, "");
	cr_expect_eq(rules.drop.len, 2);
	cr_assert_eq(rules.keep.len, 1);
	cr_expect_str_eq(rules.keep.items[0], "usr/src/*/arch/x86/*");
	cr_expect_eq(rules.rewrite_count, 0, "its file is one kernel's");
}

/* The digest of the example after replacing one text in it. */
static struct digest changed_digest(const char *from, const char *to)
{
	struct err e = { 0 };
	struct digest digest = { 0 };
	cleanup_buf struct buf text = { 0 }, changed = { 0 };
	cr_assert_eq(file_read(DATA "example.yaml", 1 << 20, &text, &e), 0, "%s", e.message);
	const char *at = strstr(buf_text(&text), from);
	cr_assert(at, "the example has no '%s'", from);
	cr_assert_eq(buf_append(&changed, text.data, (size_t)(at - text.data), &e), 0);
	cr_assert_eq(buf_puts(&changed, to, &e) | buf_puts(&changed, at + strlen(from), &e), 0);
	cleanup_distro struct distro d = { 0 };
	cr_assert_eq(distro_parse(changed.data, changed.len, "changed", &d, &e), 0, "%s", e.message);
	struct hasher *h = hasher_new(&e);
	cr_assert_eq(distro_hash_build_part(&d, h, &e) | hasher_finish(h, &digest, &e), 0, "%s", e.message);
	hasher_free(h);
	return digest;
}

Test(distro, build_part_changes_with_what_changes_a_build)
{
	static const struct {
		const char *from, *to;
		bool same;
	} rows[] = {
		{ "name: example", "name: another", true },
		{ "http://ftp.example.org/pool", "http://ftp.example.org/other", true },
		{ "supported-kernels/example.txt", "supported-kernels/another.txt", true },
		{ "gcc: 10", "gcc: 11", true },
		{ "mod: \"3.10\"", "mod: \"4.4\"", true },
		{ "A=1", "A=2", false },
		{ "A=1, ", "", false },
		{ "usr/share/*", "usr/lib/*", false },
		{ "to: \"\"", "to: \"/\"", false },
		{ "usr/src/${release}\n", "usr/lib/${release}\n", false },
		{ "release: \"${release}\"", "release: \"${base}\"", false },
		{ "release: \"${release}\"", "release: \"${release}\"\n  base: \"${base}\"", false },
		{ "to: \"\"}\n", "to: \"\"}\n  fix-ups: [drop-dangling-links]\n", false },
		{ "holds: [config]", "holds: [config, tools]", false },
		{ "architecture: amd64", "architecture: arm64", false },
		{ "holds: [tools]", "holds: [tools]\n      shared: true", false },
		{ "floors:", "prepare: {config: [a/.config]}\nfloors:", false },
	};
	struct digest example = changed_digest("example", "example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digest digest = changed_digest(rows[i].from, rows[i].to);
		cr_expect_eq(digest_equal(&example, &digest), rows[i].same, "'%s' to '%s'", rows[i].from, rows[i].to);
	}
}
