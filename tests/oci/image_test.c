#include "oci/image.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct layer *some_layer(void)
{
	static struct layer l = {
		.size = 7, .path = (char *)"/blob", .media_type = (char *)LAYER_MEDIA_GZIP, .created_by = (char *)"test"
	};
	struct err e;

	cr_assert_eq(digest_parse("1111111111111111111111111111111111111111111111111111111111111111", &l.diff_id, &e), 0);
	cr_assert_eq(digest_parse("2222222222222222222222222222222222222222222222222222222222222222", &l.digest, &e), 0);
	return &l;
}

Test(image, config_and_manifest_are_byte_stable)
{
	static const char *const shell[] = { "/bin/sh", "-c", NULL };
	struct err e;
	cleanup_oci_json struct oci_json j = { 0 };
	cleanup_of(oci_image) struct oci_image *image = oci_image_new("amd64", 86400, &e);

	cr_assert_eq(oci_image_set_label(image, "z", "1", &e), 0);
	cr_assert_eq(oci_image_set_label(image, "a", "\"quoted\"", &e), 0);
	cr_assert_eq(oci_image_set_env(image, "PATH", "/bin", &e), 0);
	cr_assert_eq(oci_image_set_env(image, "PATH", "/usr/bin", &e), 0);
	cr_assert_eq(oci_image_set_cmd(image, shell, &e), 0);
	cr_assert_eq(oci_image_set_workdir(image, "/srv", &e), 0);
	cr_assert_eq(oci_image_add_layer(image, some_layer(), &e), 0);
	cr_assert_eq(oci_image_render(image, &j, &e), 0, "%s", e.message);
	cr_expect_str_eq(
		j.config,
		"{\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"/bin/sh\",\"-c\"],\"Env\":[\"PATH=/usr/bin\"],"
		"\"Labels\":{\"a\":\"\\\"quoted\\\"\",\"z\":\"1\"},\"WorkingDir\":\"/srv\"},\"created\":\"1970-01-02T00:00:00Z\","
		"\"history\":[{\"created\":\"1970-01-02T00:00:00Z\",\"created_by\":\"test\"}],\"os\":\"linux\",\"rootfs\":"
		"{\"diff_ids\":[\"sha256:1111111111111111111111111111111111111111111111111111111111111111\"],\"type\":\"layers\"}}");
	struct digest of_config;
	cr_assert_eq(digest_of(j.config, strlen(j.config), &of_config, &e), 0);
	cr_expect(digest_equal(&of_config, &j.config_digest));
	cr_expect(strstr(j.manifest, "\"digest\":\"sha256:2222222222222222222222222222222222222222222222222222222222222222\""));
	cr_expect(strstr(j.manifest, "\"mediaType\":\"" LAYER_MEDIA_GZIP "\",\"size\":7"), "%s", j.manifest);
}

Test(image, takes_as_many_layers_as_engines_do)
{
	struct err e = { 0 };
	cleanup_of(oci_image) struct oci_image *image = oci_image_new("amd64", 0, &e);

	for (size_t i = 0; i < OCI_LAYERS_MAX; i++)
		cr_assert_eq(oci_image_add_layer(image, some_layer(), &e), 0, "%s", e.message);
	cr_expect_lt(oci_image_add_layer(image, some_layer(), &e), 0);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_eq(oci_image_layer_count(image), OCI_LAYERS_MAX);
}

Test(image, text_that_is_not_utf8_is_the_callers_fault)
{
	struct err e = { 0 };
	cleanup_of(oci_image) struct oci_image *image = oci_image_new("amd64", 0, &e);

	cr_expect_lt(oci_image_set_label(image, "key", "\xff", &e), 0);
	cr_expect_eq(e.kind, ERR_USAGE);
}
