/* Private sources: who is told the secret, and that it is said nowhere. */
#include "fetch/access.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fetch/mirror.h"
#include "fixture.h"

static struct fixture x;
static struct http_server *other; /* another port is another host */
static struct err e;

#define TOKEN	  "s3cr3t-t0ken"
#define BODY	  "an entitled package"
#define BODY_STEP .body = BODY, .len = sizeof(BODY) - 1

static void set_up(void)
{
	fixture_init(&x);
	other = http_server_start();
}

static void tear_down(void)
{
	cr_expect_not(strstr(buf_text(&x.log), TOKEN), "%s", buf_text(&x.log));
	http_server_stop(other);
	fixture_release(&x);
}

TestSuite(access, .init = set_up, .fini = tear_down, .timeout = 60);

static void serve(const char *path, struct http_step step)
{
	http_server_add(x.server, path, &step);
}

static void fetch(void)
{
	cr_assert_eq(fixture_fetch(&x, &e), 0, "%s", e.message);
}

/* "Basic " and base64 of "bearer:s3cr3t-t0ken" and "me:..." */
Test(access, tokens_as_the_source_wants_them)
{
	static const struct {
		struct fetch_access access;
		const char *path, *asked, *authorization;
	} rows[] = {
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_BEARER }, "/a", "/a", "Bearer " TOKEN },
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_BASIC }, "/b", "/b", "Basic YmVhcmVyOnMzY3IzdC10MGtlbg==" },
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_BASIC, .user = (char *)"me" },
		  "/c",
		  "/c",
		  "Basic bWU6czNjcjN0LXQwa2Vu" },
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY }, "/d", "/d?" TOKEN, "" },
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY }, "/e?x=1", "/e?x=1&" TOKEN, "" },
		{ { .token = NULL }, "/f", "/f", "" },
	};

	/* One after the other through one handle: nothing of one file's access is left for the next. */
	x.options.parallel = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[] = { (char)('a' + i), '\0' };
		serve(rows[i].asked, (struct http_step){ BODY_STEP });
		fixture_want(&x, name, rows[i].path, NULL)->access = &rows[i].access;
	}
	fetch();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect(x.wanted[i].ok, "row %zu: %s", i, x.wanted[i].failure.message);
		cr_expect_str_eq(http_server_request(x.server, rows[i].asked, 0).authorization, rows[i].authorization, "row %zu",
				 i);
		cr_expect_not(strstr(x.wanted[i].from, TOKEN), "row %zu: %s", i, x.wanted[i].from);
	}
}

Test(access, another_host_is_not_told)
{
	const struct fetch_access bearer = { .token = (char *)TOKEN },
				  query = { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY };
	cleanup_free char *there = str_printf(&e, "%s/there", http_server_url(other));

	http_server_add(other, "/there", &(struct http_step){ BODY_STEP });
	serve("/bearer", (struct http_step){ .status = 302, .location = there });
	serve("/query?" TOKEN, (struct http_step){ .status = 302, .location = there });
	serve("/here", (struct http_step){ .status = 302, .location = "/inside" });
	serve("/inside", (struct http_step){ BODY_STEP });
	fixture_want(&x, "bearer", "/bearer", NULL)->access = &bearer;
	fixture_want(&x, "query", "/query", NULL)->access = &query;
	fixture_want(&x, "here", "/here", NULL)->access = &bearer;
	fetch();
	for (size_t i = 0; i < x.count; i++)
		cr_expect(x.wanted[i].ok, "%s", x.wanted[i].failure.message);
	cr_expect_eq(http_server_requests(other, "/there"), 2, "asked without a query");
	for (size_t i = 0; i < 2; i++)
		cr_expect_str_eq(http_server_request(other, "/there", i).authorization, "");
	cr_expect_str_eq(http_server_request(x.server, "/inside", 0).authorization, "Bearer " TOKEN);
}

Test(access, only_what_lies_below_is_asked_with_it)
{
	struct fetch_access access = { .token = (char *)TOKEN };
	cleanup_free char *mine = str_printf(&e, "%s/cdn/x", http_server_url(other));

	cr_assert_eq(strv_take(&access.below, str_printf(&e, "%s/cdn", http_server_url(x.server)), &e), 0);
	http_server_add(other, "/cdn/x", &(struct http_step){ .status = 404 });
	serve("/cdn/x", (struct http_step){ BODY_STEP });
	struct wanted *w = fixture_want(&x, "x", mine, "/cdn/x", NULL);
	w->access = &access;
	fetch();
	cr_expect(w->ok, "%s", w->failure.message);
	cr_expect_str_eq(http_server_request(other, "/cdn/x", 0).authorization, "");
	cr_expect_str_eq(http_server_request(x.server, "/cdn/x", 0).authorization, "Bearer " TOKEN);
	strv_release(&access.below);
}

Test(access, no_message_and_no_note_has_the_secret)
{
	const struct fetch_access query = { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY };
	char *big = fixture_bytes(&x, 1 << 20, 1);
	cleanup_free char *by_hand =
		str_printf(&e, "http://me:" TOKEN "@%s/hand?" TOKEN, http_server_url(x.server) + strlen("http://"));

	x.options.tries = 2;
	serve("/refused?" TOKEN, (struct http_step){ .status = 403 });
	serve("/broken?" TOKEN, (struct http_step){ .status = 500 });
	serve("/loop?" TOKEN, (struct http_step){ .status = 302, .location = "/loop?" TOKEN });
	serve("/cut?" TOKEN, (struct http_step){ .body = big, .len = 1 << 20, .cut_after = 512 << 10, .etag = "\"v1\"" });
	serve("/cut?" TOKEN, (struct http_step){ .status = 500 });
	serve("/hand?" TOKEN, (struct http_step){ .body = big, .len = 1 << 20, .cut_after = 512 << 10, .etag = "\"v1\"" });
	serve("/hand?" TOKEN, (struct http_step){ .status = 500 });
	static const char *const paths[] = { "/refused", "/broken", "/loop", "/cut" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		fixture_want(&x, paths[i] + 1, paths[i], i < 3 ? "/nowhere" : NULL, NULL)->access = &query;
	fixture_want(&x, "by hand", by_hand, NULL);
	fetch();
	for (size_t i = 0; i < x.count; i++) {
		const struct wanted *w = &x.wanted[i];
		cleanup_free char *note = str_printf(&e, "%s.from", w->path);
		cleanup_buf struct buf text = { 0 };
		cr_expect_not(w->ok);
		cr_expect_not(strstr(w->failure.message, TOKEN), "%s", w->failure.message);
		if (file_read(note, 4096, &text, &e) == 0)
			cr_expect_not(strstr(buf_text(&text), TOKEN), "%s", buf_text(&text));
		else
			cr_expect_lt(i, 3, "'%s': a cut file has a note", w->name);
	}
	cr_expect(strstr(buf_text(&x.log), "/refused: HTTP status 403, it does not take the credentials"), "%s", buf_text(&x.log));
}

/* The note that a cut leaves serves the next run, though the token is not in it. */
Test(access, a_private_file_is_continued)
{
	const struct fetch_access query = { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY };
	char *big = fixture_bytes(&x, 1 << 20, 1);

	x.options.tries = 1;
	serve("/x?" TOKEN, (struct http_step){ .body = big, .len = 1 << 20, .cut_after = 512 << 10, .etag = "\"v1\"" });
	serve("/x?" TOKEN, (struct http_step){ .status = 403 });
	serve("/x?" TOKEN, (struct http_step){ .body = big, .len = 1 << 20, .etag = "\"v1\"" });
	struct wanted *w = fixture_want(&x, "x", "/x", NULL);
	w->access = &query;
	fetch();
	cr_expect_not(w->ok);
	fetch();
	cr_expect(w->ok && wanted_holds(w, big, 1 << 20), "%s", w->failure.message);
	cr_expect_eq(http_server_request(x.server, "/x?" TOKEN, 2).range_start, 512 << 10);
}

Test(access, what_can_not_be_used_is_said_without_a_request)
{
	static const struct {
		struct fetch_access access;
		const char *url, *message;
	} rows[] = {
		{ { .token = (char *)TOKEN }, "http://cdn.example/x", "its access token is not sent over http" },
		{ { .token = (char *)TOKEN }, "http://127.0.0.1.evil.example/x", "its access token is not sent over http" },
		{ { .token = (char *)TOKEN, .token_as = FETCH_TOKEN_QUERY }, "http://cdn.example/x", "not sent over http" },
		{ { .token = (char *)"a b", .token_as = FETCH_TOKEN_QUERY },
		  "https://cdn.example/x",
		  "characters that no token has" },
		{ { .token = (char *)"a\r\nX: y" }, "https://cdn.example/x", "characters that no token has" },
		{ { .token = (char *)"" }, "https://cdn.example/x", "access token is empty" },
		{ { .certificate = (char *)"/no/such.pem" }, "https://127.0.0.1:1/x", "" },
	};

	x.options.tries = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char name[] = { (char)('a' + i), '\0' };
		fixture_want(&x, name, rows[i].url, NULL)->access = &rows[i].access;
	}
	fetch();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cr_expect_not(x.wanted[i].ok);
		cr_expect(strstr(x.wanted[i].failure.message, rows[i].message), "row %zu: %s", i, x.wanted[i].failure.message);
	}
}

Test(access, of_the_mirror_table_is_found_by_prefix)
{
	const struct fetch_access wide = { .token = (char *)"wide" }, narrow = { .token = (char *)"narrow" };
	cleanup_of(mirror_table) struct mirror_table *t = mirror_table_new(NULL, NULL, &e);

	cr_assert_eq(mirror_table_add_access(t, "https://cdn.example/content/", &wide, &e), 0, "%s", e.message);
	cr_assert_eq(mirror_table_add_access(t, "https://cdn.example/content/rt", &narrow, &e), 0, "%s", e.message);
	const struct fetch_access *a = mirror_access(t, "https://cdn.example/content/x.rpm");
	cr_expect(a && strcmp(a->token, "wide") == 0);
	cr_expect(fetch_access_covers(a, "https://cdn.example/content/x.rpm"));
	cr_expect_not(fetch_access_covers(a, "https://mirror.example/content/x.rpm"));
	a = mirror_access(t, "https://cdn.example/content/rt/x.rpm");
	cr_expect(a && strcmp(a->token, "narrow") == 0);
	cr_expect_null(mirror_access(t, "https://cdn.example/other/x.rpm"));
	cr_expect_lt(mirror_table_add_access(t, "ftp://me:" TOKEN "@x", &wide, &e), 0);
	cr_expect_not(strstr(e.message, TOKEN), "%s", e.message);
}
