#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "program.h"

static const char *const lint[] = { "lint", NULL };

#define URL(n)	"http://packages.second.example.org/pool/devel-5.14.0-" n ".x86_64_1.deb"
#define HASH(c) c c c c c c c c c c c c c c c c
#define DIGEST	HASH("abcd") "  12  "
#define SECOND                                                                                                                     \
	"name: second\nfamily: second\narchitecture: amd64\nlist: supported-kernels/second.txt\nformat: deb\n"                     \
	"mirrors:\n  second: [http://packages.second.example.org/pool]\nkernel:\n  release: \"${release}\"\n  packages:\n"         \
	"    - role: headers\n      file: 'devel-(?<release>[0-9.]+-[0-9]+\\.x86_64)_(?<version>[^_]+)\\.deb'\n"                   \
	"      holds: [config, tools]\n"
#define BOOTSTRAP "bootstrap:\n  mirror: m\n  suite: s\n  urls: [http://h/x]\n  packages: [gcc-10]\n"

Test(lint, a_good_checkout_has_no_findings)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	run_on_site(&s, lint, &o);
	cr_expect_eq(o.code, 0, "%s%s", buf_text(&o.out), buf_text(&o.err));
	cr_expect_str_eq(buf_text(&o.out), "9 files: 0 findings, 0 notes\n");
	cr_expect_str_eq(buf_text(&o.err), "");
}

Test(lint, each_fault_is_located)
{
	static const struct {
		const char *path, *text; /* text NULL: the file is removed */
		const char *says;
	} rows[] = {
		{ "distros/example.yaml", "name: example\nfamly: x\n", "/distros/example.yaml:2:1: unknown key 'famly'" },
		{ "distros/third.yaml", "name: other\n", "/distros/third.yaml:1:1: " },
		{ "supported-kernels/second.txt", NULL, "/distros/second.yaml:5: the list '" },
		{ "supported-kernels/second.txt", URL("1") "\n\n", "/supported-kernels/second.txt:2: blank line" },
		{ "supported-kernels/second-uncrawled.txt", "junk\n", "/supported-kernels/second-uncrawled.txt:1: not an http" },
		{ "supported-kernels/second.txt", URL("1") "\nhttp://h/x.deb\n",
		  "/supported-kernels/second.txt:2: 'x.deb' is left over: no package rule knows" },
		{ "supported-kernels/second.digests", "junk\n", "/supported-kernels/second.digests:1: expected '<sha256>" },
		{ "supported-kernels/second.digests", DIGEST URL("nope") "\n",
		  "/supported-kernels/second.digests:1: a digest of what no list names" },
		{ "supported-kernels/second.counts", "# c\n12  main\n",
		  "/supported-kernels/second.counts:2: distros/second.yaml has no index 'main'" },
		{ "supported-kernels/second.counts", "many  main\n", "/supported-kernels/second.counts:1: 'many' is no number" },
		{ "supported-kernels/secnd.txt", "", "/supported-kernels/secnd.txt:1: no descriptor knows this file" },
		{ "supported-kernels/BLOCKLIST", "# c\n~(\n", "/supported-kernels/BLOCKLIST:2: pattern '('" },
		{ "supported-kernels/BLOCKLIST", "5.* # expires: 2001-01-31\n",
		  "/supported-kernels/BLOCKLIST:1: the rule '5.*' expired" },
		{ "supported-kernels/BLOCKLIST", "~(?:(?:[0-9a-z.-]+)+)+6\n", "/supported-kernels/BLOCKLIST:1: pattern" },
		{ "images/gcc-10/image.yaml", "name: gcc-10\ngcc: ten\n", "/images/gcc-10/image.yaml:2:6: " },
		{ "images/gcc-10/image.yaml",
		  "name: gcc-10\narchitecture: amd64\ngcc: [10]\nglibc: \"2.31\"\nbuild:\n  dockerfile: Dockerfile\n  base: a:1\n",
		  "/images/gcc-10/image.yaml:6: the Dockerfile '" },
		{ "distros/second.yaml", SECOND "toolchain:\n  prefer: [gcc-12, gcc-99]\n",
		  "/distros/second.yaml:15: there is no toolchain image 'gcc-99'" },
		{ "images/build.sh", NULL, "/images/build.sh:1: it is missing" },
		{ "probe/probe.yaml", NULL, "/probe/probe.yaml:1: " },
		{ "probe/probe.yaml", "name: example\nversion: x\n", "/probe/probe.yaml:2:1: " },
		{ "probe/event.h", NULL, "/probe/probe.yaml:7: the source 'event.h' is missing" },
		{ "MODULE_VERSION", "1.2\n", "/MODULE_VERSION:1: expected a semantic version" },
		{ "MODULE_VERSION", "1.2.03\n", "/MODULE_VERSION:1: expected a semantic version" },
		{ "MODULE_VERSION", NULL, "/MODULE_VERSION:1: " },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		struct err e;
		site_make(&s);
		cleanup_free char *path = path_join(s.root, rows[i].path, &e);
		cleanup_free char *says = str_printf(&e, "%s%s", s.root, rows[i].says);
		if (rows[i].text)
			site_write(&s, rows[i].path, rows[i].text);
		else
			cr_assert_eq(unlink(path), 0);
		run_on_site(&s, lint, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect_not_null(strstr(buf_text(&o.out), says), "row %zu, %s: %s", i, says, buf_text(&o.out));
	}
}

Test(lint, all_at_once)
{
	static const char *const says[] = {
		"second.yaml:1:1: ",	   "example.txt:1: ", "example.txt:3: ",    "BLOCKLIST:1: ",
		"gcc-12/image.yaml:1:1: ", "build.sh:1: ",    "MODULE_VERSION:1: ",
	};
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	struct err e;

	site_make(&s);
	cleanup_free char *script = path_join(s.root, "images/build.sh", &e);
	site_write(&s, "distros/second.yaml", "nme: second\n");
	site_write(&s, "supported-kernels/example.txt", "\nhttp://h/x\njunk\n");
	site_write(&s, "supported-kernels/BLOCKLIST", "~[\n");
	site_write(&s, "images/gcc-12/image.yaml", "nme: gcc-12\n");
	site_write(&s, "MODULE_VERSION", "new\n");
	cr_assert_eq(unlink(script), 0);
	run_on_site(&s, lint, &o);
	cr_expect_eq(o.code, 2);
	for (size_t i = 0; i < ARRAY_LEN(says); i++)
		cr_expect_not_null(strstr(buf_text(&o.out), says[i]), "%s: %s", says[i], buf_text(&o.out));
	cr_expect_not_null(strstr(buf_text(&o.out), " 15 findings,"), "%s", buf_text(&o.out));
}

/* A YAML file's mistakes, of whatever sort and depth, each once, by place, and no other for what follows from one. */
Test(lint, each_mistake_of_a_file_is_a_line)
{
	static const struct {
		const char *path, *text;
		const char *lines[12]; /* after the path */
	} rows[] = {
		{ "distros/second.yaml",
		  "name: second\nfamly: second\narchitecture: amd46\nlist: supported-kernels/second.txt\nformat: rmp\n"
		  "kernel:\n  release: \"${release}\"\n  packages:\n"
		  "    - {role: headers, file: ['(', 'x-(?<release>.*)', ')'], holds: [confg]}\n"
		  "    - {file: b, version: newish}\n"
		  "floors: {mod: 3.10, bpf: \"4.14\", ebpf: \"4.14\"}\n",
		  { ":2:1: unknown key 'famly' in a distro: did you mean 'family'?\n", ":3:15: unknown architecture 'amd46'",
		    ":5:9: unknown package format 'rmp'",
		    ":9:30: pattern '(': ", ":9:55: pattern ')': ", ":9:69: expected 'config' or 'tools', found 'confg'\n",
		    ":10:7: this package rule lacks the key 'role'\n", ":10:26: unknown word 'newish'",
		    ":11:15: expected text, found a number", ":11:34: unknown key 'ebpf' in a floors section" } },
		{ "distros/second.yaml",
		  "name: other\nname: second\nlist: &a x.txt\nformat: !t rpm\n",
		  { ":1: the name in it is 'other', so the file should be 'other.yaml'\n",
		    ":1:1: this distro lacks the key 'architecture'\n", ":1:1: this distro lacks the key 'family'\n",
		    ":1:1: this distro lacks the key 'kernel'\n", ":2:1: key 'name' was there before, in line 1\n",
		    ":3:7: anchors are not taken\n", ":4:9: tags are not taken\n" } },
		{ "distros/second.yaml",
		  "name: second\nlist: &a x.txt\nformat: [rpm\n",
		  { ":2:7: anchors are not taken\n", ":4:1: did not find expected ',' or ']'" } },
		{ "distros/second.yaml",
		  "name: second\nfamily: second\narchitecture: amd64\nlist: supported-kernels/second.txt\nformat: rpm\n"
		  "indexes:\n  - {name: a, yum: {urls: http://h/x/}, packages: x, shrink-limit: 200}\n  - {name: b, packages: x}\n"
		  "kernel: {release: x, packages: [{role: a, file: x}]}\n",
		  { ":7:27: 'http://h/x/': expected a URL without a slash", ":7:68: expected percent",
		    ":8:5: this index lacks its kind" } },
		{ "images/gcc-10/image.yaml",
		  "name: gcc-11\narchitecture: amd64\ngcc: [10, 9]\nglibc: 2.31\npahole: maybe\n",
		  { ":1: the name in it is 'gcc-11'", ":3:11: majors of gcc must ascend\n", ":4:8: expected text, found a number",
		    ":5:9: expected true or false, found maybe\n" } },
		{ "probe/probe.yaml",
		  "name: Example\nversion-file: /VERSION\nkinds: {mod: {output: ../x.ko}, eppf: {}}\n",
		  { ":1:7: 'Example' is no name of a probe", ":2:15: '/VERSION': expected a relative path",
		    ":3:14: this probe kind lacks the key 'build'\n", ":3:14: this probe kind lacks the key 'sources'\n",
		    ":3:23: '../x.ko': expected a relative path", ":3:33: unknown key 'eppf' in a set of kinds" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		struct err e;
		site_make(&s);
		cleanup_free char *path = path_join(s.root, rows[i].path, &e);
		site_write(&s, rows[i].path, rows[i].text);
		run_on_site(&s, lint, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		const char *at = buf_text(&o.out);
		size_t count = 0;
		for (; count < ARRAY_LEN(rows[i].lines) && rows[i].lines[count]; count++) {
			cleanup_free char *says = str_printf(&e, "%s%s", path, rows[i].lines[count]);
			const char *found = strstr(at, says);
			cr_expect_not_null(found, "row %zu, %s: not in\n%s", i, says, at);
			at = found ? found + strlen(says) : at;
		}
		cleanup_free char *sum = str_printf(&e, " %zu findings,", count);
		cr_expect_not_null(strstr(at, sum), "row %zu,%s not in\n%s", i, sum, buf_text(&o.out));
	}
}

Test(lint, what_may_be_so_is_a_note)
{
	static const struct {
		const char *path, *text, *says;
	} rows[] = {
		{ "supported-kernels/BLOCKLIST", "2.6.*\n", "BLOCKLIST:1: the rule '2.6.*' matches none of the kernels" },
		{ "supported-kernels/example.digests", "", NULL },
		{ "images/gcc-10/image.yaml",
		  "name: gcc-10\narchitecture: amd64\ngcc: [10]\nglibc: \"2.31\"\n" BOOTSTRAP "  keyring: /no/such.gpg\n",
		  "image.yaml:10: the keyring '/no/such.gpg' is not on this machine" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		site_make(&s);
		site_write(&s, rows[i].path, rows[i].text);
		run_on_site(&s, lint, &o);
		cr_expect_eq(o.code, 0, "row %zu: %s", i, buf_text(&o.out));
		if (rows[i].says)
			cr_expect_not_null(strstr(buf_text(&o.out), rows[i].says), "row %zu: %s", i, buf_text(&o.out));
		cr_expect_not_null(strstr(buf_text(&o.out), rows[i].says ? " 1 note\n" : " 0 notes\n"), "row %zu: %s", i,
				   buf_text(&o.out));
	}
}

Test(lint, a_recipe_that_is_built_on_something_is_looked_into)
{
	static const struct {
		const char *dockerfile, *says;
		int code;
	} rows[] = {
		{ "ARG BASE\nFROM ${BASE}\n", "image.yaml:7: 'a:1' is not pinned to a digest (orchestrate toolchain pin gcc-10)",
		  0 },
		{ "ARG BASE\nFROM a:1\n", "/images/gcc-10/Dockerfile:2: FROM 'a:1': expected ${BASE}", 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		site_make(&s);
		site_write(
			&s, "images/gcc-10/image.yaml",
			"name: gcc-10\narchitecture: amd64\ngcc: [10]\nglibc: \"2.31\"\nbuild:\n  dockerfile: Dockerfile\n  base: a:1\n");
		site_write(&s, "images/gcc-10/Dockerfile", rows[i].dockerfile);
		run_on_site(&s, lint, &o);
		cr_expect_eq(o.code, rows[i].code, "row %zu: %s", i, buf_text(&o.out));
		cr_expect_not_null(strstr(buf_text(&o.out), rows[i].says), "row %zu: %s", i, buf_text(&o.out));
	}
}

Test(lint, a_checkout_is_wanted)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	snprintf(s.root, sizeof(s.root), "%s", s.dir.path);
	run_on_site(&s, lint, &o);
	cr_expect_eq(o.code, 2);
	cr_expect_not_null(strstr(buf_text(&o.err), "--root says where it is"), "%s", buf_text(&o.err));
	cr_expect_str_eq(buf_text(&o.out), "");
}
