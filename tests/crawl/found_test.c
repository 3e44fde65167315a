#include "crawl/found.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* depends: names, blanks between; NULL: none. */
static void add(struct found *f, size_t index, const char *url, const char *package, bool chosen, const char *depends)
{
	struct err e;
	struct found_package p = { .index = index, .chosen = chosen, .url = strdup(url) };
	cleanup_free char *copy = strdup(depends ? depends : "");

	p.package = package ? strdup(package) : NULL;
	for (char *rest = copy, *word; (word = strsep(&rest, " "));)
		if (*word)
			cr_assert_eq(strv_add(&p.depends, word, &e), 0);
	cr_assert_eq(found_add(f, &p, &e), 0);
	cr_expect_null(p.url, "taken over");
}

/* "index:url index:url ..." */
static void expect(const struct found *f, const char *expected)
{
	cleanup_buf struct buf text = { 0 };
	struct err e;

	for (size_t i = 0; i < f->count; i++)
		cr_assert_eq(buf_printf(&text, &e, "%s%zu:%s", i ? " " : "", f->items[i].index, f->items[i].url), 0);
	cr_expect_str_eq(buf_text(&text), expected);
}

static void close_found(struct found *f)
{
	struct err e;

	cr_assert_eq(found_close(f, &e), 0, "%s", e.message);
}

Test(found, nothing_is_closed_to_nothing)
{
	cleanup_found struct found f = { 0 };

	close_found(&f);
	expect(&f, "");
}

Test(found, takes_what_is_depended_on_and_so_on)
{
	cleanup_found struct found f = { 0 };

	add(&f, 0, "u/unwanted", "unwanted", false, NULL);
	add(&f, 0, "u/third", "third", false, "headers");
	add(&f, 0, "u/headers", "headers", true, "libc6 second");
	add(&f, 0, "u/second", "second", false, "third second");
	add(&f, 0, "u/nameless", NULL, false, NULL);
	close_found(&f);
	expect(&f, "0:u/headers 0:u/second 0:u/third");
}

Test(found, all_versions_of_a_name_are_taken)
{
	cleanup_found struct found f = { 0 };

	add(&f, 0, "u/headers", "headers", true, "kbuild");
	add(&f, 0, "u/kbuild_2", "kbuild", false, NULL);
	add(&f, 0, "u/kbuild_1", "kbuild", false, NULL);
	close_found(&f);
	expect(&f, "0:u/headers 0:u/kbuild_1 0:u/kbuild_2");
}

Test(found, another_index_does_not_help)
{
	cleanup_found struct found f = { 0 };

	add(&f, 0, "u/headers", "headers", true, "kbuild");
	add(&f, 1, "v/kbuild", "kbuild", false, NULL);
	add(&f, 1, "v/headers", "headers", true, NULL);
	close_found(&f);
	expect(&f, "0:u/headers 1:v/headers");
}

Test(found, each_place_once)
{
	cleanup_found struct found f = { 0 };

	add(&f, 1, "u/b", NULL, true, NULL);
	add(&f, 0, "u/b", NULL, true, NULL);
	add(&f, 0, "u/a", NULL, true, NULL);
	add(&f, 0, "u/b", NULL, true, NULL);
	close_found(&f);
	expect(&f, "0:u/a 0:u/b 1:u/b");
	cr_expect_eq(found_count(&f, 0), 2);
	cr_expect_eq(found_count(&f, 1), 1);
	cr_expect_eq(found_count(&f, 2), 0);
}

Test(found, an_index_is_dropped)
{
	cleanup_found struct found f = { 0 };

	add(&f, 1, "u/c", "c", true, "d");
	add(&f, 0, "u/b", NULL, true, NULL);
	add(&f, 1, "u/a", NULL, true, NULL);
	found_drop(&f, 1);
	expect(&f, "0:u/b");
	found_drop(&f, 0);
	expect(&f, "");
}

/* Every package hangs on the one before it. */
Test(found, long_chains, .timeout = 20)
{
	enum { LENGTH = 20000 };
	cleanup_found struct found f = { 0 };

	for (int i = LENGTH; i-- > 0;) {
		char url[32], name[32], depends[32];
		snprintf(url, sizeof(url), "u/%d", i);
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(depends, sizeof(depends), "p%d", i + 1);
		add(&f, 0, url, name, i == 0, depends);
	}
	close_found(&f);
	cr_expect_eq(f.count, LENGTH);
}
