#include "crawl/access.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

static char token_name[] = "X_TEST_TOKEN", certificate_name[] = "X_TEST_CERTIFICATE", key_name[] = "X_TEST_KEY",
	    authority_name[] = "X_TEST_CA", user[] = "somebody";

static const struct index_access by_token = { .token = token_name, .token_as = TOKEN_BASIC, .token_user = user };
static const struct index_access by_certificate = { .certificate = certificate_name, .key = key_name, .authority = authority_name };

static int ask(const struct index_access *a, struct fetch_access *ret, const char **missing, struct err *e)
{
	*missing = NULL;
	return access_from_environment(a, ret, missing, e);
}

Test(access, public_index_wants_nothing)
{
	static const struct index_access none = { 0 };
	cleanup_fetch_access struct fetch_access access = { 0 };
	const char *missing;
	struct err e;

	cr_expect_eq(ask(&none, &access, &missing, &e), 1);
	cr_expect_null(access.token);
	cr_expect_null(access.certificate);
}

Test(access, what_is_missing_is_named)
{
	cleanup_fetch_access struct fetch_access access = { 0 };
	const char *missing;
	struct err e;

	cr_expect_eq(ask(&by_token, &access, &missing, &e), 0);
	cr_expect_str_eq(missing, "X_TEST_TOKEN");
	setenv("X_TEST_TOKEN", "", 1);
	cr_expect_eq(ask(&by_token, &access, &missing, &e), 0, "set to nothing is not set");
	cr_expect_eq(ask(&by_certificate, &access, &missing, &e), 0);
	cr_expect_str_eq(missing, "X_TEST_CERTIFICATE");
	setenv("X_TEST_CERTIFICATE", "/c.pem", 1);
	cr_expect_eq(ask(&by_certificate, &access, &missing, &e), 0);
	cr_expect_str_eq(missing, "X_TEST_KEY");
}

Test(access, certificate)
{
	cleanup_fetch_access struct fetch_access access = { 0 };
	const char *missing;
	struct err e;

	setenv("X_TEST_CERTIFICATE", "/c.pem", 1);
	setenv("X_TEST_KEY", "/k.pem", 1);
	cr_assert_eq(ask(&by_certificate, &access, &missing, &e), 1, "the authority may be the system's");
	cr_expect_str_eq(access.certificate, "/c.pem");
	cr_expect_str_eq(access.key, "/k.pem");
	cr_expect_null(access.authority);
}

Test(access, token_and_its_file)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_fetch_access struct fetch_access from_file = { 0 }, direct = { 0 }, none = { 0 };
	const char *missing;
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "token", &e);
	cr_assert_eq(file_replace(path, "s3cret\r\n", 8, 0600, &e), 0);
	setenv("X_TEST_TOKEN_FILE", path, 1);
	cr_assert_eq(ask(&by_token, &from_file, &missing, &e), 1, "%s", e.message);
	cr_expect_str_eq(from_file.token, "s3cret");
	cr_expect_eq(from_file.token_as, FETCH_TOKEN_BASIC);
	cr_expect_str_eq(from_file.user, "somebody");
	setenv("X_TEST_TOKEN", "other", 1);
	cr_assert_eq(ask(&by_token, &direct, &missing, &e), 1);
	cr_expect_str_eq(direct.token, "other", "the variable itself goes first");
	unsetenv("X_TEST_TOKEN");
	cr_assert_eq(file_replace(path, "\n", 1, 0600, &e), 0);
	cr_expect_lt(ask(&by_token, &none, &missing, &e), 0);
	cr_expect_not_null(strstr(e.message, "holds no token"), "%s", e.message);
}
