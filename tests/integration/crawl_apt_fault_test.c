/* What apt archives do wrong, and the way to them: after each fault the list and its digests are byte-identical, one line says what
 * happened, and the other distro of the same run has been crawled all the same. Needs no engine. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "place.h"
#include "site.h"
#include "tree.h"

TestSuite(crawl_apt_fault, .init = places_open, .fini = site_close, .timeout = SITE_SECONDS);

#define INRELEASE "dists/stable/InRelease"
#define RELEASE	  "dists/stable/Release"
#define BINARY	  "dists/stable/main/binary-amd64"
#define PACKAGES  BINARY "/Packages.xz"

/* --- apt: what the archive says of itself --- */

static void release_again(struct place *p)
{
	apt_archive_state(&p->published.apt);
	apt_archive_sign(&p->published.apt);
}

static void inrelease_is_an_error_page(struct place *p)
{
	place_put(p, INRELEASE, error_page);
}

static void inrelease_is_empty(struct place *p)
{
	place_put(p, INRELEASE, "");
}

static void inrelease_is_cut(struct place *p)
{
	place_truncate(p, INRELEASE);
}

static void inrelease_is_gone(struct place *p)
{
	place_answer(p, INRELEASE, (struct http_step){ .status = 404, .body = error_page, .len = strlen(error_page) });
}

static void inrelease_is_changed(struct place *p)
{
	place_edit(p, INRELEASE, "Suite: stable", "Suite: stale");
}

static void inrelease_is_by_a_stranger(struct place *p)
{
	p->published.apt.key = places_other_key();
	apt_archive_sign(&p->published.apt);
}

static void inrelease_is_unsigned(struct place *p)
{
	cleanup_free char *path = text_of("%s/" RELEASE, p->published.dir);
	cleanup_buf struct buf bytes = { 0 };

	file_bytes(path, &bytes);
	place_put(p, INRELEASE, buf_text(&bytes));
}

static void inrelease_is_expired(struct place *p)
{
	p->published.apt.valid_until = "Sat, 02 Jan 2021 03:04:05 +0000";
	release_again(p);
}

/* Somebody has written above what was signed: a digest for other packages. */
static void inrelease_has_a_forged_part(struct place *p)
{
	cleanup_free char *path = text_of("%s/" INRELEASE, p->published.dir);
	cleanup_buf struct buf bytes = { 0 };

	file_bytes(path, &bytes);
	cleanup_free char *text =
		text_of("Suite: stable\nSHA256:\n %064d 1 main/binary-amd64/Packages.xz\n\n%s", 0, buf_text(&bytes));
	place_put(p, INRELEASE, text);
}

static const struct fault release_faults[] = {
	{ "an error page for InRelease", &published_apt, inrelease_is_an_error_page, INRELEASE, "not signed" },
	{ "an empty InRelease", &published_apt, inrelease_is_empty, INRELEASE, "empty" },
	{ "half an InRelease", &published_apt, inrelease_is_cut, INRELEASE, "cut short" },
	{ "no InRelease", &published_apt, inrelease_is_gone, INRELEASE, "404" },
	{ "a changed InRelease", &published_apt, inrelease_is_changed, INRELEASE, "is bad" },
	{ "a stranger's key", &published_apt, inrelease_is_by_a_stranger, INRELEASE, "is not in the keyring" },
	{ "an unsigned InRelease", &published_apt, inrelease_is_unsigned, INRELEASE, "not signed" },
	{ "an expired Release", &published_apt, inrelease_is_expired, INRELEASE, "2021-01-02" },
	{ "text above the signed part", &published_apt, inrelease_has_a_forged_part, INRELEASE, "not signed" },
};

Test(crawl_apt_fault, releases)
{
	places_try(release_faults, ARRAY_LEN(release_faults));
}

Test(crawl_apt_fault, expired_and_accepted)
{
	struct place *p = place_open(&published_apt);
	static const unsigned three[] = { 9, 10, 11, 0 };
	cleanup_free char *indexes = published_indexes(&p->published, p->url, "");
	cleanup_buf struct buf accepting = { 0 };

	inrelease_is_expired(p);
	repository_stamp(p->published.dir);
	text_replace(indexes, "      keyring:", "      expired: accept\n      keyring:", &accepting);
	checkout_describe(&p->checkout, "example", "broken", buf_text(&accepting));
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
	cr_expect(strstr(buf_text(&p->program.err), "warning: ") && strstr(buf_text(&p->program.err), "2021-01-02"), "%s",
		  buf_text(&p->program.err));
}

/* --- apt: Packages --- */

static void packages_is_an_error_page(struct place *p)
{
	place_put(p, PACKAGES, error_page);
}

static void packages_is_a_signed_error_page(struct place *p)
{
	place_put(p, PACKAGES, error_page);
	release_again(p);
}

static void packages_is_cut(struct place *p)
{
	place_truncate(p, PACKAGES);
}

static void packages_was_cut_before_signing(struct place *p)
{
	place_truncate(p, PACKAGES);
	release_again(p);
}

static void packages_is_gone(struct place *p)
{
	place_answer(p, PACKAGES, (struct http_step){ .status = 404 });
}

/* The archive's own mistake: the digest that it signs is another one. */
static void release_is_wrong_about_packages(struct place *p)
{
	cleanup_free char *path = text_of("%s/" PACKAGES, p->published.dir), *line = package_digest_line(path, "");
	cleanup_free char *hex = text_of("%.64s", line), *wrong = text_of("%.63s%c", line, line[63] == '0' ? '1' : '0');

	place_edit(p, RELEASE, hex, wrong);
	apt_archive_sign(&p->published.apt);
}

static void packages_has_half(struct place *p)
{
	published_drop(&p->published, 9);
	published_drop(&p->published, 10);
}

static void packages_is_empty(struct place *p)
{
	struct err e;

	cr_assert(path_remove(p->published.apt.pool, &e) == 0 && path_make_dirs(p->published.apt.pool, &e) == 0, "%s", e.message);
	apt_archive_publish(&p->published.apt);
}

static const struct fault packages_faults[] = {
	{ "an error page for Packages", &published_apt, packages_is_an_error_page, PACKAGES, "error page" },
	{ "a signed error page for Packages", &published_apt, packages_is_a_signed_error_page, PACKAGES, "line 1" },
	{ "half of Packages", &published_apt, packages_is_cut, PACKAGES, "bytes where" },
	{ "half of Packages, and signed", &published_apt, packages_was_cut_before_signing, PACKAGES, "truncated" },
	{ "no Packages", &published_apt, packages_is_gone, PACKAGES, "404" },
	{ "a wrong digest in Release", &published_apt, release_is_wrong_about_packages, PACKAGES, "sha256" },
	{ "half of the kernels", &published_apt, packages_has_half, "", "3 of the 6 packages" },
	{ "no packages", &published_apt, packages_is_empty, "", "has no package" },
};

Test(crawl_apt_fault, packages)
{
	places_try(packages_faults, ARRAY_LEN(packages_faults));
}

/* --- the way there --- */

static void server_fails(struct place *p)
{
	place_answer(p, HTTP_EVERY_PATH, (struct http_step){ .status = 500, .body = error_page, .len = strlen(error_page) });
}

static void server_fails_later(struct place *p)
{
	place_answer(p, PACKAGES, (struct http_step){ .status = 503, .body = error_page, .len = strlen(error_page) });
}

static void connection_is_reset(struct place *p)
{
	cleanup_free char *path = text_of("%s/" PACKAGES, p->published.dir);

	file_bytes(path, &p->body);
	place_answer(p, PACKAGES,
		     (struct http_step){ .body = p->body.data,
					 .len = p->body.len,
					 .cut_after = p->body.len / 2,
					 .ignore_range = true,
					 .reset = true });
}

/* What has come so far is of use for the next try. */
static void connection_is_reset_once(struct place *p)
{
	connection_is_reset(p);
	place_answer(p, PACKAGES, (struct http_step){ .body = p->body.data, .len = p->body.len });
}

static void connection_ends_early(struct place *p)
{
	cleanup_free char *path = text_of("%s/" INRELEASE, p->published.dir);

	file_bytes(path, &p->body);
	place_answer(p, INRELEASE, (struct http_step){ .body = p->body.data, .len = p->body.len, .cut_after = p->body.len / 2 });
}

static void redirects_go_round(struct place *p)
{
	place_answer(p, HTTP_EVERY_PATH, (struct http_step){ .status = 302, .location = "/there" });
}

/* One failure costs nothing but another try. */
static void server_fails_once(struct place *p)
{
	cleanup_free char *path = text_of("%s/" INRELEASE, p->published.dir);

	file_bytes(path, &p->body);
	place_answer(p, INRELEASE, (struct http_step){ .status = 503 });
	place_answer(p, INRELEASE, (struct http_step){ .body = p->body.data, .len = p->body.len });
}

static void nobody_listens(struct place *p)
{
	/* Port 9 is discard's; nothing of ours is ever there. */
	cleanup_free char *indexes = published_indexes(&p->published, "http://127.0.0.1:9/debian", "");

	checkout_describe(&p->checkout, p->published.kind->example, "broken", indexes);
}

static void name_is_unknown(struct place *p)
{
	cleanup_free char *indexes = published_indexes(&p->published, "http://no-such-host.invalid/debian", "");

	checkout_describe(&p->checkout, p->published.kind->example, "broken", indexes);
}

static const struct fault way_faults[] = {
	{ "500 for all", &published_apt, server_fails, INRELEASE, "500" },
	{ "503 for Packages", &published_apt, server_fails_later, PACKAGES, "503" },
	{ "a reset midway", &published_apt, connection_is_reset, PACKAGES, "reset" },
	{ "a reset once", &published_apt, connection_is_reset_once, NULL, NULL },
	{ "an early end", &published_apt, connection_ends_early, INRELEASE, "closed" },
	{ "nobody listens", &published_apt, nobody_listens, "http://127.0.0.1:9/debian/" INRELEASE, "connect" },
	{ "a name that nobody knows", &published_apt, name_is_unknown, "http://no-such-host.invalid/debian/" INRELEASE, "resolve" },
	{ "redirects without end", &published_apt, redirects_go_round, INRELEASE, "redirects in a row" },
	{ "503 once", &published_apt, server_fails_once, NULL, NULL },
};

Test(crawl_apt_fault, the_way_there)
{
	places_try(way_faults, ARRAY_LEN(way_faults));
}
