#include "oci/archive.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/temp_dir.h"
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

TestSuite(oci_archive, .init = make_dir, .fini = drop_dir);

static const char *const tags[] = { "collector-base:1.0.0", "localhost:5000/team/collector-base:latest", NULL };

/* Two layers; the second one comes twice. */
static struct oci_image *make_image(char ret_last_blob[256])
{
	static const char *const names[] = { "one", "two", "two" };
	struct err e;
	struct oci_image *image = oci_image_new("amd64", 0, &e);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(&e);
		cleanup_layer struct layer l = { 0 };
		cr_assert_eq(layer_add_bytes(b, names[i], names[i], 3, 0644, &e), 0);
		cr_assert_eq(layer_write(b, dir.path, 0, 6, NULL, &l, &e), 0, "%s", e.message);
		cr_assert_eq(oci_image_add_layer(image, &l, &e), 0);
		snprintf(ret_last_blob, 256, "%s", l.path);
	}
	return image;
}

static struct buf read_all(const struct oci_image *image, size_t step)
{
	struct buf all = { 0 };
	struct err e;
	char chunk[4096];
	ssize_t n;

	struct source *s = oci_archive_open(image, tags, &e);
	cr_assert(s, "%s", e.message);
	while ((n = source_read(s, chunk, step, &e)) > 0)
		cr_assert_eq(buf_append(&all, chunk, (size_t)n, &e), 0);
	cr_assert_eq(n, 0, "%s", e.message);
	source_free(s);
	return all;
}

Test(oci_archive, holds_what_both_kinds_of_readers_look_for)
{
	char blob[256];
	size_t i;
	json_t *path;
	cleanup_of(oci_image) struct oci_image *image = make_image(blob);
	cleanup_buf struct buf all = read_all(image, 4096);

	cr_expect_eq(all.len % 512, 0);
	cleanup_free char *list = list_tar_bytes(&all);
	size_t lines = 0;
	for (const char *p = list; (p = strchr(p, '\n')); p++)
		lines++;
	cr_expect_eq(lines, 2 + 4 + 3, "a layer that comes twice is stored once:\n%s", list);
	cr_expect(strstr(list, " oci-layout\n"));

	cleanup_free char *docker = member_text(&all, "manifest.json");
	json_t *j = json_loads(docker, 0, NULL);
	const json_t *first = json_array_get(j, 0);
	cleanup_free char *config = member_text(&all, json_string_value(json_object_get(first, "Config")));
	cr_expect(config && strstr(config, "\"diff_ids\""));
	cr_expect_eq(json_array_size(json_object_get(first, "Layers")), 3);
	json_array_foreach(json_object_get(first, "Layers"), i, path)
		cr_expect(strstr(list, json_string_value(path)), "%s is not in the archive", json_string_value(path));
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(first, "RepoTags"), 1)), tags[1]);
	json_decref(j);

	cleanup_free char *index = member_text(&all, "index.json");
	cr_expect(strstr(index, "\"io.containerd.image.name\":\"docker.io/library/collector-base:1.0.0\""), "%s", index);
	cr_expect(strstr(index, "\"io.containerd.image.name\":\"localhost:5000/team/collector-base:latest\""), "%s", index);
	cr_expect(strstr(index, "\"org.opencontainers.image.ref.name\":\"latest\""), "%s", index);
}

Test(oci_archive, is_the_same_however_it_is_read)
{
	char blob[256];
	cleanup_of(oci_image) struct oci_image *image = make_image(blob);
	cleanup_buf struct buf at_once = read_all(image, 4096);
	cleanup_buf struct buf in_steps = read_all(image, 7);

	cr_assert_eq(at_once.len, in_steps.len);
	cr_expect_arr_eq(at_once.data, in_steps.data, at_once.len);
}

Test(oci_archive, a_blob_that_shrank_is_noticed)
{
	char blob[256];
	struct err e = { 0 };
	cleanup_of(oci_image) struct oci_image *image = make_image(blob);

	cr_assert_eq(truncate(blob, 10), 0);
	struct source *s = oci_archive_open(image, tags, &e);
	cr_assert(s);
	cr_expect_lt(source_drain(s, &e), 0);
	cr_expect_eq(e.kind, ERR_CORRUPT, "%s", e.message);
	source_free(s);
}

Test(oci_archive, knows_a_valid_name)
{
	static const struct {
		const char *ref;
		bool fits;
	} rows[] = {
		{ "collector-base:1.0.0-rc1", true },
		{ "a/b_c/d__e/f--g.h:V_1", true },
		{ "localhost/x:1", true },
		{ "reg.example.com:5000/x:1", true },
		{ "x", false },
		{ "reg:5000/x", false },
		{ "X:1", false },
		{ "x:", false },
		{ ":1", false },
		{ "x:-1", false },
		{ "x..y:1", false },
		{ "-x:1", false },
		{ "x/:1", false },
		{ "/x:1", false },
		{ "x:1 2", false },
		{ "x___y:1", false },
		{ "Reg.example.com/x:1", true },
		{ "x\"y:1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		cr_expect_eq(oci_tag_check(rows[i].ref, &e) == 0, rows[i].fits, "'%s'", rows[i].ref);
		cr_expect(rows[i].fits || e.kind == ERR_USAGE, "'%s'", rows[i].ref);
	}
}
