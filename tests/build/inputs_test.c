#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/compiler_memory.h"
#include "fixture.h"

static int load(struct checkout *c, struct inputs *ret, const char *distro, struct err *e)
{
	cleanup_strv struct strv distros = { 0 };
	const struct inputs_options options = { .root = c->root, .distros = &distros };

	if (distro)
		cr_assert_eq(strv_add(&distros, distro, e), 0);
	return inputs_load(&options, &c->log, ret, e);
}

Test(inputs, reads_the_checkout)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs all = { 0 }, one = { 0 };
	struct err e;

	checkout_make(&c);
	cr_assert_eq(load(&c, &all, NULL, &e), 0, "%s", e.message);
	cr_expect_eq(all.chosen_count, 2);
	cr_expect_eq(all.chosen[0].kernels.count, 5);
	cr_expect_str_eq(all.module_version, "1.2.0-rc1");
	cr_expect_str_eq(all.probe.name, "example");
	cr_expect_eq(all.recipes.count, 2);
	cr_expect_not_null(strstr(all.build_script, "exit 0"));
	cr_assert_eq(load(&c, &one, "second", &e), 0, "%s", e.message);
	cr_expect_eq(one.chosen_count, 1);
	cr_expect_str_eq(one.chosen[0].distro->name, "second");
}

/* Behind the sources goes the program that stands before the compiler; the keys know what it is made from. */
Test(inputs, builders_get_the_program_that_remembers)
{
	const struct embedded program = compiler_memory_program(), source = compiler_memory_source();
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_buf struct buf file = { 0 };
	struct hasher *h;
	struct digest digest;
	struct err e;

	checkout_make(&c);
	cr_assert_eq(load(&c, &in, NULL, &e), 0, "%s", e.message);
	cr_assert_eq(in.ahead.len - in.sources_len, program.len);
	cr_expect_arr_eq(in.ahead.data + in.sources_len, program.data, program.len);
	cr_expect(program.len > 4 && memcmp(program.data, "\177ELF", 4) == 0);

	cr_assert_eq(file_read("images/compiler_memory.c", 1 << 20, &file, &e), 0, "%s", e.message);
	cr_assert_eq(source.len, file.len);
	cr_expect_arr_eq(source.data, file.data, file.len);
	cr_assert_not_null(h = hasher_new(&e));
	cr_assert(hasher_text(h, in.build_script, &e) == 0 && hasher_field(h, file.data, file.len, &e) == 0 &&
		  hasher_finish(h, &digest, &e) == 0);
	hasher_free(h);
	cr_expect(digest_equal(&digest, &in.script_digest));
}

Test(inputs, mistakes_are_found_before_anything_starts)
{
	static const struct {
		const char *path, *text; /* what is changed; text NULL: removed */
		const char *distro;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{ "MODULE_VERSION", "", NULL, ERR_INPUT, "MODULE_VERSION:1: expected a version" },
		{ "MODULE_VERSION", "1.0 beta\n", NULL, ERR_INPUT, "found '1.0 beta'" },
		{ "MODULE_VERSION", "../x\n", NULL, ERR_INPUT, "found '../x'" },
		{ "MODULE_VERSION", "-rc\n", NULL, ERR_INPUT, "found '-rc'" },
		{ "MODULE_VERSION", NULL, NULL, ERR_NOT_FOUND, "MODULE_VERSION" },
		{ "probe/probe.yaml", NULL, NULL, ERR_NOT_FOUND, "probe.yaml" },
		{ "images/build.sh", NULL, NULL, ERR_NOT_FOUND, "build.sh" },
		{ "images/seccomp.json", NULL, NULL, ERR_NOT_FOUND, "seccomp.json" },
		{ "supported-kernels/example.txt", NULL, NULL, ERR_NOT_FOUND, "example.txt" },
		{ "supported-kernels/example.txt", "\n", NULL, ERR_INPUT, "example.txt:1:" },
		{ "supported-kernels/example.digests", "junk\n", NULL, ERR_INPUT, "example.digests:1:" },
		{ "distros/example.yaml", "name: example\n", NULL, ERR_INPUT, "example.yaml" },
		{ "MODULE_VERSION", "1.2.0\n", "exmaple", ERR_USAGE, "example" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_checkout struct checkout c;
		cleanup_inputs struct inputs in = { 0 };
		struct err e = { .kind = ERR_NONE };
		checkout_make(&c);
		cleanup_free char *path = path_join(c.root, rows[i].path, &e);
		if (rows[i].text)
			checkout_write(&c, rows[i].path, rows[i].text);
		else
			cr_assert_eq(unlink(path), 0);
		cr_expect_eq(load(&c, &in, rows[i].distro, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect_not_null(strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
	}
}

Test(inputs, every_finding_of_a_list_is_told)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	struct err e;

	checkout_make(&c);
	checkout_write(&c, "supported-kernels/second.txt",
		       "http://packages.second.example.org/pool/devel-5.14.0-70.x86_64_1.deb\n\nnot a url\n");
	cr_expect_eq(load(&c, &in, NULL, &e), -1);
	cr_expect_not_null(strstr(e.message, "second.txt:2:"), "%s", e.message);
	cr_expect_not_null(strstr(c.said, "second.txt:3:"), "%s", c.said);
}

Test(inputs, an_unpaired_package_costs_its_kernel_only)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	struct err e;

	checkout_make(&c);
	checkout_write(&c, "supported-kernels/example.txt",
		       "http://packages.example.org/pool/c-6.1.0-1_6.1.4-1.deb\n"
		       "http://packages.example.org/pool/h-6.1.0-1-amd64_6.1.4-1.deb\n"
		       "http://packages.example.org/pool/h-6.2.0-1-amd64_6.2.1-1.deb\n");
	cr_assert_eq(load(&c, &in, "example", &e), 0, "%s", e.message);
	cr_expect_eq(in.chosen[0].kernels.count, 1);
	cr_expect_not_null(strstr(c.said, "example.txt:3: 'h-6.2.0-1-amd64_6.2.1-1.deb' is left over: "), "%s", c.said);
}

Test(inputs, kernels_that_no_index_lists_any_more_are_built_too)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	struct err e;

	checkout_make(&c);
	checkout_write(&c, "supported-kernels/example.txt",
		       "http://packages.example.org/pool/c-6.1.0-1_6.1.4-1.deb\n"
		       "http://packages.example.org/pool/h-6.1.0-1-amd64_6.1.4-1.deb\n");
	checkout_write(&c, "supported-kernels/example-uncrawled.txt",
		       "# gone\n"
		       "http://packages.example.org/pool/c-6.0.0-1_6.0.4-1.deb\n"
		       "http://packages.example.org/pool/h-6.0.0-1-amd64_6.0.4-1.deb\n"
		       "http://packages.example.org/pool/h-6.2.0-1-amd64_6.2.1-1.deb\n");
	cr_assert_eq(load(&c, &in, "example", &e), 0, "%s", e.message);
	cr_expect_eq(in.chosen[0].kernels.count, 2);
	cr_expect_not_null(strstr(c.said, "example-uncrawled.txt:4: 'h-6.2.0-1-amd64_6.2.1-1.deb' is left over: "), "%s", c.said);
}

Test(inputs, probe_alone_needs_no_list)
{
	cleanup_checkout struct checkout c;
	cleanup_inputs struct inputs in = { 0 };
	cleanup_strv struct strv none = { 0 };
	struct err e;

	checkout_make(&c);
	cleanup_free char *distros = path_join(c.root, "distros", &e);
	cr_assert_eq(path_remove(distros, &e), 0);
	const struct inputs_options options = { .root = c.root, .distros = &none };
	cr_expect_eq(inputs_load_probe(&options, &in, &e), 0, "%s", e.message);
	cr_expect_eq(inputs_load(&options, &c.log, &in, &e), -1);
	cr_expect_eq(e.kind, ERR_NOT_FOUND);
	cr_expect_not_null(strstr(e.message, "--root"), "%s", e.message);
}
