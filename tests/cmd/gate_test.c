/* `orchestrate gate` where there is no package to check against: which objects it sees, and for which kernels. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "program.h"

Test(gate_command, a_kernel_is_what_the_name_says_or_the_user)
{
	static const struct {
		const char *file, *kernel, *says;
	} rows[] = {
		{ "example-5.10.0-1-amd64.ko.gz", NULL, "unchecked 5.10.0-1-amd64 mod " },
		{ "example-ebpf-5.10.0-1-amd64.o.gz", NULL, "unchecked 5.10.0-1-amd64 bpf " },
		{ "example-5.10.0-1-amd64.ko.gz", "5.10.0-2-amd64", "unchecked 5.10.0-2-amd64 mod " },
		{ "other.ko", "5.10.0-2-amd64", "unchecked 5.10.0-2-amd64 mod " },
		{ "example-5.10.0-1-amd64.ko.gz", "5.10.*", "unchecked 5.10.0-1-amd64 mod " },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		char path[200];
		site_write(&s, rows[i].file, "x");
		snprintf(path, sizeof(path), "%s/%s", s.root, rows[i].file);
		const char *const words[] = { "gate", path, rows[i].kernel ? "--kernel" : NULL, rows[i].kernel, NULL };
		run_on_site(&s, words, &o);
		cr_expect_eq(o.code, 1, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect_eq(strncmp(buf_text(&o.out), rows[i].says, strlen(rows[i].says)), 0, "row %zu: %s", i, buf_text(&o.out));
	}
}

/* JSON has no room for bytes that are no text; the object is there all the same. */
Test(gate_command, names_that_are_no_text)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	char path[200];

	site_make(&s);
	site_write(&s, "x\xff.ko", "x");
	snprintf(path, sizeof(path), "%s/x\xff.ko", s.root);
	const char *const words[] = { "gate", path, "--kernel", "\xfe", "--json", NULL };
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 1, "%d: %s", o.code, buf_text(&o.err));
	json_t *root = json_loads(buf_text(&o.out), 0, NULL);
	const json_t *object = json_array_get(json_object_get(root, "objects"), 0);
	cr_assert_not_null(object, "%s", buf_text(&o.out));
	cr_expect_str_eq(json_string_value(json_object_get(object, "kernel")), "?");
	cr_expect_str_eq(json_string_value(json_object_get(object, "file")), "?");
	json_decref(root);
}

/* Opening a pipe that nobody writes to would never end. */
Test(gate_command, a_pipe_is_refused)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	char path[200];

	site_make(&s);
	snprintf(path, sizeof(path), "%s/example-5.10.0-1-amd64.ko", s.root);
	cr_assert_eq(mkfifo(path, 0600), 0);
	const char *const words[] = { "gate", path, NULL };
	run_on_site(&s, words, &o);
	cr_expect_eq(o.code, 2, "%d: %s", o.code, buf_text(&o.err));
	cr_expect(strstr(buf_text(&o.err), "is no regular file"), "%s", buf_text(&o.err));
}
