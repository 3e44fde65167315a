#include "kernel/list_merge.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "kernel/list.h"
#include "kernel/version.h"

static void set_texts(struct list_texts *t, const char *list, const char *uncrawled)
{
	struct err e;
	cr_assert_eq(buf_puts(&t->list, list, &e) | buf_puts(&t->uncrawled, uncrawled, &e), 0);
}

#define GONE "# Published once, listed by no index any more; read together with l.txt.\n"

Test(list_merge, rules)
{
	static const struct {
		const char *what, *list, *uncrawled, *finds[6];
		bool forgets;
		const char *new_list, *new_uncrawled;
		struct list_changes changes;
	} rows[] = {
		{ "nothing from nothing", "", "", { NULL }, false, "", "", { 0 } },
		{ "a first crawl, in version order",
		  "",
		  "",
		  { "http://h/6.1.0-10", "http://h/6.1.0-9", "http://h/6.1.0-9" },
		  false,
		  "http://h/6.1.0-9\nhttp://h/6.1.0-10\n",
		  "",
		  { .added = 2 } },
		{ "what is gone stays in its place",
		  "http://h/1\nhttp://h/3\n",
		  "",
		  { "http://h/2", "http://h/3" },
		  false,
		  "http://h/1\nhttp://h/2\nhttp://h/3\n",
		  "",
		  { .known = 2, .added = 1 } },
		{ "nothing found takes nothing away", "http://h/1\n", "", { NULL }, false, "http://h/1\n", "", { .known = 1 } },
		{ "a missing LF is made good",
		  "http://h/1",
		  "",
		  { "http://h/2" },
		  false,
		  "http://h/1\nhttp://h/2\n",
		  "",
		  { 1, 1, 0, 0 } },
		{ "comments stay with theirs",
		  "# head\n#\nhttp://h/2   # the second\n# of three\n  # more\nhttp://h/3\n# foot",
		  "",
		  { "http://h/1", "http://h/2" },
		  false,
		  "# head\n#\nhttp://h/1\nhttp://h/2   # the second\n# of three\n  # more\nhttp://h/3\n# foot\n",
		  "",
		  { .known = 2, .added = 1 } },
		{ "a list of comments alone is a head",
		  "# none yet\n",
		  "",
		  { "http://h/1" },
		  false,
		  "# none yet\nhttp://h/1\n",
		  "",
		  { 0, 1, 0, 0 } },
		{ "an old list in another order is sorted with its comments",
		  "http://h/10\n# of nine\nhttp://h/9\n",
		  "",
		  { NULL },
		  false,
		  "# of nine\nhttp://h/9\nhttp://h/10\n",
		  "",
		  { .known = 2 } },
		{ "forgetting moves",
		  "# head\nhttp://h/1\n# of two\nhttp://h/2 # x\nhttp://h/3\n",
		  "",
		  { "http://h/3", "http://h/4" },
		  true,
		  "# head\nhttp://h/3\nhttp://h/4\n",
		  GONE "http://h/1\n# of two\nhttp://h/2 # x\n",
		  { .known = 3, .added = 1, .moved = 2 } },
		{ "what comes back moves back",
		  "http://h/3\n",
		  "# mine\nhttp://h/1\n# of two\nhttp://h/2 # x\n",
		  { "http://h/2", "http://h/3" },
		  true,
		  "# of two\nhttp://h/2 # x\nhttp://h/3\n",
		  "# mine\nhttp://h/1\n",
		  { .known = 3, .returned = 1 } },
		{ "it moves back without forgetting too",
		  "",
		  "http://h/1\nhttp://h/2\n",
		  { "http://h/2" },
		  false,
		  "http://h/2\n",
		  "http://h/1\n",
		  { .known = 2, .returned = 1 } },
		{ "both directions at once",
		  "http://h/1\n",
		  "# g\nhttp://h/2\n",
		  { "http://h/2" },
		  true,
		  "http://h/2\n",
		  "# g\nhttp://h/1\n",
		  { .known = 2, .moved = 1, .returned = 1 } },
		{ "in both files: once, with the comments of both",
		  "# head\nhttp://h/0\n# here\nhttp://h/1\n",
		  "# g\nhttp://h/0 # known\n# there\nhttp://h/1\n",
		  { "http://h/1" },
		  false,
		  "# head\nhttp://h/0 # known\n# here\n# there\nhttp://h/1\n",
		  "# g\n",
		  { .known = 2 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_list_texts struct list_texts old = { 0 }, made = { 0 };
		struct list_finds finds = { .urls = (const char *const *)rows[i].finds, .forgets = rows[i].forgets };
		struct list_changes c;
		while (finds.urls[finds.count])
			finds.count++;
		set_texts(&old, rows[i].list, rows[i].uncrawled);
		cr_assert_eq(list_merge(&old, "x/l.txt", &finds, &made, &c, &e), 0, "%s: %s", rows[i].what, e.message);
		cr_expect_str_eq(buf_text(&made.list), rows[i].new_list, "%s:\n%s", rows[i].what, buf_text(&made.list));
		cr_expect_str_eq(buf_text(&made.uncrawled), rows[i].new_uncrawled, "%s:\n%s", rows[i].what,
				 buf_text(&made.uncrawled));
		cr_expect(memcmp(&c, &rows[i].changes, sizeof(c)) == 0, "%s: known %zu, added %zu, moved %zu, returned %zu",
			  rows[i].what, c.known, c.added, c.moved, c.returned);
	}
}

Test(list_merge, refuses_what_is_no_list)
{
	static const struct {
		const char *list, *uncrawled, *find, *message;
	} rows[] = {
		{ "http://h/1\n\n", "", NULL, "x/l.txt:2: blank line; remove it" },
		{ "http://h/1\nhttp://h/1\n", "", NULL, "x/l.txt:2: the same URL as in line 1" },
		{ "", "<html>\n", NULL, "x/l-uncrawled.txt:1: not an http, https or file URL" },
		{ "", "", "http://h/a b", "an index lists 'http://h/a b': a URL has no blanks in it" },
		{ "", "", "", "an index lists '': not an http, https or file URL" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_list_texts struct list_texts old = { 0 }, made = { 0 };
		struct list_changes changes;
		const struct list_finds finds = { .urls = &rows[i].find, .count = rows[i].find != NULL };
		set_texts(&old, rows[i].list, rows[i].uncrawled);
		cr_expect_lt(list_merge(&old, "x/l.txt", &finds, &made, &changes, &e), 0);
		cr_expect_eq(e.kind, ERR_INPUT);
		cr_expect_str_eq(e.message, rows[i].message);
		cr_expect_null(made.list.data);
	}
}

/* --- whatever was there, and whatever is found --- */

enum { UNIVERSE = 40 };

struct dice {
	uint64_t state;
};

static unsigned roll(struct dice *d, unsigned sides)
{
	d->state = d->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(d->state >> 33) % sides;
}

static const char *random_url(struct dice *d, char *room, size_t size)
{
	unsigned n = roll(d, UNIVERSE);
	snprintf(room, size, "http://%s/linux-headers-6.%u.0-%u_amd64.deb", n % 3 ? "a" : "b", n % 7, n);
	return room;
}

/* Lines in any order, with and without comments and a last LF. */
static void random_text(struct dice *d, struct buf *text)
{
	struct err e;
	char url[128];
	unsigned lines = roll(d, 25);

	for (unsigned i = 0; i < lines; i++) {
		random_url(d, url, sizeof(url));
		cleanup_free char *line = str_printf(&e, "%s\n", url), *with_comment = str_printf(&e, "%s #", url);
		if (roll(d, 4) == 0)
			cr_assert_eq(buf_printf(text, &e, "# comment %u\n", roll(d, 1000000)), 0);
		if (strstr(buf_text(text), line) || strstr(buf_text(text), with_comment))
			continue;
		cr_assert_eq(buf_printf(text, &e, "%s%s\n", url, roll(d, 5) ? "" : " # kept by hand"), 0);
	}
	if (text->len && roll(d, 3) == 0)
		text->data[--text->len] = '\0';
}

static struct kernel_list parse(const struct buf *text)
{
	struct err e = { 0 };
	struct kernel_list list = { 0 };
	cr_assert_eq(kernel_list_parse(buf_text(text), text->len, "x", &list, NULL, &e), 0, "%s\n%s", e.message, buf_text(text));
	for (size_t i = 1; i < list.count; i++)
		list.urls[i].uncrawled = version_compare_natural(list.urls[i - 1].url, list.urls[i].url) >= 0;
	return list;
}

static bool has(const struct kernel_list *list, const char *url)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->urls[i].url, url) == 0)
			return true;
	return false;
}

static size_t count_comments(const struct buf *text)
{
	size_t n = 0;
	for (const char *p = buf_text(text); (p = strstr(p, "# comment ")); p++)
		n++;
	return n;
}

static void expect_lossless(const struct list_texts *old, const struct list_texts *made, const struct list_finds *finds)
{
	cleanup_kernel_list struct kernel_list old_list = parse(&old->list), old_uncrawled = parse(&old->uncrawled);
	cleanup_kernel_list struct kernel_list list = parse(&made->list), uncrawled = parse(&made->uncrawled);

	for (size_t i = 0; i < old_list.count; i++) {
		cr_expect(has(&list, old_list.urls[i].url) || has(&uncrawled, old_list.urls[i].url), "lost %s",
			  old_list.urls[i].url);
		if (!finds->forgets)
			cr_expect(has(&list, old_list.urls[i].url), "moved %s", old_list.urls[i].url);
	}
	for (size_t i = 0; i < old_uncrawled.count; i++)
		cr_expect(has(&list, old_uncrawled.urls[i].url) || has(&uncrawled, old_uncrawled.urls[i].url), "lost %s",
			  old_uncrawled.urls[i].url);
	for (size_t i = 0; i < finds->count; i++)
		cr_expect(has(&list, finds->urls[i]), "not listed: %s", finds->urls[i]);
	for (size_t i = 0; i < list.count; i++) {
		cr_expect_not(has(&uncrawled, list.urls[i].url), "in both: %s", list.urls[i].url);
		cr_expect_not(list.urls[i].uncrawled, "out of order: %s", list.urls[i].url);
	}
	for (size_t i = 0; i < uncrawled.count; i++)
		cr_expect_not(uncrawled.urls[i].uncrawled, "out of order: %s", uncrawled.urls[i].url);
	cr_expect_eq(count_comments(&old->list) + count_comments(&old->uncrawled),
		     count_comments(&made->list) + count_comments(&made->uncrawled));
}

Test(list_merge, never_loses_a_line)
{
	for (unsigned seed = 0; seed < 2000; seed++) {
		struct dice d = { seed * 0x9e3779b97f4a7c15u + 1 };
		struct err e = { 0 };
		cleanup_list_texts struct list_texts old = { 0 }, made = { 0 }, again = { 0 };
		cleanup_strv struct strv found = { 0 };
		struct list_changes changes;
		char url[128];

		random_text(&d, &old.list);
		if (roll(&d, 2))
			random_text(&d, &old.uncrawled);
		for (unsigned n = roll(&d, 25); n; n--)
			cr_assert_eq(strv_add(&found, random_url(&d, url, sizeof(url)), &e), 0);
		struct list_finds finds = { (const char *const *)found.items, found.len, roll(&d, 2) };
		cr_assert_eq(list_merge(&old, "l.txt", &finds, &made, &changes, &e), 0, "seed %u: %s", seed, e.message);
		expect_lossless(&old, &made, &finds);
		cr_assert_eq(list_merge(&made, "l.txt", &finds, &again, &changes, &e), 0, "seed %u: %s", seed, e.message);
		cr_expect_str_eq(buf_text(&made.list), buf_text(&again.list), "seed %u", seed);
		cr_expect_str_eq(buf_text(&made.uncrawled), buf_text(&again.uncrawled), "seed %u", seed);
		cr_expect_eq(changes.added + changes.moved + changes.returned, 0, "seed %u", seed);
	}
}

/* --- files --- */

static char *text_of(const struct temp_dir *dir, const char *name)
{
	struct err e;
	struct buf text = { 0 };
	cleanup_free char *path = path_join(dir->path, name, &e);
	return file_read(path, 4096, &text, &e) == 0 ? buf_steal(&text) : NULL;
}

Test(list_update, writes_both_files_and_only_what_changes)
{
	static const char *const first[] = { "http://h/1", "http://h/2" }, *const second[] = { "http://h/2", "http://h/3" };
	struct err e = { 0 };
	struct list_changes changes;
	cleanup_temp_dir struct temp_dir dir = { "" };
	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "l.txt", &e);
	struct list_finds finds = { first, 2, true };

	cr_assert_eq(list_update(path, &finds, true, &changes, &e), 0, "%s", e.message);
	cr_expect_eq(changes.added, 2);
	cr_expect_eq(access(path, F_OK), -1, "a dry run writes nothing");
	cr_assert_eq(list_update(path, &finds, false, &changes, &e), 0, "%s", e.message);
	cleanup_free char *list = text_of(&dir, "l.txt"), *none = text_of(&dir, "l-uncrawled.txt");
	cr_expect_str_eq(list, "http://h/1\nhttp://h/2\n");
	cr_expect_null(none, "no companion before something moves");

	finds.urls = second;
	cr_assert_eq(list_update(path, &finds, false, &changes, &e), 0, "%s", e.message);
	cr_expect_eq(changes.moved, 1);
	cleanup_free char *list2 = text_of(&dir, "l.txt"), *moved = text_of(&dir, "l-uncrawled.txt");
	cr_expect_str_eq(list2, "http://h/2\nhttp://h/3\n");
	cr_expect_str_eq(moved, GONE "http://h/1\n");

	finds.urls = first;
	cr_assert_eq(list_update(path, &finds, false, &changes, &e), 0, "%s", e.message);
	cr_expect_eq(changes.moved + changes.returned, 2);
	cleanup_free char *list3 = text_of(&dir, "l.txt"), *moved3 = text_of(&dir, "l-uncrawled.txt");
	cr_expect_str_eq(list3, "http://h/1\nhttp://h/2\n");
	cr_expect_str_eq(moved3, GONE "http://h/3\n");
}

Test(list_update, leaves_a_bad_list_alone)
{
	static const char *const found[] = { "http://h/1" };
	static const char bad[] = "http://h/2\n\n";
	struct err e = { 0 };
	struct list_changes changes;
	cleanup_temp_dir struct temp_dir dir = { "" };
	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "l.txt", &e);
	const struct list_finds finds = { found, 1, false };

	cr_assert_eq(file_replace(path, bad, strlen(bad), 0666, &e), 0);
	cr_expect_lt(list_update(path, &finds, false, &changes, &e), 0);
	cr_expect(str_ends(e.message, "/l.txt:2: blank line; remove it"), "%s", e.message);
	cleanup_free char *list = text_of(&dir, "l.txt");
	cr_expect_str_eq(list, bad);
}
