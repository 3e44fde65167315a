#include "kernel/version.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

/* What `dpkg --compare-versions` says of the same pairs. */
Test(version, compares_as_dpkg_does)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{ "6.1.176-1", "6.1.176-1", 0 },
		{ "6.1.176-1", "6.1.192-2", -1 },
		{ "6.1.9-1", "6.1.10-1", -1 },
		{ "6.1.192-2", "6.1.192-10", -1 },
		{ "6.1.176-1~deb11u1", "6.1.176-1", -1 },
		{ "6.1.176-1~deb11u1", "6.1.176-1~deb11u2", -1 },
		{ "6.12.95-1~bpo12+1", "6.12.95-1~deb12u1", -1 },
		{ "1.0~~", "1.0~", -1 },
		{ "1.0~", "1.0", -1 },
		{ "1.0", "1.0a", -1 },
		{ "1.0a", "1.0+", -1 },
		{ "1.0+b1", "1.0.1", -1 },
		{ "1:0.9", "2.0", 1 },
		{ "0:2.0", "2.0", 0 },
		{ "1.0-1", "1.0", 1 },
		{ "1.0-0", "1.0", 0 },
		{ "1.00", "1.0", 0 },
		{ "1.0-1-2", "1.0-1-10", -1 },
		{ "7.2~rc3-1", "7.2-1", -1 },
		{ "99999999999999999999999.1", "100000000000000000000000.0", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(sign(version_compare_deb(rows[i].a, rows[i].b)), rows[i].order, "'%s' '%s'", rows[i].a, rows[i].b);
		cr_expect_eq(sign(version_compare_deb(rows[i].b, rows[i].a)), -rows[i].order, "'%s' '%s'", rows[i].b, rows[i].a);
	}
}

/* What `rpm.vercmp` (rpm 4.18) says of the same pairs. */
Test(version, compares_as_rpm_does)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{ "4.12.14-122.91.2", "4.12.14-122.91.2", 0 },
		{ "4.12.14-122.91.9", "4.12.14-122.91.10", -1 },
		{ "3.10.0-514.el7", "3.10.0-514.10.2.el7", -1 },
		{ "3.10.0-957.el7", "3.10.0-1160.el7", -1 },
		{ "4.14.35-1910a.el7uek", "4.14.35-1910.el7uek", -1 },
		{ "4.14.35-1902.0.10.el7uek", "4.14.35-1902.0.11.el7uek", -1 },
		{ "5.14.0-70.30.1.rt21.102.el9_0", "5.14.0-70.30.1.rt21.99.el9_0", 1 },
		{ "1.0~rc1", "1.0", -1 },
		{ "1.0~rc1", "1.0~rc2", -1 },
		{ "1.0~~", "1.0~", -1 },
		{ "1.0^git1", "1.0", 1 },
		{ "1.0^git1", "1.0.1", -1 },
		{ "1.0^", "1.0^a", -1 },
		{ "1.0~rc1^git1", "1.0~rc1", 1 },
		{ "1.a", "1.1", -1 },
		{ "ab", "abc", -1 },
		{ "1.0.", "1.0", 0 },
		{ "1_0", "1.0", 0 },
		{ "001", "1", 0 },
		{ "1:0.9", "2.0", 1 },
		{ "0:2.0", "2.0", 0 },
		{ "1.0-1", "1.0", 1 },
		{ "download", "", 1 },
		{ "99999999999999999999999.1", "100000000000000000000000.0", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_eq(sign(version_compare_rpm(rows[i].a, rows[i].b)), rows[i].order, "'%s' '%s'", rows[i].a, rows[i].b);
		cr_expect_eq(sign(version_compare_rpm(rows[i].b, rows[i].a)), -rows[i].order, "'%s' '%s'", rows[i].b, rows[i].a);
	}
}

Test(version, natural_order_goes_by_numbers)
{
	static const char *const ascending[] = {
		"",
		"5.10.0-9-amd64",
		"5.10.0-30-amd64",
		"5.10.0-30-cloud-amd64",
		"6.1.0-0.deb11.48-amd64",
		"6.1.0-9-amd64",
		"6.1.0-10-amd64",
		"6.01.0-10-amd64b",
		"6.12.115+deb13-amd64",
		"6.12.115+deb13.1-amd64",
		"7.2.6",
		"a",
	};
	for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
		for (size_t j = 0; j < ARRAY_LEN(ascending); j++)
			cr_expect_eq(sign(version_compare_natural(ascending[i], ascending[j])), sign((int)i - (int)j), "'%s' '%s'",
				     ascending[i], ascending[j]);
}

/* Two texts that differ must not count as one in a sorted list. */
Test(version, natural_order_is_total)
{
	cr_expect_neq(version_compare_natural("6.1", "6.01"), 0);
	cr_expect_eq(sign(version_compare_natural("6.1", "6.01")), -sign(version_compare_natural("6.01", "6.1")));
}
