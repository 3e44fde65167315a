/* The crawl as users see it, on an index that is a file: what becomes of lists, counts and exit codes. Real repositories, servers
 * and their faults are tests/integration's. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crawling.h"

Test(crawl, finds_adds_and_keeps)
{
	cleanup_site struct site s;
	struct outcome o[4] = { 0 };

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "9 10");
	cr_expect_eq(CRAWL(&s, &o[0]), 0, "%s", buf_text(&o[0].err));
	expect_listed(&s, LIST_PATH, "9 10");
	cr_expect_not_null(strstr(buf_text(&o[0].out), "second: 2 kernels known, 2 new; 2 packages, 2 new, 0 vanished"), "%s",
			   buf_text(&o[0].out));
	cr_expect_not_null(strstr(buf_text(&o[0].out), "example: the list is made by hand\n"), "%s", buf_text(&o[0].out));
	cr_expect_eq(CRAWL(&s, &o[1], "--distro", "second"), 0, "%s", buf_text(&o[1].err));
	cr_expect_str_eq(buf_text(&o[1].out),
			 "second: 2 kernels known, 0 new; 2 packages, 0 new, 0 vanished, 0 published no more; 1 index good\n");
	publish(&s, "10 11");
	cr_expect_eq(CRAWL(&s, &o[2], "--distro", "second"), 0, "%s", buf_text(&o[2].err));
	expect_listed(&s, LIST_PATH, "9 10 11");
	cr_expect_str_eq(buf_text(&o[2].out),
			 "second: 3 kernels known, 1 new; 3 packages, 1 new, 1 vanished, 1 published no more; 1 index good\n");
	cr_expect_eq(CRAWL(&s, &o[3], "--distro", "second"), 0);
	cr_expect_str_eq(buf_text(&o[3].out),
			 "second: 3 kernels known, 0 new; 3 packages, 0 new, 0 vanished, 1 published no more; 1 index good\n");
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		outcome_release(&o[i]);
}

Test(crawl, an_archive_that_forgets)
{
	cleanup_site struct site s;
	struct outcome o[4] = { 0 };

	site_make(&s);
	give_index(&s, "forgets: true\n", "");
	publish(&s, "9 10");
	cr_expect_eq(CRAWL(&s, &o[0]), 0, "%s", buf_text(&o[0].err));
	publish(&s, "10 11");
	cr_expect_eq(CRAWL(&s, &o[1]), 0, "%s", buf_text(&o[1].err));
	expect_listed(&s, LIST_PATH, "10 11");
	expect_listed(&s, UNCRAWLED_PATH, "9");
	publish(&s, "9 10 11");
	cr_expect_eq(CRAWL(&s, &o[2], "--json"), 0, "%s", buf_text(&o[2].err));
	expect_listed(&s, LIST_PATH, "9 10 11");
	expect_listed(&s, UNCRAWLED_PATH, "");
	cr_expect_not_null(strstr(buf_text(&o[2].out), "\"back\": ["), "%s", buf_text(&o[2].out));
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		outcome_release(&o[i]);
}

Test(crawl, what_is_wrong_leaves_the_list_alone)
{
	static const struct {
		const char *document; /* NULL: none */
		const char *says;
	} rows[] = {
		{ NULL, "index.json: " },
		{ "", "index.json: " },
		{ "<html><body>502 Bad Gateway</body></html>\n", "index.json: " },
		{ "{\"kernels\": [", "index.json: " },
		{ "{\"kernels\": []}", "it names nothing at all" },
		{ "{\"other\": [1]}", "it names nothing at all" },
		{ "{\"kernels\": [\"something-else\"]}", "index.json: " },
		{ "{\"kernels\": [\"devel-5.14.0-1.x86_64_1.deb\"]}",
		  "lists 1 of the 20 packages that it had, more than 10 % are gone" },
	};
	cleanup_site struct site s;
	cleanup_outcome struct outcome seed = { 0 };

	site_make(&s);
	give_index(&s, "forgets: true\n", "");
	publish(&s, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
	cr_assert_eq(CRAWL(&s, &seed), 0, "%s", buf_text(&seed.err));
	cleanup_free char *list = text_of(&s, LIST_PATH), *counts = text_of(&s, COUNTS_PATH);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		char file[160];
		snprintf(file, sizeof(file), "%s/index.json", s.root);
		if (rows[i].document)
			site_write(&s, "index.json", rows[i].document);
		else
			remove(file);
		cr_expect_eq(CRAWL(&s, &o), 1, "row %zu: %d", i, o.code);
		cleanup_free char *list_now = text_of(&s, LIST_PATH), *counts_now = text_of(&s, COUNTS_PATH);
		cr_expect_str_eq(list_now, list, "row %zu", i);
		cr_expect_str_eq(counts_now, counts, "row %zu", i);
		const char *told = buf_text(&o.err);
		cr_expect_eq(count_of(told, "error: "), 1, "row %zu: %s", i, told);
		cr_expect_not_null(strstr(told, "second: index 'main': "), "row %zu: %s", i, told);
		cr_expect_not_null(strstr(told, rows[i].says), "row %zu: %s", i, told);
		cr_expect_not_null(strstr(told, "; the list stays as it is"), "row %zu: %s", i, told);
		cr_expect_not_null(strstr(buf_text(&o.out), "second: list unchanged, 20 kernels known; 0 indexes good, 1 failed"),
				   "row %zu: %s", i, buf_text(&o.out));
	}
	expect_listed(&s, UNCRAWLED_PATH, "");
}

/* The count that is kept beside the list does it without a ledger, as in a fresh checkout. */
Test(crawl, a_shrink_is_seen_without_a_ledger_and_may_be_accepted)
{
	cleanup_site struct site s;
	struct outcome o[5] = { 0 };
	struct err e;

	site_make(&s);
	give_index(&s, "", "    shrink-limit: 50\n");
	publish(&s, "1 2 3 4");
	cr_expect_eq(CRAWL(&s, &o[0]), 0, "%s", buf_text(&o[0].err));
	cr_assert_eq(path_remove(s.cache, &e), 0);
	publish(&s, "1");
	cr_expect_eq(CRAWL(&s, &o[1]), 1, "%s", buf_text(&o[1].err));
	cr_expect_not_null(strstr(buf_text(&o[1].err), "--accept-shrink second/main"), "%s", buf_text(&o[1].err));
	cr_expect_eq(CRAWL(&s, &o[2], "--accept-shrink", "second/mian"), 2);
	cr_expect_not_null(strstr(buf_text(&o[2].err), "'second' has no index 'mian'"), "%s", buf_text(&o[2].err));
	cr_expect_eq(CRAWL(&s, &o[3], "--accept-shrink", "second/main"), 0, "%s", buf_text(&o[3].err));
	expect_listed(&s, LIST_PATH, "1 2 3 4");
	publish(&s, "1 5");
	cr_expect_eq(CRAWL(&s, &o[4]), 0, "from now on it is one that counts: %s", buf_text(&o[4].err));
	for (size_t i = 0; i < ARRAY_LEN(o); i++)
		outcome_release(&o[i]);
}

/* Where an archive keeps the newest kernel only, all packages are others each time, and as many. */
Test(crawl, replacing_everything_is_no_shrink)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome first = { 0 }, second = { 0 };

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1 2 3");
	cr_expect_eq(CRAWL(&s, &first), 0);
	publish(&s, "4 5 6");
	cr_expect_eq(CRAWL(&s, &second), 0, "%s", buf_text(&second.err));
	expect_listed(&s, LIST_PATH, "1 2 3 4 5 6");
}

Test(crawl, a_dry_run_changes_nothing)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	struct err e;

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1 2 3");
	cr_expect_eq(CRAWL(&s, &o, "--dry-run"), 0, "%s", buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.out), "second: 3 kernels known, 3 new"), "%s", buf_text(&o.out));
	expect_listed(&s, LIST_PATH, "");
	cleanup_free char *counts = path_join(s.root, COUNTS_PATH, &e);
	cr_expect_eq(path_exists(counts, &e), 0);
}

Test(crawl, summary_and_json)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 }, failed = { 0 };
	struct err e;

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1 2");
	cleanup_free char *path = path_join(s.dir.path, "summary.md", &e);
	cr_expect_eq(CRAWL(&s, &o, "--json", "--summary", path), 0, "%s", buf_text(&o.err));
	json_t *root = json_loads(buf_text(&o.out), 0, NULL);
	cr_assert(root, "%s", buf_text(&o.out));
	json_t *second = json_array_get(json_object_get(root, "distros"), 1);
	cr_expect_str_eq(json_string_value(json_object_get(second, "name")), "second");
	cr_expect_eq(json_array_size(json_object_get(json_object_get(second, "new"), "kernels")), 2);
	json_decref(root);
	cleanup_free char *first = text_of(&s, path);
	cr_expect_not_null(strstr(first, "| second | 2 | 2 | ? | 0 | none |"), "%s", first);
	cr_expect_not_null(strstr(first, "- `5.14.0-1.x86_64`"), "%s", first);
	site_write(&s, "index.json", "");
	cr_expect_eq(CRAWL(&s, &failed, "--summary", path), 1);
	cleanup_free char *second_text = text_of(&s, path);
	cr_expect_not_null(strstr(second_text, "| second | 2 | 0 | ? | 0 | **1 of 1** |"), "%s", second_text);
	cr_expect_not_null(strstr(second_text, "- second, index `main` failed: "), "%s", second_text);
}

/* What lies behind a door that is shut is neither gone nor wrong. */
Test(crawl, private_index_without_its_key)
{
	static const char private[] = "  - name: private\n"
				      "    json: {urls: 'https://127.0.0.1:9/x.json', steps: [{path: [a], reference: b}]}\n"
				      "    access: {token: SECOND_TOKEN, as: query}\n"
				      "    packages: '.*'\n";
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 }, with_key = { 0 };

	site_make(&s);
	give_index(&s, "forgets: true\n", private);
	publish(&s, "1 2");
	site_write(&s, LIST_PATH, "http://behind.example.org/devel-5.14.0-0.x86_64_1.deb\n");
	cr_expect_eq(CRAWL(&s, &o), 0, "%s", buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "second: index 'private' is skipped: it is private; set SECOND_TOKEN"), "%s",
			   buf_text(&o.err));
	expect_listed(&s, LIST_PATH, "1 2 0");
	expect_listed(&s, UNCRAWLED_PATH, "");
	site_env(&s, "SECOND_TOKEN=hunter2");
	cr_expect_eq(CRAWL(&s, &with_key, "--verbose"), 1);
	cr_expect_not_null(strstr(buf_text(&with_key.err), "second: index 'private': "), "%s", buf_text(&with_key.err));
	cr_expect_null(strstr(buf_text(&with_key.err), "hunter2"), "%s", buf_text(&with_key.err));
}

Test(crawl, a_bad_list_stops_before_anything_is_asked)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1 2");
	site_write(&s, LIST_PATH, "http://a.example.org/x.deb\n\n");
	cr_expect_eq(CRAWL(&s, &o), 2, "%d: %s", o.code, buf_text(&o.err));
	cr_expect_not_null(strstr(buf_text(&o.err), "second.txt:2: blank line"), "%s", buf_text(&o.err));
}

Test(crawl, a_bad_companion_of_a_list_does_so_too)
{
	static const char *const paths[] = { COUNTS_PATH, DIGESTS_PATH };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		cleanup_site struct site s;
		cleanup_outcome struct outcome o = { 0 };
		site_make(&s);
		give_index(&s, "", "");
		publish(&s, "1 2");
		site_write(&s, paths[i], "nonsense\n");
		cr_expect_eq(CRAWL(&s, &o), 2, "%s: %d", paths[i], o.code);
		cr_expect_not_null(strstr(buf_text(&o.err), paths[i]), "%s", buf_text(&o.err));
		expect_listed(&s, LIST_PATH, "");
	}
}

/* The name of a file in the making is longer than that of the list: this one can be read and not replaced. */
Test(crawl, a_list_that_cannot_be_written)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	cleanup_buf struct buf descriptor = { 0 };
	char name[241] = "", list[300];
	struct err e;

	memset(name, 'x', sizeof(name) - 1);
	snprintf(list, sizeof(list), "supported-kernels/%s.txt", name);
	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1 2");
	cleanup_free char *text = text_of(&s, "distros/second.yaml"), *full = path_join(s.root, list, &e);
	char *at = strstr(text, LIST_PATH);
	cr_assert_not_null(at);
	cr_assert_eq(buf_printf(&descriptor, &e, "%.*s%s%s", (int)(at - text), text, list, at + strlen(LIST_PATH)), 0);
	site_write(&s, "distros/second.yaml", buf_text(&descriptor));
	FILE *f = fopen(full, "we");
	cr_assert_not_null(f);
	fputs("http://a.example.org/devel-5.14.0-7.x86_64_1.deb\n", f);
	cr_assert_eq(fclose(f), 0);
	cr_expect_eq(CRAWL(&s, &o, "--distro", "second"), 1, "%s", buf_text(&o.err));
	cr_expect_str_eq(buf_text(&o.out), "second: not brought up to date, 1 kernel known; 1 index good\n");
	expect_listed(&s, list, "7");
}

/* A crawl that was killed while it wrote leaves half a file; the next one clears it away. */
Test(crawl, clears_up_after_one_that_was_killed)
{
	cleanup_site struct site s;
	cleanup_outcome struct outcome o = { 0 };
	static const char half[] = "supported-kernels/.second.digests.123.partial",
			  foreign[] = "supported-kernels/.example.digests.123.partial";

	site_make(&s);
	give_index(&s, "", "");
	publish(&s, "1");
	site_write(&s, half, "x");
	site_write(&s, foreign, "x");
	cr_expect_eq(CRAWL(&s, &o, "--distro", "second"), 0, "%s", buf_text(&o.err));
	cleanup_free char *gone = text_of(&s, half), *stays = text_of(&s, foreign);
	cr_expect_str_eq(gone, "");
	cr_expect_str_eq(stays, "x");
}
