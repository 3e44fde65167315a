/* What no list names any more goes, and only that. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "site.h"
#include "stock.h"
#include "tree.h"
#include "work.h"

TestSuite(cache_prune, .init = stock_open, .fini = site_close, .timeout = SITE_SECONDS);

static void commit(const char *message)
{
	const char *root = stock()->checkout.root;

	work("git", "-C", root, "add", "--all", NULL);
	work("git", "-C", root, "-c", "user.name=tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false",
	     "commit", "--quiet", "--message", message, NULL);
}

/* Shown are the first `count` packages and no others. */
static void expect_shown(const struct program *p, size_t count, const char *what)
{
	for (size_t i = 0; i < STOCK_COUNT; i++) {
		const struct stock_package *one = &stock()->packages[i];
		cleanup_free char *line = text_of("%s %10zu %s %s\n", one->hex, one->size, one->name, one->url);
		cr_expect_eq(strstr(buf_text(&p->out), line) != NULL, i < count, "%s: package %zu:\n%s", what, i,
			     buf_text(&p->out));
	}
}

/* The first commit lists all, the second all but one, the checkout all but two. */
Test(cache_prune, keeps_what_any_list_names)
{
	cleanup_free char *cache = stock_path("cache-of-prune");

	if (!work_has("git"))
		site_skip("git is not installed");
	work("git", "init", "--quiet", stock()->checkout.root, NULL);
	commit("all");
	stock_run(0, cache, "fetch", NULL);
	stock_list(1, true);
	commit("one less");
	stock_list(2, true);

	expect_shown(stock_run(0, cache, "prune", "--grace", "0", NULL), 2, "without --yes");
	stock_expect_whole(cache, "without --yes");
	expect_shown(stock_run(0, cache, "prune", "--yes", NULL), 0, "what came just now");
	expect_shown(stock_run(0, cache, "prune", "--yes", "--grace", "0", "--keep-ref", "HEAD~1", NULL), 0, "the first commit");
	stock_run(2, cache, "prune", "--yes", "--grace", "0", "--keep-ref", "no-such-branch", NULL);
	stock_expect_whole(cache, "with what the first commit names");

	expect_shown(stock_run(0, cache, "prune", "--yes", "--grace", "0", "--keep-ref", "HEAD", NULL), 1, "the second commit");
	cr_expect_eq(stock_contents(cache), STOCK_COUNT - 1);
	stock_run(0, cache, "prune", "--yes", "--grace", "0", NULL);
	cr_expect_eq(stock_contents(cache), STOCK_COUNT - 2);
	stock_expect_good(cache, "pruned");
	expect_shown(stock_run(0, cache, "prune", "--yes", "--grace", "0", NULL), 0, "once more");

	/* What went can be had again. */
	stock_list(0, true);
	stock_run(0, cache, "fetch", NULL);
	stock_expect_whole(cache, "fetched again");
}

/* An emptied list is an accident. */
Test(cache_prune, refuses_to_drop_everything)
{
	cleanup_free char *cache = stock_path("cache-of-prune");

	stock_run(0, cache, "fetch", NULL);
	stock_list(STOCK_COUNT, true);
	stock_run(2, cache, "prune", "--yes", "--grace", "0", NULL);
	stock_expect_whole(cache, "nothing is listed");
}
