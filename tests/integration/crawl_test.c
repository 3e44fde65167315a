/* The crawl on real repositories behind real web servers: what gets into the list, and what a crawl that finds nothing new costs.
 * Needs no engine. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "checkout.h"
#include "object_store.h"
#include "published.h"
#include "site.h"
#include "tree.h"
#include "web.h"
#include "work.h"

static struct {
	struct signing key;
	struct web web;
	struct object_store store;
	struct checkout checkout;
	struct published published;
	struct program program;
	char *docroot;
} scene;

static void close_scene(void)
{
	web_stop(&scene.web);
	object_store_stop(&scene.store);
	signing_release(&scene.key);
	published_release(&scene.published);
	checkout_release(&scene.checkout);
	program_release(&scene.program);
	free(scene.docroot);
}

static void open_scene(void)
{
	struct site *s = site();

	site_open_bare();
	scene.program = (struct program)PROGRAM_NONE;
	scene.web.program = scene.store.program = scene.program;
	site_before_close(close_scene);
	scene.docroot = text_of("%s/www", s->temp.path);
	signing_make(&scene.key, s->temp.path, "signer");
	checkout_make(&scene.checkout, s->temp.path);
}

TestSuite(crawl, .init = open_scene, .fini = site_close, .timeout = SITE_SECONDS);

/* --- one kind of index through its life --- */

static const char extra_rules[] = "    shrink-limit: 60\n";

static void describe(const char *url, const char *before)
{
	cleanup_free char *indexes = published_indexes(&scene.published, url, extra_rules),
			  *more = text_of("%s%s", before, indexes);

	checkout_describe(&scene.checkout, scene.published.kind->example, "example", more);
}

static void expect_known(const char *url, const unsigned *listed, const unsigned *uncrawled, const unsigned *all)
{
	cleanup_free char *list = published_list(&scene.published, url, listed);
	cleanup_free char *moved = published_list(&scene.published, url, uncrawled);
	cleanup_free char *digests = published_digests(&scene.published, url, all);

	checkout_expect(&scene.checkout, "example", ".txt", list);
	checkout_expect(&scene.checkout, "example", "-uncrawled.txt", moved);
	checkout_expect(&scene.checkout, "example", ".digests", digests);
}

/* A second crawl changes nothing, and gets no byte of an index that has not changed. */
static void expect_repeats(void)
{
	const struct published_kind *kind = scene.published.kind;
	struct checkout_state before = { 0 };

	checkout_remember(&scene.checkout, "example", &before);
	web_forget(&scene.web);
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	checkout_expect_same(&scene.checkout, "example", &before, kind->name);
	checkout_state_release(&before);
	if (!kind->unchanged)
		return;
	cr_expect_eq(web_bytes(&scene.web), 0, "%s: %zu bytes for nothing", kind->name, web_bytes(&scene.web));
	cr_expect_eq(web_answers(&scene.web, 304), web_answers(&scene.web, 0), "%s: not all answers are `not modified`",
		     kind->name);
}

static void expect_json(const char *group, const char *member, const unsigned *kernels, const char *url)
{
	cleanup_free char *expected = published_list(&scene.published, url, kernels);
	cleanup_buf struct buf have = { 0 };
	json_t *json = json_loads(buf_text(&scene.program.out), 0, NULL), *value;
	struct err e;
	size_t i;

	cr_assert_not_null(json, "no JSON: %s", buf_text(&scene.program.out));
	cr_expect_eq(json_integer_value(json_object_get(json, "version")), 1);
	json_t *distro = json_array_get(json_object_get(json, "distros"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(distro, "name")), "example");
	json_array_foreach(json_object_get(json_object_get(distro, group), member), i, value)
	{
		cr_assert(buf_printf(&have, &e, "%s\n", json_string_value(value)) == 0);
	}
	cr_expect_str_eq(buf_text(&have), expected, "%s %s of %s:\n%s", group, member, scene.published.kind->name,
			 buf_text(&scene.program.out));
	json_decref(json);
}

static void live_through(const char *url)
{
	const struct published *p = &scene.published;
	static const unsigned none[] = { 0 }, two[] = { 9, 10, 0 }, new[] = { 11, 0 }, three[] = { 9, 10, 11, 0 };
	static const unsigned gone[] = { 9, 0 }, left[] = { 10, 11, 0 };

	published_put(p, 9);
	published_put(p, 10);
	describe(url, "");
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	expect_known(url, two, none, two);
	expect_repeats();

	published_put(p, 11);
	checkout_crawl(&scene.checkout, &scene.program, 0, "--json", NULL);
	expect_json("new", "urls", new, url);
	expect_known(url, three, none, three);
	expect_repeats();

	/* What the archive drops stays in the list. */
	published_drop(p, 9);
	checkout_crawl(&scene.checkout, &scene.program, 0, "--json", NULL);
	expect_json("vanished", "urls", gone, url);
	expect_known(url, three, none, three);
	expect_repeats();

	/* An archive that forgets: it moves to the other list, and back when it is published again. */
	describe(url, "forgets: true\n");
	checkout_crawl(&scene.checkout, &scene.program, 0, "--json", NULL);
	expect_json("moved", "away", gone, url);
	expect_known(url, left, gone, three);
	expect_repeats();
	published_return(p, 9);
	checkout_crawl(&scene.checkout, &scene.program, 0, "--json", NULL);
	expect_json("moved", "back", gone, url);
	expect_known(url, three, none, three);
	expect_repeats();
}

static void try_kind(const struct published_kind *kind, enum web_kind web)
{
	cleanup_free char *dir = text_of("%s/archive", scene.docroot), *servers = text_of("%s/server", site()->temp.path);

	published_make(&scene.published, kind, dir, &scene.key);
	web_start(&scene.web, web, servers, scene.docroot);
	cleanup_free char *url = text_of("%s/archive", scene.web.url);
	live_through(url);
}

Test(crawl, apt_behind_nginx)
{
	try_kind(&published_apt, WEB_NGINX);
}

Test(crawl, apt_by_hash_behind_apache)
{
	try_kind(&published_apt_by_hash, WEB_APACHE_PLAIN);
}

Test(crawl, apt_with_zst)
{
	try_kind(&published_apt_zst, WEB_NGINX);
}

Test(crawl, yum_with_gz_behind_apache)
{
	try_kind(&published_yum_gz, WEB_APACHE_PLAIN);
}

Test(crawl, yum_with_xz)
{
	try_kind(&published_yum_xz, WEB_NGINX);
}

Test(crawl, yum_with_zst)
{
	try_kind(&published_yum_zst, WEB_NGINX);
}

Test(crawl, listing_of_nginx)
{
	try_kind(&published_listing, WEB_NGINX);
}

Test(crawl, listing_of_apache)
{
	try_kind(&published_listing, WEB_APACHE_PLAIN);
}

Test(crawl, listing_of_apache_with_fancy_indexing)
{
	try_kind(&published_listing, WEB_APACHE_FANCY);
}

Test(crawl, json)
{
	try_kind(&published_json, WEB_NGINX);
}

Test(crawl, bucket_in_pages)
{
	try_kind(&published_bucket, WEB_NGINX);
}

/* It takes its time over each page of a thousand objects, so its life is a short one. */
Test(crawl, bucket_of_an_object_store)
{
	static const unsigned none[] = { 0 }, two[] = { 9, 10, 0 }, three[] = { 9, 10, 11, 0 };
	cleanup_free char *dir = text_of("%s/archive", scene.docroot);

	published_make(&scene.published, &published_s3, dir, &scene.key);
	published_put(&scene.published, 9);
	published_put(&scene.published, 10);
	object_store_start(&scene.store, scene.docroot);
	cleanup_free char *url = text_of("%s/archive", scene.store.url);
	describe(url, "");
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	expect_known(url, two, none, two);
	published_put(&scene.published, 11);
	published_drop(&scene.published, 9);
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	expect_known(url, three, none, three);
}
