#include "stock.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../support/random_bytes.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "stream/digest.h"
#include "tree.h"

enum { BIG_BYTES = 5000000, PIECE_BYTES = 200000, PIECE_MS = 15, WORDS_MAX = 96 };

static const char magic[] = "!<arch>\n";

static struct stock the_stock;

struct stock *stock(void)
{
	return &the_stock;
}

char *stock_path(const char *name)
{
	char *path = text_of("%s/%s", site()->temp.path, name);

	/* In that one are packages that all tests share. */
	cr_assert_str_neq(path, site()->cache);
	return path;
}

static void close_stock(void)
{
	for (size_t i = 0; i < STOCK_COUNT; i++) {
		struct stock_package *p = &the_stock.packages[i];
		free(p->name);
		free(p->url);
		free(p->body);
	}
	http_server_stop(the_stock.server);
	program_release(&the_stock.program);
	checkout_release(&the_stock.checkout);
	free(the_stock.files);
}

static void make_package(struct stock_package *p, unsigned i)
{
	struct digest digest;
	struct err e;

	p->name = text_of("linux-headers-6.1.1%02u-amd64_6.1.1%02u-1_amd64.deb", i, i);
	p->url = text_of("%s/pool/%s", http_server_url(the_stock.server), p->name);
	p->size = i == STOCK_BIG ? BIG_BYTES : 1000 + 2357 * i;
	p->body = random_bytes(p->size, i);
	memcpy(p->body, magic, strlen(magic));
	cr_assert(digest_of(p->body, p->size, &digest, &e) == 0, "%s", e.message);
	digest_hex(&digest, p->hex);
	cleanup_free char *path = text_of("%s/%s", the_stock.files, p->name);
	cr_assert(file_replace(path, p->body, p->size, 0644, &e) == 0, "%s", e.message);
}

void stock_publish(void)
{
	for (size_t i = 0; i < STOCK_COUNT; i++) {
		const struct stock_package *p = &the_stock.packages[i];
		struct http_step step = { .body = p->body, .len = p->size, .etag = "\"as-it-was\"" };
		if (i == STOCK_BIG) {
			step.drip_bytes = PIECE_BYTES;
			step.drip_ms = PIECE_MS;
		}
		http_server_add(the_stock.server, strstr(p->url, "/pool/"), &step);
	}
}

void stock_list(unsigned first, bool digests)
{
	cleanup_buf struct buf list = { 0 };
	cleanup_buf struct buf companion = { 0 };
	struct err e;

	for (size_t i = first; i < STOCK_COUNT; i++) {
		const struct stock_package *p = &the_stock.packages[i];
		cr_assert(buf_printf(&list, &e, "%s\n", p->url) == 0);
		if (digests)
			cr_assert(buf_printf(&companion, &e, "%s  %zu  %s\n", p->hex, p->size, p->url) == 0);
	}
	file_put(the_stock.checkout.root, "supported-kernels/example.txt", buf_text(&list));
	file_put(the_stock.checkout.root, "supported-kernels/example.digests", buf_text(&companion));
}

void stock_open(void)
{
	struct err e;

	site_open_bare();
	the_stock = (struct stock){ .program = PROGRAM_NONE };
	site_before_close(close_stock);
	the_stock.server = http_server_start();
	the_stock.files = stock_path("files");
	cr_assert(path_make_dirs(the_stock.files, &e) == 0, "%s", e.message);
	cleanup_free char *here = stock_path("here");
	checkout_make(&the_stock.checkout, here);
	checkout_describe(&the_stock.checkout, "example", "example", "");
	for (unsigned i = 0; i < STOCK_COUNT; i++)
		make_package(&the_stock.packages[i], i);
	stock_list(0, true);
	stock_publish();
	/* Nothing of whoever runs the tests; the last one breaks rclone 1.60 where a test runs that itself. */
	static const char *const variables[] = { "PACKAGE_BUCKET", "PACKAGE_BUCKET_URL", "ORCHESTRATE_CACHE",
						 "http_proxy",	   "https_proxy",	 "AWS_CA_BUNDLE" };
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	cr_assert(setenv("RCLONE_CONFIG", "/dev/null", 1) == 0);
}

/* --- running it --- */

void stock_start_words(struct program *p, const char *cache, const char *verb, const struct strv *words)
{
	const char *argv[WORDS_MAX + 1] = {
		getenv("ORCHESTRATE_PROGRAM"),
		"cache",
		verb,
		"--root",
		the_stock.checkout.root,
		"--cache",
		cache,
		"--progress",
		"plain",
	};
	size_t count = 9;

	for (size_t i = 0; i < words->len; i++) {
		cr_assert_lt(count, WORDS_MAX);
		argv[count++] = words->items[i];
	}
	program_start(p, argv);
}

static void start(struct program *p, const char *cache, const char *verb, va_list more)
{
	cleanup_strv struct strv words = { 0 };
	struct err e;

	for (const char *word; (word = va_arg(more, const char *));)
		cr_assert(strv_add(&words, word, &e) == 0);
	stock_start_words(p, cache, verb, &words);
}

void stock_start(struct program *p, const char *cache, const char *verb, ...)
{
	va_list more;

	va_start(more, verb);
	start(p, cache, verb, more);
	va_end(more);
}

struct program *stock_run(int code, const char *cache, const char *verb, ...)
{
	struct program *p = &the_stock.program;
	va_list more;

	program_release(p);
	va_start(more, verb);
	start(p, cache, verb, more);
	va_end(more);
	program_finish(p);
	cr_expect_eq(p->code, code, "orchestrate cache %s: exit %d, expected %d:\n%s%s", verb, p->code, code, buf_text(&p->out),
		     buf_text(&p->err));
	return p;
}

/* --- what a cache holds --- */

static size_t count_files(const char *cache, const char *part)
{
	cleanup_free char *dir = text_of("%s/packages/%s", cache, part);
	cleanup_strv struct strv files = { 0 };

	tree_list(dir, &files);
	return files.len;
}

size_t stock_contents(const char *cache)
{
	return count_files(cache, "sha256");
}

void stock_expect_good(const char *cache, const char *what)
{
	const struct program *p = stock_run(0, cache, "verify", NULL);

	cr_expect_str_empty(buf_text(&p->out), "%s: %s", what, buf_text(&p->out));
	cr_expect(strstr(buf_text(&p->err), " 0 bad; 0 bad records"), "%s: %s", what, buf_text(&p->err));
}

void stock_expect_whole(const char *cache, const char *what)
{
	static const char *const empty[] = { "partial", "incoming", "bad" };
	size_t lines = 0;

	stock_expect_good(cache, what);
	const char *listed = buf_text(&stock_run(0, cache, "list", NULL)->out);
	for (const char *at = listed; (at = strchr(at, '\n')); at++)
		lines++;
	cr_expect_eq(lines, STOCK_COUNT, "%s: %zu lines of %d:\n%s", what, lines, STOCK_COUNT, listed);
	for (size_t i = 0; i < STOCK_COUNT; i++) {
		const struct stock_package *p = &the_stock.packages[i];
		cleanup_free char *line = text_of("%s %10zu %s %s\n", p->hex, p->size, p->name, p->url);
		if (!strstr(listed, line)) {
			cr_expect_fail("%s: not listed: %s", what, line);
			break;
		}
	}
	cr_expect_eq(stock_contents(cache), STOCK_COUNT, "%s: %zu contents", what, stock_contents(cache));
	for (size_t i = 0; i < ARRAY_LEN(empty); i++)
		cr_expect_eq(count_files(cache, empty[i]), 0, "%s: something is left in %s/", what, empty[i]);
}
