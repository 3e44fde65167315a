#include "crawl/counts.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/cleanup.h"
#include "base/file.h"

Test(counts, stand_beside_the_list)
{
	struct err e;
	cleanup_free char *named = index_counts_path("a/b.txt", &e), *other = index_counts_path("a/b.list", &e);

	cr_expect_str_eq(named, "a/b.counts");
	cr_expect_str_eq(other, "a/b.list.counts");
}

Test(counts, are_kept)
{
	cleanup_temp_dir struct temp_dir dir = { "" };
	cleanup_index_counts struct index_counts c = { 0 }, again = { 0 };
	cleanup_buf struct buf text = { 0 };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "x.counts", &e);
	cr_assert_eq(index_counts_load(path, &c, &e), 0, "a missing file is empty: %s", e.message);
	cr_expect_eq(index_counts_find(&c, "main"), 0);
	cr_assert_eq(index_counts_set(&c, "main", 7, &e) | index_counts_set(&c, "a", 1, &e) | index_counts_set(&c, "main", 9, &e), 0);
	cr_assert_eq(index_counts_save(&c, path, &e), 0, "%s", e.message);
	cr_assert_eq(file_read(path, 4096, &text, &e), 0);
	const char *lines = strchr(buf_text(&text), '\n');
	cr_expect_str_eq(lines, "\n1  a\n9  main\n");
	cr_assert_eq(index_counts_load(path, &again, &e), 0, "%s", e.message);
	cr_expect_eq(index_counts_find(&again, "main"), 9);
	cr_expect_eq(index_counts_find(&again, "b"), 0);
}

Test(counts, mistakes_have_their_line)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "# x\nmain\n", ":2: expected `<packages>  <index>`" },
		{ "5 main\n", ":1: expected `<packages>  <index>`" },
		{ "five  main\n", ":1: 'five' is no number" },
		{ "5  main\n\n", ":2: blank line; remove it" },
	};
	cleanup_temp_dir struct temp_dir dir = { "" };
	struct err e;

	temp_dir_make(&dir);
	cleanup_free char *path = path_join(dir.path, "x.counts", &e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct index_counts c = { 0 };
		cr_assert_eq(file_replace(path, rows[i].text, strlen(rows[i].text), 0666, &e), 0);
		cr_expect_lt(index_counts_load(path, &c, &e), 0, "row %zu", i);
		cr_expect(str_ends(e.message, rows[i].message), "row %zu: %s", i, e.message);
		cr_expect_eq(e.kind, ERR_INPUT);
	}
}
