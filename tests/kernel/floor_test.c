#include "kernel/floor.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"

Test(floor, compares_numbers)
{
	static const struct {
		const char *version, *floor;
		bool reached;
	} rows[] = {
		{ "5.10.0", "4.14", true },
		{ "4.14.0", "4.14", true },
		{ "4.14", "4.14.0", true },
		{ "4.9.0-19-amd64", "4.14", false },
		{ "3.10.0", "3.10", true },
		{ "3.9.11", "3.10", false },
		{ "3.2", "3.10", false },
		{ "4.14", "4.14.1", false },
		{ "10.0", "9.99", true },
		{ "3.10.0-957.el7", "3.10", true },
		{ "4.4.0", NULL, true },
		{ "", "3.10", false },
		{ "6.1.0-22-amd64", "6.1.0", true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(floor_reached(rows[i].version, rows[i].floor), rows[i].reached, "'%s' '%s'", rows[i].version,
			     rows[i].floor ? rows[i].floor : "none");
}

Test(floor, takes_the_higher)
{
	cr_expect_str_eq(floor_higher("3.10", "4.14"), "4.14");
	cr_expect_str_eq(floor_higher("4.14", "4.9"), "4.14");
	cr_expect_str_eq(floor_higher(NULL, "4.9"), "4.9");
	cr_expect_str_eq(floor_higher("4.9", NULL), "4.9");
	cr_expect_null(floor_higher(NULL, NULL));
}

Test(floor, refuses_what_is_no_version)
{
	static const char *const bad[] = { "", "v4.14", "4.", ".4", "4..1", "4.14-rc1", "4.14 ", "1.2.3.4.5", "9999999999.1" };
	static const char *const good[] = { "4", "4.14", "3.10.0", "3.10.0.957" };
	struct err e = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_lt(floor_check(bad[i], &e), 0, "'%s'", bad[i]);
		cr_expect_eq(e.kind, ERR_INPUT);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		cr_expect_eq(floor_check(good[i], &e), 0, "'%s'", good[i]);
}
