/* Where an index is had from: mirrors, mirror lists, private sources. Needs no engine. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "checkout.h"
#include "published.h"
#include "site.h"
#include "tree.h"
#include "web.h"

static struct {
	struct signing key;
	struct web web;
	struct checkout checkout;
	struct published published;
	struct program program;
	char *docroot;
} scene;

static void close_scene(void)
{
	web_stop(&scene.web);
	signing_release(&scene.key);
	published_release(&scene.published);
	checkout_release(&scene.checkout);
	program_release(&scene.program);
	free(scene.docroot);
}

static void open_scene(void)
{
	struct site *s = site();
	struct err e;

	site_open_bare();
	scene.program = scene.web.program = (struct program)PROGRAM_NONE;
	site_before_close(close_scene);
	scene.docroot = text_of("%s/www", s->temp.path);
	cleanup_free char *server = text_of("%s/server", s->temp.path), *here = text_of("%s/here", s->temp.path);
	cr_assert(path_make_dirs(scene.docroot, &e) == 0, "%s", e.message);
	signing_make(&scene.key, s->temp.path, "signer");
	checkout_make(&scene.checkout, here);
	web_start(&scene.web, WEB_NGINX, server, scene.docroot);
}

TestSuite(crawl_source, .init = open_scene, .fini = site_close, .timeout = SITE_SECONDS);

static const unsigned one[] = { 9, 0 };

static void publish(const struct published_kind *kind, const char *name)
{
	cleanup_free char *dir = text_of("%s/%s", scene.docroot, name);

	published_make(&scene.published, kind, dir, &scene.key);
	published_put(&scene.published, 9);
}

static void expect_listed(const char *url)
{
	cleanup_free char *list = published_list(&scene.published, url, one);

	checkout_expect(&scene.checkout, "example", ".txt", list);
}

/* The list names the public place, whatever the packages' index was read from. */
Test(crawl_source, a_mirror_of_ones_own)
{
	static const char public[] = "http://127.0.0.1:9/example";
	cleanup_free char *mirror = text_of("example=%s/archive", scene.web.url);

	publish(&published_apt_by_hash, "archive");
	cleanup_free char *indexes = published_indexes(&scene.published, public, "");
	checkout_describe(&scene.checkout, "example", "example", indexes);
	checkout_crawl(&scene.checkout, &scene.program, 0, "--mirror", mirror, NULL);
	expect_listed(public);
	cr_expect_gt(web_answers(&scene.web, 200), 0);
}

/* The first repository of the list that is good is taken, and only that. */
Test(crawl_source, a_mirror_list)
{
	cleanup_free char *good = text_of("%s/archive", scene.web.url);
	cleanup_free char *text = text_of(
		"# made up\nhttp://127.0.0.1:9/nobody\n%s/nothing/\nhttp://127.0.0.1:9/nobody\n%s/\nhttp://127.0.0.1:9/never\n",
		scene.web.url, good);
	cleanup_free char *indexes = text_of("indexes:\n  - name: main\n    yum: {mirror-list: \"%s/mirror.list\", keyring: %s}\n"
					     "    packages: ['kernel-devel-.*\\.rpm']\n",
					     scene.web.url, scene.key.keyring);

	publish(&published_yum_gz, "archive");
	file_put(scene.docroot, "mirror.list", text);
	checkout_describe(&scene.checkout, "example-rpm", "example", indexes);
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	expect_listed(good);
	cr_expect(strstr(buf_text(&scene.program.err), "warning: "), "%s", buf_text(&scene.program.err));

	/* An error page is no list of repositories. */
	struct checkout_state before = { 0 };
	checkout_remember(&scene.checkout, "example", &before);
	file_put(scene.docroot, "mirror.list", "<html><body>Service unavailable</body></html>\n");
	checkout_crawl(&scene.checkout, &scene.program, 1, NULL);
	checkout_expect_same(&scene.checkout, "example", &before, "an error page for a mirror list");
	cr_expect(strstr(buf_text(&scene.program.err), "/mirror.list"), "%s", buf_text(&scene.program.err));
	checkout_state_release(&before);
}

/* No file of the checkout or the cache, and nothing that was printed, holds the token. */
static void expect_token_nowhere(void)
{
	const char *dirs[] = { scene.checkout.root, scene.checkout.cache };

	cr_expect(!strstr(buf_text(&scene.program.out), WEB_TOKEN) && !strstr(buf_text(&scene.program.err), WEB_TOKEN));
	for (size_t d = 0; d < ARRAY_LEN(dirs); d++) {
		cleanup_strv struct strv files = { 0 };
		tree_list(dirs[d], &files);
		for (size_t i = 0; i < files.len; i++) {
			cleanup_free char *path = text_of("%s/%s", dirs[d], files.items[i]);
			cleanup_buf struct buf bytes = { 0 };
			file_bytes(path, &bytes);
			cr_expect(!memmem(buf_text(&bytes), bytes.len, WEB_TOKEN, strlen(WEB_TOKEN)), "the token is in '%s'", path);
		}
	}
}

static void try_token(const char *as)
{
	cleanup_free char *name = text_of("%s-token/archive", as), *url = text_of("%s/%s", scene.web.url, name);
	cleanup_free char *access = text_of("    access: {token: EXAMPLE_TOKEN, as: %s}\n", as);

	publish(&published_yum_gz, name);
	cleanup_free char *indexes = published_indexes(&scene.published, url, access);
	checkout_describe(&scene.checkout, "example-rpm", "example", indexes);

	/* Whoever has no token is told which variable holds it, and that is no failure. */
	cr_assert(unsetenv("EXAMPLE_TOKEN") == 0 && unsetenv("EXAMPLE_TOKEN_FILE") == 0);
	checkout_crawl(&scene.checkout, &scene.program, 0, NULL);
	cr_expect(strstr(buf_text(&scene.program.err), "EXAMPLE_TOKEN"), "%s", buf_text(&scene.program.err));
	checkout_expect(&scene.checkout, "example", ".txt", "");
	cr_expect_eq(web_answers(&scene.web, 0), 0);

	cr_assert(setenv("EXAMPLE_TOKEN", WEB_TOKEN "-of-somebody-else", 1) == 0);
	checkout_crawl(&scene.checkout, &scene.program, 1, NULL);
	cr_expect(strstr(buf_text(&scene.program.err), "403"), "%s", buf_text(&scene.program.err));
	expect_token_nowhere();
	checkout_expect(&scene.checkout, "example", ".txt", "");

	cr_assert(setenv("EXAMPLE_TOKEN", WEB_TOKEN, 1) == 0);
	checkout_crawl(&scene.checkout, &scene.program, 0, "--json", NULL);
	expect_listed(url);
	expect_token_nowhere();
}

Test(crawl_source, a_token_in_the_query)
{
	try_token("query");
}

Test(crawl_source, a_bearer_token)
{
	try_token("bearer");
}
