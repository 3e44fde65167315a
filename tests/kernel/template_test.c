#include "kernel/template.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *lookup(const void *context, const char *name, size_t *ret_len)
{
	if (strcmp(name, "none") == 0)
		context = "";
	else if (strcmp(name, "release") != 0)
		return NULL;
	*ret_len = strlen(context);
	return context;
}

Test(template, fills_in_names_and_nothing_else)
{
	static const struct {
		const char *text, *wanted;
	} rows[] = {
		{ "", "" },
		{ "${release}", "6.1" },
		{ "a-${release}-${release}b", "a-6.1-6.1b" },
		{ "$(CURDIR)/$x/$", "$(CURDIR)/$x/$" },
		{ "[${none}]", "[]" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_free char *text = template_expand(rows[i].text, lookup, "6.1", &e);
		cr_expect_str_eq(text ? text : e.message, rows[i].wanted);
		cr_expect_eq(template_check(rows[i].text, lookup, "6.1", &e), 0);
	}
}

Test(template, refuses_what_has_no_value)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "${relaese}", "nothing gives '${relaese}' a value" },
		{ "x${release", "'${' without '}'" },
		{ "${}", "the name in '${}' is missing" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 }, e2 = { 0 };
		cr_expect_null(template_expand(rows[i].text, lookup, "6.1", &e));
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect_str_eq(e.message, rows[i].message);
		cr_expect_lt(template_check(rows[i].text, lookup, "6.1", &e2), 0);
		cr_expect_str_eq(e2.message, rows[i].message);
	}
}

Test(template, bounds_the_result)
{
	char value[3000];
	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	struct err e = { 0 };
	cr_expect_null(template_expand("${release}${release}", lookup, value, &e));
	cr_expect_eq(e.kind, ERR_LIMIT);
}
