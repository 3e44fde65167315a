/* What yum repositories, directory listings, JSON documents and object stores do wrong, as crawl_apt_fault_test.c does it for apt
 * archives. Needs no engine. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "place.h"
#include "site.h"
#include "tree.h"

TestSuite(crawl_fault, .init = places_open, .fini = site_close, .timeout = SITE_SECONDS);

#define REPOMD "repodata/repomd.xml"

/* --- yum --- */

static void repomd_is_an_error_page(struct place *p)
{
	place_put(p, REPOMD, error_page);
}

static void repomd_is_a_signed_error_page(struct place *p)
{
	cleanup_free char *path = text_of("%s/" REPOMD, p->published.dir), *signature = text_of("%s.asc", path);

	place_put(p, REPOMD, error_page);
	signing_detached(p->published.key, path, signature);
}

static void repomd_is_changed(struct place *p)
{
	place_edit(p, REPOMD, "primary", "primarx");
}

static void repomd_is_by_a_stranger(struct place *p)
{
	cleanup_free char *path = text_of("%s/" REPOMD, p->published.dir), *signature = text_of("%s.asc", path);

	signing_detached(places_other_key(), path, signature);
}

static void repomd_is_unsigned(struct place *p)
{
	place_answer(p, REPOMD ".asc", (struct http_step){ .status = 404 });
}

static void primary_is_an_error_page(struct place *p)
{
	place_put(p, place_find(p, "primary.xml"), error_page);
}

static void primary_is_cut(struct place *p)
{
	place_truncate(p, place_find(p, "primary.xml"));
}

/* createrepo_c's own repository of what is no primary document, signed as it should be. */
static void resign_with_primary(struct place *p, const char *text)
{
	cleanup_free char *path = yum_repository_primary(p->published.dir), *old = package_digest_line(path, "");
	cleanup_free char *repomd = text_of("%s/" REPOMD, p->published.dir), *signature = text_of("%s.asc", repomd);
	struct err e;

	cr_assert(file_replace(path, text, strlen(text), 0644, &e) == 0, "%s", e.message);
	cleanup_free char *new = package_digest_line(path, ""), *old_hex = text_of("%.64s", old), *hex = text_of("%.64s", new);
	cleanup_free char *old_size = text_of("<size>%lu</size>", strtoul(old + 64, NULL, 10));
	cleanup_free char *size = text_of("<size>%zu</size>", strlen(text)),
			  *above = text_of("%.*s", (int)(path_base(path) - path), path);
	cleanup_free char *place = text_of("%s%s-primary.xml.gz", above, hex);
	cr_assert(rename(path, place) == 0);
	place_edit(p, REPOMD, old_hex, hex);
	place_edit(p, REPOMD, old_size, size);
	signing_detached(p->published.key, repomd, signature);
}

static void primary_is_a_signed_error_page(struct place *p)
{
	resign_with_primary(p, error_page);
}

static void primary_names_nothing(struct place *p)
{
	resign_with_primary(p, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			       "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" packages=\"0\">\n</metadata>\n");
}

static void half_is_gone(struct place *p)
{
	published_drop(&p->published, 9);
	published_drop(&p->published, 10);
}

static const struct fault yum_faults[] = {
	{ "an error page for repomd.xml", &published_yum_gz, repomd_is_an_error_page, REPOMD, "is bad" },
	{ "a signed error page for repomd.xml", &published_yum_gz, repomd_is_a_signed_error_page, REPOMD, "HTML" },
	{ "a changed repomd.xml", &published_yum_gz, repomd_is_changed, REPOMD, "is bad" },
	{ "a stranger's key on repomd.xml", &published_yum_gz, repomd_is_by_a_stranger, REPOMD, "is not in the keyring" },
	{ "an unsigned repomd.xml", &published_yum_gz, repomd_is_unsigned, REPOMD, "404" },
	{ "an error page for the primary document", &published_yum_gz, primary_is_an_error_page, "primary.xml.gz", "error page" },
	{ "half of the primary document", &published_yum_xz, primary_is_cut, "primary.xml.xz", "bytes where" },
	{ "a signed error page for the primary document", &published_yum_gz, primary_is_a_signed_error_page, "primary.xml.gz",
	  "HTML" },
	{ "an empty primary document", &published_yum_gz, primary_names_nothing, "", "names nothing at all" },
	{ "half of the kernels", &published_yum_gz, half_is_gone, "", "1 of the 2 packages" },
};

Test(crawl_fault, yum)
{
	places_try(yum_faults, ARRAY_LEN(yum_faults));
}

/* --- directory listings and JSON --- */

static void directory_is_an_error_page(struct place *p)
{
	place_put(p, "9.10/os/x86_64/Packages/index.html", error_page);
}

static void start_is_an_error_page(struct place *p)
{
	place_put(p, "index.html", error_page);
}

static void directory_is_blank(struct place *p)
{
	place_put(p, "9.10/os/x86_64/index.html", "");
}

static void directory_fails(struct place *p)
{
	place_answer(p, "9.10/os/x86_64/Packages/", (struct http_step){ .status = 500 });
}

static void directory_is_gone(struct place *p)
{
	cleanup_free char *path = text_of("%s/9.10", p->published.dir);
	cleanup_free char *new = text_of("%s/9.11", p->published.dir);
	struct err e;

	cr_assert(path_remove(path, &e) == 0 && path_remove(new, &e) == 0, "%s", e.message);
}

static const char hostile_links[] =
	"<html><body><pre><a href=\"../\">../</a>\n<a href=\"?C=M;O=D\">Last modified</a>\n"
	"<a href=\"/elsewhere/9.12/\">9.12/</a>\n<a href=\"../template-0/9.13/\">9.13/</a>\n<a href=\"%2e%2e/\">up</a>\n"
	"<a href=\"http://127.0.0.1:9/9.14/\">9.14/</a>\n<a href=\"//127.0.0.1:9/9.15/\">9.15/</a>\n<a href=\"file:///etc/\">9.16/</a>\n"
	"<a href=\"javascript:alert(1)\">9.17/</a>\n<a href=\"9.18%2f..%2f..%2f/\">9.18/</a>\n"
	"<a href=\"9.9/\">9.9/</a>\n<a href=\"9.10/\">9.10/</a>\n<a href=\"9.11/\">9.11/</a>\n<a href=\"9.11/\">again</a>\n"
	"</pre></body></html>\n";

static void links_lead_out(struct place *p)
{
	place_put(p, "index.html", hostile_links);
}

static void releases_are_an_error_page(struct place *p)
{
	place_put(p, "releases.json", error_page);
}

static void releases_are_cut(struct place *p)
{
	place_truncate(p, "releases.json");
}

static void releases_are_none(struct place *p)
{
	place_put(p, "releases.json", "{\"releases\": []}\n");
}

static void a_build_is_an_error_page(struct place *p)
{
	place_put(p, "builds/9.10/x86_64/commitmeta.json", error_page);
}

static const struct fault listing_faults[] = {
	{ "an error page for a directory", &published_listing, directory_is_an_error_page, "9.10/os/x86_64/Packages/",
	  "no directory listing" },
	{ "an error page for the first directory", &published_listing, start_is_an_error_page, "", "no directory listing" },
	{ "a blank page", &published_listing, directory_is_blank, "9.10/os/x86_64/", "empty" },
	{ "500 for a directory", &published_listing, directory_fails, "9.10/os/x86_64/Packages/", "500" },
	{ "a directory less", &published_listing, directory_is_gone, "", "1 of the 2 packages" },
	{ "links that lead out", &published_listing, links_lead_out, NULL, NULL },
	{ "an error page for JSON", &published_json, releases_are_an_error_page, "releases.json", "line 1" },
	{ "half of a JSON document", &published_json, releases_are_cut, "releases.json", "premature end" },
	{ "JSON that names nothing", &published_json, releases_are_none, "", "names nothing" },
	{ "an error page deeper down", &published_json, a_build_is_an_error_page, "commitmeta.json", "line 1" },
};

Test(crawl_fault, listings_and_json)
{
	places_try(listing_faults, ARRAY_LEN(listing_faults));
}

/* --- object stores --- */

#define FIRST_PAGE "pages//page.xml"

static void page_is_an_error_page(struct place *p)
{
	place_put(p, FIRST_PAGE, error_page);
}

static void second_page_is_an_error_page(struct place *p)
{
	place_put(p, "pages/18000.10.0/kernel-headers.tgz/page.xml", error_page);
}

static void page_is_cut(struct place *p)
{
	place_truncate(p, FIRST_PAGE);
}

/* Page after page, and never another one. */
static void marker_is_ignored(struct place *p)
{
	cleanup_free char *page = text_of("%s/" FIRST_PAGE, p->published.dir);

	file_bytes(page, &p->body);
	place_answer(p, HTTP_EVERY_PATH, (struct http_step){ .body = p->body.data, .len = p->body.len });
}

static void page_leads_back(struct place *p)
{
	place_edit(p, "pages/18000.9.0/kernel-headers.tgz/page.xml", "<IsTruncated>false</IsTruncated>",
		   "<NextMarker>18000.0.0</NextMarker><IsTruncated>true</IsTruncated>");
}

static void page_has_no_end(struct place *p)
{
	place_edit(p, FIRST_PAGE, "<IsTruncated>true</IsTruncated>", "");
}

static void bucket_is_empty(struct place *p)
{
	place_put(p, FIRST_PAGE,
		  "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>"
		  "<Name>store</Name><Prefix>18</Prefix><Marker></Marker><IsTruncated>false</IsTruncated></ListBucketResult>");
}

static void access_is_denied(struct place *p)
{
	static const char denied[] = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code>"
				     "<Message>Access denied.</Message></Error>";

	place_answer(p, HTTP_EVERY_PATH, (struct http_step){ .status = 403, .body = denied, .len = sizeof(denied) - 1 });
}

static const struct fault bucket_faults[] = {
	{ "an error page for a bucket", &published_bucket, page_is_an_error_page, "/store", "HTML" },
	{ "an error page for the last page", &published_bucket, second_page_is_an_error_page, "/store", "HTML" },
	{ "half a page", &published_bucket, page_is_cut, "/store", "Premature end" },
	{ "a store that ignores the marker", &published_bucket, marker_is_ignored, "/store", "in a circle" },
	{ "a page that leads back", &published_bucket, page_leads_back, "/store", "is not behind" },
	{ "a page that does not say whether it is the last", &published_bucket, page_has_no_end, "/store", "last page" },
	{ "an empty bucket", &published_bucket, bucket_is_empty, "", "names nothing" },
	{ "403", &published_bucket, access_is_denied, "/store", "403" },
};

Test(crawl_fault, buckets)
{
	places_try(bucket_faults, ARRAY_LEN(bucket_faults));
}

/* --- what is no fault of a document --- */

/* An archive in the middle of its update: names show what is old or not whole yet, digests what belongs together. */
static void names_are_behind(struct place *p)
{
	place_put(p, "dists/stable/main/binary-amd64/Packages.xz", error_page);
	place_put(p, "dists/stable/main/binary-amd64/Packages.gz", error_page);
}

static const struct fault update_faults[] = {
	{ "an update at work, with by-hash", &published_apt_by_hash, names_are_behind, NULL, NULL },
};

Test(crawl_fault, updates_at_work)
{
	places_try(update_faults, ARRAY_LEN(update_faults));
}

static const unsigned three[] = { 9, 10, 11, 0 };

/* The good one's new kernel has to wait until all of the distro's indexes are good. */
Test(crawl_fault, one_bad_index_of_two)
{
	struct place *p = place_open(&published_yum_gz);
	cleanup_free char *indexes = published_indexes(&p->published, p->url, ""), *bad = text_of("%s/nothing", p->url);
	cleanup_free char *rules = p->published.kind->rules(&p->published, bad);
	cleanup_free char *both = text_of("%s  - name: other\n%s", indexes, rules);

	checkout_describe(&p->checkout, "example-rpm", "broken", both);
	checkout_crawl(&p->checkout, &p->program, 1, NULL);
	checkout_expect_same(&p->checkout, "broken", &p->before, "one bad index of two");
	cr_expect(strstr(buf_text(&p->program.err), "'other'") && !strstr(buf_text(&p->program.err), "'main'"), "%s",
		  buf_text(&p->program.err));
	place_expect_steady(p, "one bad index of two");
}

/* Without the ledger only dates are lost, also when there is something else in its place. */
Test(crawl_fault, the_ledger_is_lost)
{
	struct place *p = place_open(&published_apt);
	cleanup_free char *ledger = text_of("%s/ledger.sqlite", p->checkout.cache);
	struct checkout_state state = { 0 };
	struct err e;

	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	place_expect(p, "broken", three);
	checkout_remember(&p->checkout, "broken", &state);
	cr_assert(path_remove(p->checkout.cache, &e) == 0, "%s", e.message);
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	checkout_expect_same(&p->checkout, "broken", &state, "no ledger");

	cr_assert(path_remove(p->checkout.cache, &e) == 0, "%s", e.message);
	file_put(p->checkout.cache, "ledger.sqlite", error_page);
	program_release(&p->program);
	place_start(p);
	cr_expect_neq(program_finish(&p->program), 0);
	cr_expect(strstr(buf_text(&p->program.err), ledger), "%s", buf_text(&p->program.err));
	checkout_expect_same(&p->checkout, "broken", &state, "a ledger that is none");
	checkout_state_release(&state);
}

/* Under the name of a package there is another one now: suspicious, and taken only when somebody says so. */
Test(crawl_fault, a_package_changes_under_its_name)
{
	struct place *p = place_open(&published_apt);
	const struct published *t = &p->published;

	package_make_deb(t->apt.pool, "linux-headers-6.1.0-9-amd64", "6.1.9-1", "amd64", "linux-kbuild-6.1, surprise");
	t->kind->publish(t);
	checkout_crawl(&p->checkout, &p->program, 0, NULL);
	cr_expect(strstr(buf_text(&p->program.err), "warning: ") &&
			  strstr(buf_text(&p->program.err), "linux-headers-6.1.0-9-amd64_6.1.9-1_amd64.deb"),
		  "%s", buf_text(&p->program.err));
	cleanup_free char *path = checkout_path(&p->checkout, "broken", ".digests");
	cleanup_free char *url = text_of("%s/pool/main/l/linux/linux-headers-6.1.0-9-amd64_6.1.9-1_amd64.deb", p->url);
	cleanup_free char *file = text_of("%s%s", t->dir, url + strlen(p->url)), *line = package_digest_line(file, url);
	cleanup_buf struct buf digests = { 0 };
	file_bytes(path, &digests);
	cr_expect(!strstr(buf_text(&digests), line), "the digest has become the new one:\n%s", buf_text(&digests));
	checkout_crawl(&p->checkout, &p->program, 0, "--accept-changed", NULL);
	place_expect(p, "broken", three);
}
