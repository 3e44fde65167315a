#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "descriptor/distro.h"
#include "expect.h"

/* The good example with this section behind it. */
static int load_with(const char *section, struct distro *ret, struct err *e)
{
	cleanup_buf struct buf text = { 0 };

	cr_assert_eq(file_read("tests/data/descriptor/example.yaml", 1 << 20, &text, e), 0, "%s", e->message);
	cr_assert_eq(buf_puts(&text, section, e), 0);
	return distro_parse(text.data, text.len, "example", ret, e);
}

Test(snapshot, one_address_or_several_by_mirror)
{
	cleanup_distro struct distro d = { 0 };
	struct err e;

	cr_assert_eq(
		load_with(
			"snapshot:\n  security: http://old.example/s/${last-seen}\n  main: [http://a.example, http://b.example]\n",
			&d, &e),
		0, "%s", e.message);
	cr_assert_eq(d.snapshot_count, 2);
	cr_expect_str_eq(d.snapshots[0].name, "security");
	cr_expect_str_eq(d.snapshots[0].urls.items[0], "http://old.example/s/${last-seen}");
	cr_expect_eq(d.snapshots[1].urls.len, 2);
}

Test(snapshot, refuses_what_would_never_be_asked)
{
	static const struct {
		const char *section, *says;
	} rows[] = {
		{ "snapshot: {mian: http://a.example}\n", "'snapshot' names 'mian', which is none of the mirrors" },
		{ "snapshot: {main: \"http://a.example/${time}\"}\n", "nothing gives '${time}' a value" },
		{ "snapshot: {main: \"http://a.example/${time\"}\n", "'${' without '}'" },
		{ "snapshot: {main: ftp://a.example}\n", "expected an http, https or file URL" },
		{ "snapshot: {main: http://a.example/}\n", "without a slash at its end" },
		{ "snapshot: [http://a.example]\n", "snapshot" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_distro struct distro d = { 0 };
		struct err e = { 0 };
		cr_expect_eq(load_with(rows[i].section, &d, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect(str_starts(e.message, "example:") && strstr(e.message, rows[i].says), "row %zu: %s", i, e.message);
	}
}
