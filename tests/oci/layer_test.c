#include "oci/layer.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "fixture.h"

static struct temp_dir dir;

static void make_dir(void)
{
	temp_dir_make(&dir);
}

static void drop_dir(void)
{
	temp_dir_remove(&dir);
}

TestSuite(layer, .init = make_dir, .fini = drop_dir);

static void add(struct layer_builder *b, const char *path, const char *text)
{
	struct err e;
	cr_assert_eq(layer_add_bytes(b, path, text, strlen(text), 0644, &e), 0, "%s", e.message);
}

static struct layer write_layer(struct layer_builder *b)
{
	struct layer l = { 0 };
	struct err e;
	cr_assert_eq(layer_write(b, dir.path, 1000, 6, NULL, &l, &e), 0, "%s", e.message);
	return l;
}

Test(layer, members_come_sorted_with_parents_once)
{
	struct err e;
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	add(b, "z/y/file", "abc");
	add(b, "a.b", "");
	add(b, "a/2", "two");
	add(b, "a/10", "ten");
	cr_assert_eq(layer_add_symlink(b, "a/link", "../z", &e), 0);
	cr_assert_eq(layer_add_dir(b, "z", 0700, &e), 0);
	cleanup_layer struct layer l = write_layer(b);
	cleanup_free char *list = list_tar(l.path);
	cr_expect_str_eq(list, "d 0755 0/0[] 1000 0 a/\n"
			       "f 0644 0/0[] 1000 0 a.b\n"
			       "f 0644 0/0[] 1000 3 a/10\n"
			       "f 0644 0/0[] 1000 3 a/2\n"
			       "l 0777 0/0[] 1000 0 a/link -> ../z\n"
			       "d 0700 0/0[] 1000 0 z/\n"
			       "d 0755 0/0[] 1000 0 z/y/\n"
			       "f 0644 0/0[] 1000 3 z/y/file\n");
}

Test(layer, the_same_members_give_the_same_bytes)
{
	static const char *const paths[] = { "m/one", "m/two", "other/deep/down/three", "four", "m/\xc3\xa4\xff" };
	struct err e;
	cleanup_of(layer_builder) struct layer_builder *forth = layer_builder_new(&e);
	cleanup_of(layer_builder) struct layer_builder *back = layer_builder_new(&e);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		add(forth, paths[i], paths[i]);
		add(back, paths[ARRAY_LEN(paths) - 1 - i], paths[ARRAY_LEN(paths) - 1 - i]);
	}
	cleanup_layer struct layer x = write_layer(forth);
	setlocale(LC_ALL, "C.UTF-8");
	cleanup_layer struct layer y = write_layer(back);
	cr_expect(digest_equal(&x.diff_id, &y.diff_id));
	cr_expect(digest_equal(&x.digest, &y.digest));
	cr_expect_str_eq(x.path, y.path);
	cr_expect_eq(count_files(dir.path), 1);
}

Test(layer, digests_and_size_are_those_of_the_blob)
{
	char name[DIGEST_HEX + 1];
	struct stat st;
	struct digest of_file;
	struct err e;
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	add(b, "file", "some text");
	cleanup_layer struct layer l = write_layer(b);
	cleanup_close int fd = file_open(l.path, &e);
	cr_assert_eq(digest_of_fd(fd, &of_file, NULL, &e), 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_expect(digest_equal(&of_file, &l.digest));
	cr_expect_eq((uint64_t)st.st_size, l.size);
	struct digest inside = gunzipped_digest(l.path);
	cr_expect(digest_equal(&inside, &l.diff_id));
	digest_hex(&l.digest, name);
	cr_expect_str_eq(path_base(l.path), name);
	cr_expect_str_eq(l.media_type, LAYER_MEDIA_GZIP);

	unsigned char head[10];
	cr_assert_eq(pread(fd, head, sizeof(head), 0), (ssize_t)sizeof(head));
	cr_expect_arr_eq(head + 3, "\0\0\0\0\0", 5, "flags and time of the gzip header must be empty");
}

/* What a layer was on the day it was first made it must always be: keys and caches outside hold on to it. */
Test(layer, diff_id_never_changes)
{
	char hex[DIGEST_HEX + 1];
	struct err e;
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	add(b, "kernel-modules/MODULE_VERSION.txt", "1.0.0\n");
	cleanup_layer struct layer l = write_layer(b);
	digest_hex(&l.diff_id, hex);
	cr_expect_str_eq(hex, "adab7b23170a267f29e9f4b7ea2de7d0af7f1bf5ce47ea7b28dccb22fcfcbf7c");
}

Test(layer, long_names_survive)
{
	char path[301];
	struct err e;
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	memset(path, 'x', 300);
	path[300] = '\0';
	path[40] = '/';
	add(b, path, "deep");
	cleanup_layer struct layer l = write_layer(b);
	cleanup_free char *list = list_tar(l.path);
	cr_expect(strstr(list, path));
}

Test(layer, refuses_paths_that_are_not_plain)
{
	static const char *const paths[] = { "", "/etc/passwd", "..", "a/../b", "./a", "a//b", "a/", "a\nb" };
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct err e = { 0 };
		cr_expect_lt(layer_add_bytes(b, paths[i], "x", 1, 0644, &e), 0, "'%s'", paths[i]);
		cr_expect_eq(e.kind, ERR_USAGE, "'%s': %s", paths[i], e.message);
	}
}

Test(layer, refuses_a_path_that_comes_twice)
{
	static const char *const pairs[][2] = { { "a/b", "a/b" }, { "a", "a/b" } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct err e = { 0 };
		struct layer l = { 0 };
		cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);
		add(b, pairs[i][0], "1");
		add(b, pairs[i][1], "2");
		cr_expect_lt(layer_write(b, dir.path, 0, 6, NULL, &l, &e), 0);
		cr_expect_eq(e.kind, ERR_CONFLICT, "%s", e.message);
		cr_expect_eq(count_files(dir.path), 0);
	}
}

Test(layer, a_missing_source_leaves_nothing_behind)
{
	struct err e = { 0 };
	struct layer l = { 0 };
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	add(b, "a", "there");
	cr_assert_eq(layer_add_file(b, "b", "/nonexistent/file", 0644, &e), 0);
	cr_expect_lt(layer_write(b, dir.path, 0, 6, NULL, &l, &e), 0);
	cr_expect_eq(e.kind, ERR_NOT_FOUND, "%s", e.message);
	cr_expect(strstr(e.message, "'b'"), "%s", e.message);
	cr_expect_eq(count_files(dir.path), 0);
}

Test(layer, a_descriptor_is_read_from_its_start)
{
	struct err e;
	char template[160];
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	snprintf(template, sizeof(template), "%s/in.XXXXXX", dir.path);
	int fd = mkstemp(template);
	cr_assert_eq(fd_write_all(fd, "content", 7, &e), 0);
	cr_assert_eq(layer_add_fd(b, "from-fd", fd, 0600, &e), 0);
	close(fd);
	cleanup_layer struct layer l = write_layer(b);
	cleanup_free char *list = list_tar(l.path);
	cr_expect_str_eq(list, "f 0600 0/0[] 1000 7 from-fd\n");
}

Test(layer, a_tree_comes_with_plain_modes)
{
	struct err e;
	char path[160], blobs[120];
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);

	snprintf(blobs, sizeof(blobs), "%s/blobs", dir.path);
	snprintf(path, sizeof(path), "%s/in/sub", dir.path);
	cr_assert_eq(path_make_dirs(path, &e), 0);
	cr_assert_eq(path_make_dirs(blobs, &e), 0);
	snprintf(path, sizeof(path), "%s/in/sub/tool", dir.path);
	cr_assert_eq(file_replace(path, "#!", 2, 0700, &e), 0);
	snprintf(path, sizeof(path), "%s/in/text", dir.path);
	cr_assert_eq(file_replace(path, "t", 1, 0600, &e), 0);
	snprintf(path, sizeof(path), "%s/in/link", dir.path);
	cr_assert_eq(symlink("text", path), 0);
	snprintf(path, sizeof(path), "%s/in", dir.path);
	cr_assert_eq(layer_add_tree(b, "opt", path, &e), 0, "%s", e.message);
	struct layer l = { 0 };
	cr_assert_eq(layer_write(b, blobs, 5, 1, "tree", &l, &e), 0, "%s", e.message);
	cleanup_free char *list = list_tar(l.path);
	cr_expect_str_eq(list, "d 0755 0/0[] 5 0 opt/\n"
			       "l 0777 0/0[] 5 0 opt/link -> text\n"
			       "d 0755 0/0[] 5 0 opt/sub/\n"
			       "f 0755 0/0[] 5 2 opt/sub/tool\n"
			       "f 0644 0/0[] 5 1 opt/text\n");
	cr_expect_str_eq(l.created_by, "tree");
	layer_release(&l);
}
