#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "program.h"

#define NO_ENGINE "--engine", "unix:///nonexistent"

static const char *const dry_run[] = { "--dry-run", NO_ENGINE, NULL };

Test(checkout, broken_descriptors_are_located)
{
	static const struct {
		const char *path, *text, *says[3];
	} rows[] = {
		{ "distros/example.yaml",
		  "name: example\nfamily: example\n  architecture: amd64\n",
		  { "distros/example.yaml:3:" } },
		{ "distros/example.yaml",
		  "name: example\nfamly: example\n",
		  { "distros/example.yaml:2:1:", "'famly'", "'family'" } },
		{ "distros/example.yaml", "name: [example\n", { "distros/example.yaml:2:" } },
		{ "distros/example.yaml", "\tname: example\n", { "distros/example.yaml:1:1:" } },
		{ "distros/example.yaml", "", { "distros/example.yaml:1:" } },
		{ "images/gcc-10/image.yaml", "name: gcc-10\ngcc: ten\n", { "images/gcc-10/image.yaml:2:6:" } },
		{ "probe/probe.yaml", "name: example\nversion: x\n", { "probe/probe.yaml:2:1:", "'version'" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		site_make(&s);
		site_write(&s, rows[i].path, rows[i].text);
		run_on_site(&s, dry_run, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect_str_eq(buf_text(&o.out), "", "row %zu", i);
		for (size_t k = 0; k < 3 && rows[i].says[k]; k++)
			cr_expect_not_null(strstr(buf_text(&o.err), rows[i].says[k]), "row %zu: %s", i, buf_text(&o.err));
	}
}

#define URL(n) "http://packages.second.example.org/pool/devel-5.14.0-" n ".x86_64_1.deb"

Test(checkout, every_fault_of_a_list_is_located)
{
	static const struct {
		const char *text;
		unsigned lines[4]; /* those that must be named */
	} rows[] = {
		{ "\n", { 1 } },
		{ URL("1") "\n\n" URL("2") "\n", { 2 } },
		{ URL("1") "\n" URL("1") "\n", { 2 } },
		{ URL("1") "\njunk\n", { 2 } },
		{ "<html><body>404</body></html>\n", { 1 } },
		{ URL("1") "\r\n" URL("2") "\r\n", { 1, 2 } },
		{ URL("1") "\n\n" URL("1") "\njunk\n" URL("2") "\r\n", { 2, 3, 4, 5 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		site_make(&s);
		site_write(&s, "supported-kernels/second.txt", rows[i].text);
		run_on_site(&s, dry_run, &o);
		cr_expect_eq(o.code, 2, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		for (size_t k = 0; k < 4 && rows[i].lines[k]; k++) {
			char place[64];
			snprintf(place, sizeof(place), "supported-kernels/second.txt:%u:", rows[i].lines[k]);
			cr_expect_not_null(strstr(buf_text(&o.err), place), "row %zu wants %s: %s", i, place, buf_text(&o.err));
		}
	}
}

Test(checkout, a_bad_list_of_another_distro_does_not_matter)
{
	static const char *const words[] = { "--dry-run", "--distro", "example", NO_ENGINE, NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	site_write(&s, "supported-kernels/second.txt", "junk\n");
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 0, "%d: %s", o.code, buf_text(&o.err));
}

static json_t *parse(const struct buf *text)
{
	json_error_t error;
	json_t *json = json_loadb(buf_text(text), text->len, 0, &error);

	cr_assert_not_null(json, "%s: %s", error.text, buf_text(text));
	return json;
}

/* The counts in the last line of the table: `7 kernels: 11 planned 3 unavailable`. */
static unsigned table_count(const struct buf *table, const char *word)
{
	char pattern[32];
	const char *last = strstr(buf_text(table), " kernels:");

	cr_assert_not_null(last, "%s", buf_text(table));
	snprintf(pattern, sizeof(pattern), " %s", word);
	const char *at = strstr(last, pattern);
	if (!at)
		return 0;
	while (at > last && at[-1] >= '0' && at[-1] <= '9')
		at--;
	return (unsigned)strtoul(at, NULL, 10);
}

static unsigned json_count(const json_t *plan, const char *verdict)
{
	unsigned count = 0;
	const json_t *kernel, *task;
	size_t i, k;

	json_array_foreach(json_object_get(plan, "kernels"), i, kernel)
		json_array_foreach(json_object_get(kernel, "tasks"), k, task) count +=
		strcmp(json_string_value(json_object_get(task, "verdict")), verdict) == 0;
	return count;
}

Test(plan, table_and_json_say_the_same)
{
	static const struct {
		const char *words[8];
		unsigned kernels, planned, unavailable;
	} rows[] = {
		{ { "--dry-run", NO_ENGINE }, 7, 11, 3 },
		{ { "--dry-run", NO_ENGINE, "--distro", "example" }, 5, 7, 3 },
		{ { "--dry-run", NO_ENGINE, "--kernel", "6.1.*" }, 2, 4, 0 },
		{ { "--dry-run", NO_ENGINE, "--kind", "bpf" }, 7, 5, 2 },
		{ { "--dry-run", NO_ENGINE, "--kernel=3.9.*", "--kind=mod" }, 1, 0, 1 },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome table = { 0 }, json = { 0 };
		const char *words[9] = { "--json" };
		memcpy(words + 1, rows[i].words, sizeof(rows[i].words));
		run_on_site(&s, rows[i].words, &table);
		run_on_site(&s, words, &json);
		cr_expect_eq(table.code, 0, "row %zu: %s", i, buf_text(&table.err));
		cr_expect_eq(json.code, 0, "row %zu: %s", i, buf_text(&json.err));
		cr_expect_eq(count_lines(&table.out), rows[i].planned + rows[i].unavailable + 1, "row %zu: %s", i,
			     buf_text(&table.out));
		cr_expect_eq(table_count(&table.out, "planned"), rows[i].planned, "row %zu: %s", i, buf_text(&table.out));
		cr_expect_eq(table_count(&table.out, "unavailable"), rows[i].unavailable, "row %zu: %s", i, buf_text(&table.out));
		json_t *plan = parse(&json.out);
		cr_expect_eq(json_integer_value(json_object_get(plan, "v")), 1);
		cr_expect_str_eq(json_string_value(json_object_get(plan, "module_version")), "1.2.0-rc1");
		cr_expect_eq(json_array_size(json_object_get(plan, "kernels")), rows[i].kernels, "row %zu", i);
		cr_expect_eq(json_count(plan, "planned"), rows[i].planned, "row %zu", i);
		cr_expect_eq(json_count(plan, "unavailable"), rows[i].unavailable, "row %zu", i);
		json_decref(plan);
	}
}

Test(plan, says_with_what_and_why)
{
	static const char *const words[] = { "--dry-run", "--json", NO_ENGINE, "--kernel", "5.10.*", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	run_on_site(&s, words, &o);
	json_t *plan = parse(&o.out), *kernel = json_array_get(json_object_get(plan, "kernels"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(kernel, "kernel")), "5.10.0-1-amd64");
	cr_expect_str_eq(json_string_value(json_object_get(kernel, "distro")), "example");
	cr_expect_str_eq(json_string_value(json_object_get(kernel, "toolchain")), "gcc-10");
	cr_expect_eq(json_array_size(json_object_get(kernel, "packages")), 2);
	json_decref(plan);
}

Test(plan, nothing_is_made)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	struct err e;

	site_make(&s);
	run_on_site(&s, dry_run, &o);
	cleanup_free char *container = path_join(s.root, "container", &e), *cache = path_join(s.root, "cache", &e);
	cr_expect_eq(path_exists(container, &e), 0);
	cr_expect_eq(path_exists(cache, &e), 0);
}

Test(plan, a_glob_that_matches_nothing)
{
	static const char *const words[] = { "--dry-run", NO_ENGINE, "--kernel", "2.6.*", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 2);
	cr_expect_not_null(strstr(buf_text(&o.err), "'2.6.*' matches none of the 7 kernels"), "%s", buf_text(&o.err));
	cr_expect_str_eq(buf_text(&o.out), "");
}

Test(plan, a_result_that_cannot_be_written_is_an_error)
{
	static const char *const commands[] = { "--dry-run", "--dry-run --json", "toolchain list",
						"--help",    "cache --help",	 "--version" };
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char script[512];
		const char *const argv[] = { "sh", "-c", script, NULL };
		struct err e;
		snprintf(script, sizeof(script), "DOCKER_HOST=unix:///nonexistent '%s' %s --root '%s' --cache '%s' >/dev/full",
			 program_path(), commands[i], s.root, s.cache);
		cr_expect_eq(process_run(argv, (const char *const *)s.env.items, 4096, NULL, NULL, &e), -1, "%s", commands[i]);
		cr_expect_eq(e.kind, ERR_FAILED);
		cr_expect_not_null(strstr(e.message, "writing"), "%s: %s", commands[i], e.message);
	}
}
