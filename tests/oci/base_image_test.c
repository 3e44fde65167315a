#include "oci/base_image.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "../support/temp_dir.h"
#include "base/file.h"
#include "fixture.h"
#include "oci/archive.h"

#define DATA "tests/data/oci/"

static struct temp_dir dir;

static void make_dir(void)
{
	temp_dir_make(&dir);
}

static void drop_dir(void)
{
	temp_dir_remove(&dir);
}

TestSuite(base_image, .init = make_dir, .fini = drop_dir);

static int open_base(const char *path, const char *ref, struct oci_image **ret, struct err *e)
{
	const struct oci_base_options options = { .dir = dir.path, .ref = ref, .architecture = "amd64", .epoch = 86400 };
	struct source *s = source_from_fd(file_open(path, e), true, e);
	int result = oci_base_open(s, &options, ret, e);
	source_free(s);
	return result;
}

Test(base_image, ours_goes_on_top_of_a_layout)
{
	struct err e = { 0 };
	cleanup_of(oci_image) struct oci_image *image = NULL;
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);
	cleanup_layer struct layer l = { 0 };
	cleanup_oci_json struct oci_json j = { 0 };

	cr_assert_eq(open_base(DATA "base-layout.tar.gz", NULL, &image, &e), 0, "%s", e.message);
	cr_expect_eq(count_files(dir.path), 1, "only the layer's blob stays");
	cr_assert_eq(layer_add_bytes(b, "kernel-modules/x", "x", 1, 0644, &e), 0);
	cr_assert_eq(layer_write(b, dir.path, 86400, 6, "ours", &l, &e), 0);
	cr_assert_eq(oci_image_add_layer(image, &l, &e), 0);
	cr_assert_eq(oci_image_set_label(image, "by", "us", &e), 0);
	cr_assert_eq(oci_image_render(image, &j, &e), 0);
	cr_expect_eq(oci_image_layer_count(image), 2);
	cr_expect(strstr(j.config, "\"Cmd\":[\"/base\"],\"Env\":[\"A=1\"],\"Labels\":{\"by\":\"us\",\"from\":\"base\"}"), "%s",
		  j.config);
	cr_expect(strstr(j.config, "{\"created_by\":\"base step\"},{\"created_by\":\"ENV A=1\",\"empty_layer\":true},"
				   "{\"created\":\"1970-01-02T00:00:00Z\",\"created_by\":\"ours\"}]"),
		  "%s", j.config);
	cr_expect_not(strstr(j.config, "\"container\""), "%s", j.config);
	const struct layer *below = oci_image_layer(image, 0);
	struct digest inside = gunzipped_digest(below->path);
	cr_expect(digest_equal(&inside, &below->diff_id), "the blob went through unchanged");
}

Test(base_image, docker_save_with_a_linked_layer)
{
	struct err e = { 0 };
	cleanup_of(oci_image) struct oci_image *image = NULL;
	cleanup_oci_json struct oci_json j = { 0 };

	cr_assert_eq(open_base(DATA "base-docker.tar.gz", "base:1", &image, &e), 0, "%s", e.message);
	cr_assert_eq(oci_image_layer_count(image), 2);
	cr_expect(digest_equal(&oci_image_layer(image, 0)->digest, &oci_image_layer(image, 1)->digest));
	cr_expect_str_eq(oci_image_layer(image, 1)->media_type, LAYER_MEDIA_TAR);
	cr_assert_eq(oci_image_render(image, &j, &e), 0);
	cr_expect(strstr(j.config, "\"history\":[{\"created_by\":\"base image\"},{\"created_by\":\"base image\"}]"),
		  "a missing history is filled up, or engines refuse to show it: %s", j.config);
}

Test(base_image, one_of_several_by_name_and_platform)
{
	static const struct {
		const char *ref;
		enum err_kind kind;
	} rows[] = {
		{ "x:1", ERR_NONE }, { "docker.io/library/y:2", ERR_NONE },
		{ "2", ERR_NONE },   { "z:1", ERR_NOT_FOUND },
		{ NULL, ERR_USAGE }, { ":1", ERR_NOT_FOUND },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cleanup_of(oci_image) struct oci_image *image = NULL;
		cr_expect_eq(open_base(DATA "base-several.tar.gz", rows[i].ref, &image, &e) == 0, rows[i].kind == ERR_NONE,
			     "row %zu: %s", i, e.message);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s", i, e.message);
		cr_expect(!image || strcmp(oci_image_architecture(image), "amd64") == 0);
	}
}

/* What we write we also read, and it stays the same image. */
Test(base_image, our_own_archive_comes_back)
{
	static const char *const tags[] = { "mine:1", "mine:latest", NULL };
	struct err e = { 0 };
	struct digest before, after;
	cleanup_of(oci_image) struct oci_image *image = NULL, *again = NULL;

	cr_assert_eq(open_base(DATA "base-layout.tar.gz", NULL, &image, &e), 0, "%s", e.message);
	struct source *s = oci_archive_open(image, tags, &e);
	const struct oci_base_options options = { .dir = dir.path, .ref = "mine:1", .architecture = "amd64", .epoch = 86400 };
	cr_assert_eq(oci_base_open(s, &options, &again, &e), 0, "%s", e.message);
	source_free(s);
	cr_assert_eq(oci_image_id(image, &before, &e), 0);
	cr_assert_eq(oci_image_id(again, &after, &e), 0);
	cr_expect(digest_equal(&before, &after));
	cr_expect_eq(count_files(dir.path), 1, "a blob that was there before stays");
}

Test(base_image, refuses_more_than_it_was_told_to_take)
{
	struct err e = { 0 };
	struct oci_image *image = NULL;
	const struct oci_base_options options = { .dir = dir.path, .size_max = 600 };

	struct source *s = source_from_fd(file_open(DATA "base-layout.tar.gz", &e), true, &e);
	cr_expect_lt(oci_base_open(s, &options, &image, &e), 0);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	cr_expect_eq(count_files(dir.path), 0);
	source_free(s);
}

/* The word after should-fail- is the kind of error that it must be. */
Test(base_image, refuses_bad_archives)
{
	glob_t files;

	cr_assert_eq(glob(DATA "should-fail-*.tar*", 0, NULL, &files), 0);
	cr_assert_geq(files.gl_pathc, 15);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct err e = { 0 };
		struct oci_image *image = NULL;
		const char *word = path_base(files.gl_pathv[i]) + strlen("should-fail-");
		cr_expect_lt(open_base(files.gl_pathv[i], NULL, &image, &e), 0, "%s", files.gl_pathv[i]);
		cr_expect(str_starts(word, err_kind_name(e.kind)), "%s: %s: %s", word, err_kind_name(e.kind), e.message);
		cr_expect_eq(count_files(dir.path), 0, "%s left something behind", word);
		cr_expect_null(image);
	}
	globfree(&files);
}
