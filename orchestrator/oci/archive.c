#include "oci/archive.h"

#include <string.h>

#include "base/buf.h"
#include "oci/image_config.h"
#include "oci/tar_source.h"

DEFINE_CLEANUP(source, struct source, source_free)

static char *blob_path(const struct digest *d, struct err *e)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return str_printf(e, "blobs/sha256/%s", hex);
}

/* Two layers with the same bytes are one member. */
static bool is_repeated(const struct oci_image *image, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (digest_equal(&oci_image_layer(image, k)->digest, &oci_image_layer(image, i)->digest))
			return true;
	return false;
}

static int add_blobs(struct source *tar, const struct oci_image *image, const struct oci_json *j, struct err *e)
{
	cleanup_free char *config = blob_path(&j->config_digest, e);
	cleanup_free char *manifest = config ? blob_path(&j->manifest_digest, e) : NULL;

	if (!manifest || tar_source_add_dir(tar, "blobs", e) < 0 || tar_source_add_dir(tar, "blobs/sha256", e) < 0 ||
	    tar_source_add_text(tar, config, j->config, e) < 0 || tar_source_add_text(tar, manifest, j->manifest, e) < 0)
		return -1;
	for (size_t i = 0; i < oci_image_layer_count(image); i++) {
		const struct layer *l = oci_image_layer(image, i);
		cleanup_free char *path = blob_path(&l->digest, e);
		if (!path || (!is_repeated(image, i) && tar_source_add_file(tar, path, l->path, l->size, e) < 0))
			return -1;
	}
	return 0;
}

/* What containerd calls an image whose short name is ref. */
static json_t *full_name(const char *ref)
{
	const char *slash = strchr(ref, '/');

	if (!slash)
		return json_sprintf("docker.io/library/%s", ref);
	size_t host = (size_t)(slash - ref);
	if (memchr(ref, '.', host) || memchr(ref, ':', host) || (host == strlen("localhost") && str_starts(ref, "localhost")))
		return json_string(ref);
	return json_sprintf("docker.io/%s", ref);
}

/* One descriptor per tag, all of the same manifest: that is how readers of a layout find names. Keys as `docker save` sets them. */
static json_t *index_json(const struct oci_image *image, const struct oci_json *j, const char *const tags[])
{
	json_t *manifests = json_array();
	size_t i = 0;

	do {
		json_t *d = json_pack("{s:o, s:s, s:I, s:{s:s, s:s}}", "digest", json_digest(&j->manifest_digest), "mediaType",
				      OCI_MEDIA_MANIFEST, "size", (json_int_t)strlen(j->manifest), "platform", "architecture",
				      oci_image_architecture(image), "os", "linux");
		if (tags[i] && d)
			json_object_set_new(d, "annotations",
					    json_pack("{s:o, s:s}", "io.containerd.image.name", full_name(tags[i]),
						      "org.opencontainers.image.ref.name", strrchr(tags[i], ':') + 1));
		if (json_array_append_new(manifests, d) < 0) {
			json_decref(manifests);
			return NULL;
		}
	} while (tags[i] && tags[++i]);
	return json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType", OCI_MEDIA_INDEX, "manifests", manifests);
}

static json_t *docker_json(const struct oci_image *image, const struct oci_json *j, const char *const tags[], struct err *e)
{
	cleanup_of(json) json_t *layers = json_array();
	cleanup_of(json) json_t *names = json_array();

	for (size_t i = 0; i < oci_image_layer_count(image); i++) {
		cleanup_free char *path = blob_path(&oci_image_layer(image, i)->digest, e);
		if (!path || json_array_append_new(layers, json_string(path)) < 0)
			return NULL;
	}
	for (; *tags; tags++)
		if (json_array_append_new(names, json_string(*tags)) < 0)
			return NULL;
	cleanup_free char *config = blob_path(&j->config_digest, e);
	return config ? json_pack("[{s:s, s:O, s:O}]", "Config", config, "Layers", layers, "RepoTags", names) : NULL;
}

/* Takes j over. */
static int add_json(struct source *tar, const char *path, json_t *j, struct err *e)
{
	cleanup_of(json) json_t *owned = j;
	cleanup_free char *text = owned ? json_dumps(owned, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	return text ? tar_source_add_text(tar, path, text, e) : err_no_memory(e);
}

struct source *oci_archive_open(const struct oci_image *image, const char *const tags[], struct err *e)
{
	cleanup_oci_json struct oci_json j = { 0 };

	for (size_t i = 0; tags[i]; i++)
		if (oci_tag_check(tags[i], e) < 0)
			return NULL;
	if (oci_image_render(image, &j, e) < 0)
		return NULL;
	cleanup_of(source) struct source *tar = tar_source_new(e);
	if (!tar)
		return NULL;
	if (add_blobs(tar, image, &j, e) < 0 || add_json(tar, "index.json", index_json(image, &j, tags), e) < 0 ||
	    add_json(tar, "manifest.json", docker_json(image, &j, tags, e), e) < 0 ||
	    tar_source_add_text(tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}", e) < 0 || tar_source_end(tar, e) < 0)
		return NULL;
	return steal_ptr(&tar);
}

int oci_archive_write(const struct oci_image *image, const char *const tags[], struct sink *to, struct err *e)
{
	cleanup_of(source) struct source *s = oci_archive_open(image, tags, e);

	return s ? sink_copy(to, s, e) : -1;
}
