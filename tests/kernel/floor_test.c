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

Test(floor, backports_are_those_of_one_version)
{
	static const struct {
		const char *release, *from;
		bool is;
	} rows[] = {
		{ "3.10.0-957.el7.x86_64", "3.10.0-957", true },
		{ "3.10.0-957.27.2.el7.x86_64", "3.10.0-957", true },
		{ "3.10.0-1160.119.1.el7.x86_64", "3.10.0-957", true },
		{ "3.10.0-957.rt56.910.el7.x86_64", "3.10.0-957", true },
		{ "3.10.0-862.14.4.el7.x86_64", "3.10.0-957", false },
		{ "3.10.0-96.el7.x86_64", "3.10.0-957", false },
		{ "3.10.0-957.el7.x86_64", "3.10.0-957.1", false },
		{ "3.10.0-957.12.el7.x86_64", "3.10.0-957.9", true },
		{ "3.10.0.el7", "3.10.0-957", false },
		{ "3.10-957.el7", "3.10.0-957", true },
		{ "3.10.1-1000.el7", "3.10.0-957", false },
		{ "4.4.0-1000.el7.elrepo.x86_64", "3.10.0-957", false },
		{ "3.9.0-1000", "3.10.0-957", false },
		{ "", "3.10.0-957", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		cr_expect_eq(floor_is_backported(rows[i].release, rows[i].from), rows[i].is, "'%s' '%s'", rows[i].release,
			     rows[i].from);
}

Test(floor, finds_the_most_that_was_backported)
{
	struct backport items[] = {
		{ (char *)"3.10.0-1100", (char *)"4.18" },
		{ (char *)"3.10.0-957", (char *)"4.14" },
		{ (char *)"4.18.0-80", (char *)"5.0" },
	};
	const struct backport_list list = { items, ARRAY_LEN(items) };
	cr_expect_eq(floor_find_backport(&list, "3.10.0-957.el7"), &items[1]);
	cr_expect_eq(floor_find_backport(&list, "3.10.0-1160.el7"), &items[0]);
	cr_expect_eq(floor_find_backport(&list, "4.18.0-80.el8"), &items[2]);
	cr_expect_null(floor_find_backport(&list, "3.10.0-862.el7"));
	cr_expect_null(floor_find_backport(&list, "4.14.0-115.el7a"));
}

Test(floor, refuses_what_is_no_release)
{
	static const char *const bad[] = { "", "3.10.0", "3.10.0-", "3.10.0-957.el7", "-957", "3.10.0-957-1", "3.10.0_957" };
	static const char *const good[] = { "3.10.0-957", "3.10-957.1.2", "4.18.0-80" };
	struct err e = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		cr_expect_lt(floor_check_release(bad[i], &e), 0, "'%s'", bad[i]);
		cr_expect_eq(e.kind, ERR_INPUT);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		cr_expect_eq(floor_check_release(good[i], &e), 0, "'%s'", good[i]);
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
