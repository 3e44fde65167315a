#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "fixture.h"
#include "oci/layer.h"
#include "stream/source.h"

static struct temp_dir dir;

static void make_dir(void)
{
	temp_dir_make(&dir);
}

static void drop_dir(void)
{
	temp_dir_remove(&dir);
}

TestSuite(layer_tar, .init = make_dir, .fini = drop_dir);

static int rewrite(const struct buf *tar, const struct layer_rules *rules, struct layer *ret, struct err *e)
{
	struct source *s = source_from_memory(tar->data, tar->len, e);
	int result = layer_from_tar(s, rules, dir.path, 1000, 1, "test", ret, e);
	char rest;
	if (result == 0)
		cr_expect_eq(source_read(s, &rest, 1, e), 0, "the source was not read to its end");
	source_free(s);
	return result;
}

Test(layer_tar, a_foreign_root_becomes_plain)
{
	static const struct item items[] = {
		{ "./dev/null", AE_IFCHR, 0666, NULL, 0, 5 },
		{ "./", AE_IFDIR, 0755, NULL, 0, 5 },
		{ "./bin", AE_IFLNK, 0777, "usr/bin", 0, 5 },
		{ "./etc/", AE_IFDIR, 0750, NULL, 7, 999999 },
		{ "./etc/shadow", AE_IFREG, 0640, "secret", 42, 999 },
		{ "./run/pipe", AE_IFIFO, 0600, NULL, 0, 5 },
		{ "./usr//bin/su", AE_IFREG, 04755, "su", 0, 5000 },
		{ "./usr/bin/again", 0, 0755, "./usr/bin/su", 0, 5000 },
		{ "./tmp", AE_IFDIR, 01777, NULL, 0, 5 },
	};
	struct err e;
	cleanup_layer struct layer l = { 0 };
	cleanup_buf struct buf tar = { 0 };

	make_tar(&tar, items, ARRAY_LEN(items));
	cr_assert_eq(rewrite(&tar, NULL, &l, &e), 0, "%s", e.message);
	cleanup_free char *list = list_tar(l.path);
	cr_expect_str_eq(list, "l 0777 0/0[] 5 0 bin -> usr/bin\n"
			       "d 0750 0/0[] 1000 0 etc/\n"
			       "f 0640 0/0[] 999 6 etc/shadow\n"
			       "f 0755 0/0[] 1000 2 usr/bin/su\n"
			       "h 0755 0/0[] 1000 0 usr/bin/again -> usr/bin/su\n"
			       "d 1777 0/0[] 5 0 tmp/\n");
	struct digest inside = gunzipped_digest(l.path);
	cr_expect(digest_equal(&inside, &l.diff_id));
}

Test(layer_tar, rules_leave_out_and_empty)
{
	static const struct item items[] = {
		{ "usr/share/doc", AE_IFDIR, 0755, NULL, 0, 5 },       { "usr/share/doc/x/copyright", AE_IFREG, 0644, "c", 0, 5 },
		{ "usr/share/doc/x/news", AE_IFREG, 0644, "n", 0, 5 }, { "var/log", AE_IFDIR, 0755, NULL, 0, 5 },
		{ "var/log/apt/term", AE_IFREG, 0644, "t", 0, 5 },     { "etc/id", AE_IFREG, 0644, "id", 0, 5 },
	};
	static const char *const drop[] = { "usr/share/doc/*", "var/log", NULL };
	static const char *const keep[] = { "*/copyright", NULL };
	static const char *const empty[] = { "etc/id", NULL };
	static const struct layer_rules rules = { drop, keep, empty };
	struct err e;
	cleanup_layer struct layer l = { 0 };
	cleanup_buf struct buf tar = { 0 };

	make_tar(&tar, items, ARRAY_LEN(items));
	cr_assert_eq(rewrite(&tar, &rules, &l, &e), 0, "%s", e.message);
	cleanup_free char *list = list_tar(l.path);
	cr_expect_str_eq(list, "d 0755 0/0[] 5 0 usr/share/doc/\n"
			       "f 0644 0/0[] 5 1 usr/share/doc/x/copyright\n"
			       "f 0644 0/0[] 5 0 etc/id\n");
}

Test(layer_tar, refuses_what_leaves_the_root)
{
	static const struct item items[] = {
		{ "../evil", AE_IFREG, 0644, "x", 0, 5 },      { "a/../../evil", AE_IFREG, 0644, "x", 0, 5 },
		{ "/etc/evil", AE_IFREG, 0644, "x", 0, 5 },    { "link", 0, 0644, "not/there", 0, 5 },
		{ "link", 0, 0644, "../../etc/passwd", 0, 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		struct layer l = { 0 };
		struct err e = { 0 };
		cleanup_buf struct buf tar = { 0 };
		make_tar(&tar, &items[i], 1);
		cr_expect_lt(rewrite(&tar, NULL, &l, &e), 0, "row %zu", i);
		cr_expect_eq(e.kind, ERR_HOSTILE, "row %zu: %s", i, e.message);
		cr_expect_eq(count_files(dir.path), 0, "row %zu", i);
	}
}

/* A program that dies gives a shorter tar: it must never pass for a smaller one. */
Test(layer_tar, refuses_a_tar_that_breaks_off_anywhere)
{
	static const struct item items[] = {
		{ "a", AE_IFREG, 0644, "first", 0, 5 },
		{ "b", AE_IFREG, 0644, "second", 0, 5 },
	};
	cleanup_buf struct buf tar = { 0 };
	size_t passed = 0;

	make_tar(&tar, items, ARRAY_LEN(items));
	size_t end = tar.len;
	while (end && !tar.data[end - 1])
		end--;
	end = (end + 511) / 512 * 512 + 1024;
	cr_assert_leq(end, tar.len);
	for (tar.len = 0; tar.len < end; tar.len += 256) {
		struct layer l = { 0 };
		struct err e = { 0 };
		if (rewrite(&tar, NULL, &l, &e) == 0)
			passed++;
		else
			cr_expect_eq(e.kind, ERR_CORRUPT, "after %zu bytes: %s", tar.len, e.message);
		layer_release(&l);
	}
	cr_expect_eq(passed, 0);
	cr_expect_eq(count_files(dir.path), 0);
}
