#include "sign/trailer.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

static const char magic[] = "~Module signature appended~\n";

/* "module", so many bytes of signature, a struct, the magic text. */
static void put(struct buf *b, size_t signature, const char structure[12])
{
	struct err e;

	cr_assert_eq(buf_puts(b, "module", &e), 0);
	for (size_t i = 0; i < signature; i++)
		cr_assert_eq(buf_append(b, "s", 1, &e), 0);
	cr_assert_eq(buf_append(b, structure, 12, &e), 0);
	cr_assert_eq(buf_puts(b, magic, &e), 0);
}

Test(trailer, is_what_the_kernel_has)
{
	cleanup_buf struct buf expected = { 0 }, b = { 0 };
	struct trailer t;
	struct err e;

	put(&expected, 300, "\0\0\2\0\0\0\0\0\0\0\1\x2c");
	cr_assert_eq(buf_puts(&b, "module", &e), 0);
	cr_assert_eq(trailer_append(&b, expected.data + 6, 300, &e), 0, "%s", e.message);
	cr_assert_eq(b.len, expected.len);
	cr_expect_arr_eq(b.data, expected.data, b.len);
	cr_assert_eq(trailer_find(b.data, b.len, &t, &e), 1, "%s", e.message);
	cr_expect_eq(t.module_len, 6u);
	cr_expect_eq(t.signature_len, 300u);
}

Test(trailer, bytes_without_a_signature)
{
	static const char *const rows[] = { "", "module", "~Module signature appended~", "~Module signature appended~\n ",
					    "\n~Module signature appended~\nmodule" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct trailer t;
		struct err e;
		size_t len;
		cr_expect_eq(trailer_find(rows[i], strlen(rows[i]), &t, &e), 0, "row %zu", i);
		cr_assert_eq(trailer_strip(rows[i], strlen(rows[i]), &len, &e), 0);
		cr_expect_eq(len, strlen(rows[i]));
	}
}

Test(trailer, damaged_ones_are_told)
{
	static const struct {
		const char *label, *structure;
	} rows[] = {
		{ "another type", "\0\0\1\0\0\0\0\0\0\0\0\x0a" },    { "algorithm set", "\1\0\2\0\0\0\0\0\0\0\0\x0a" },
		{ "hash set", "\0\1\2\0\0\0\0\0\0\0\0\x0a" },	     { "signer set", "\0\0\2\1\0\0\0\0\0\0\0\x0a" },
		{ "key id set", "\0\0\2\0\1\0\0\0\0\0\0\x0a" },	     { "padding set", "\0\0\2\0\0\0\0\1\0\0\0\x0a" },
		{ "no length", "\0\0\2\0\0\0\0\0\0\0\0\0" },	     { "all of the file", "\0\0\2\0\0\0\0\0\0\0\0\x10" },
		{ "beyond the file", "\0\0\2\0\0\0\0\0\0\0\0\x11" }, { "huge", "\0\0\2\0\0\0\0\0\xff\xff\xff\xff" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf b = { 0 };
		struct trailer t;
		struct err e;
		size_t len;
		put(&b, 10, rows[i].structure);
		cr_expect_eq(trailer_find(b.data, b.len, &t, &e), -1, "%s", rows[i].label);
		cr_expect_eq(e.kind, ERR_CORRUPT, "%s: %s", rows[i].label, e.message);
		cr_expect_eq(trailer_strip(b.data, b.len, &len, &e), -1, "%s", rows[i].label);
	}
	struct trailer t;
	struct err e;
	cr_expect_eq(trailer_find(magic, strlen(magic), &t, &e), -1, "nothing but the text");
}

Test(trailer, several_behind_each_other_all_go)
{
	cleanup_buf struct buf b = { 0 };
	struct err e;
	size_t len;

	cr_assert_eq(buf_puts(&b, "module", &e), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(trailer_append(&b, "signature", 9, &e), 0, "%s", e.message);
	cr_assert_eq(trailer_strip(b.data, b.len, &len, &e), 0, "%s", e.message);
	cr_expect_eq(len, 6u);
}
