#include "oci/image.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "oci/image_config.h"

struct oci_image {
	json_t *config;
	int64_t epoch;
	struct layer layers[OCI_LAYERS_MAX];
	size_t count;
};

/* RFC 3339 as Go reads it. */
static json_t *json_time(int64_t epoch)
{
	char text[64];
	struct tm tm;
	time_t t = (time_t)epoch;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return NULL;
	return json_string(text);
}

json_t *json_digest(const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return json_sprintf("sha256:%s", hex);
}

int json_to_digest(const json_t *j, struct digest *ret, struct err *e)
{
	const char *text = json_string_value(j);

	if (!text || !str_starts(text, "sha256:"))
		return err_set(e, ERR_CORRUPT, "expected a digest 'sha256:...', found '%.80s'", text ? text : "something else");
	if (digest_parse(text + strlen("sha256:"), ret, e) < 0) {
		if (e)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	return 0;
}

/* obj[key] = value; takes value over. */
static int set_new(json_t *obj, const char *key, json_t *value, struct err *e)
{
	/* The only reasons are no memory and text that is not UTF-8. */
	if (json_object_set_new(obj, key, value) < 0)
		return err_set(e, ERR_USAGE, "'%s' can't be put into JSON: not UTF-8, or out of memory", key);
	return 0;
}

static int append_new(json_t *array, json_t *value, struct err *e)
{
	if (json_array_append_new(array, value) < 0)
		return err_set(e, ERR_USAGE, "text can't be put into JSON: not UTF-8, or out of memory");
	return 0;
}

/* obj[key], made when it is missing or null (Docker writes null for what is empty). Borrowed. */
static json_t *member_of(json_t *obj, const char *key, bool array, struct err *e)
{
	json_t *value = json_object_get(obj, key);

	if (!value || json_is_null(value)) {
		if (set_new(obj, key, array ? json_array() : json_object(), e) < 0)
			return NULL;
		value = json_object_get(obj, key);
	}
	if (array ? !json_is_array(value) : !json_is_object(value)) {
		err_set(e, ERR_CORRUPT, "image config: '%s' has the wrong type", key);
		return NULL;
	}
	return value;
}

struct oci_image *oci_image_new(const char *architecture, int64_t epoch, struct err *e)
{
	struct oci_image *image = calloc(1, sizeof(*image));
	if (!image || !(image->config = json_object())) {
		free(image);
		err_no_memory(e);
		return NULL;
	}
	image->epoch = epoch;
	json_t *rootfs = json_pack("{s:s, s:[]}", "type", "layers", "diff_ids");
	if (set_new(image->config, "architecture", json_string(architecture), e) < 0 ||
	    set_new(image->config, "os", json_string("linux"), e) < 0 ||
	    set_new(image->config, "created", json_time(epoch), e) < 0 || set_new(image->config, "config", json_object(), e) < 0 ||
	    set_new(image->config, "history", json_array(), e) < 0) {
		json_decref(rootfs);
		oci_image_free(image);
		return NULL;
	}
	if (set_new(image->config, "rootfs", rootfs, e) < 0) {
		oci_image_free(image);
		return NULL;
	}
	return image;
}

void oci_image_free(struct oci_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->count; i++)
		layer_release(&image->layers[i]);
	json_decref(image->config);
	free(image);
}

static size_t history_layers(const json_t *history)
{
	size_t i, layers = 0;
	json_t *entry;

	json_array_foreach((json_t *)history, i, entry) layers += !json_is_true(json_object_get(entry, "empty_layer"));
	return layers;
}

/* Checks what later code relies on, drops what no longer holds, completes the history. */
static int adopt_config(struct oci_image *image, size_t layers, struct err *e)
{
	static const char *const stale[] = { "container", "container_config", "docker_version", "id", "parent", "Size" };

	for (size_t i = 0; i < ARRAY_LEN(stale); i++)
		json_object_del(image->config, stale[i]);
	if (!json_is_string(json_object_get(image->config, "architecture")))
		return err_set(e, ERR_CORRUPT, "image config: no architecture");
	json_t *rootfs = member_of(image->config, "rootfs", false, e);
	json_t *diff_ids = rootfs ? member_of(rootfs, "diff_ids", true, e) : NULL;
	json_t *history = diff_ids ? member_of(image->config, "history", true, e) : NULL;
	if (!history || !member_of(image->config, "config", false, e))
		return -1;
	if (json_array_size(diff_ids) != layers)
		return err_set(e, ERR_CORRUPT, "image config names %zu layers, the manifest %zu", json_array_size(diff_ids),
			       layers);
	size_t told = history_layers(history);
	if (told > layers)
		return err_set(e, ERR_CORRUPT, "image config: history of %zu layers, but there are %zu", told, layers);
	for (; told < layers; told++)
		if (append_new(history, json_pack("{s:s}", "created_by", "base image"), e) < 0)
			return -1;
	return set_new(image->config, "created", json_time(image->epoch), e);
}

int oci_image_adopt(const json_t *config, const struct layer *layers, size_t count, int64_t epoch, struct oci_image **ret,
		    struct err *e)
{
	if (!json_is_object(config))
		return err_set(e, ERR_CORRUPT, "image config: not an object");
	if (count > OCI_LAYERS_MAX)
		return err_set(e, ERR_LIMIT, "%zu layers; engines take at most %d", count, OCI_LAYERS_MAX);
	cleanup_of(oci_image) struct oci_image *image = calloc(1, sizeof(*image));
	if (!image || !(image->config = json_deep_copy(config)))
		return err_no_memory(e);
	image->epoch = epoch;
	if (adopt_config(image, count, e) < 0)
		return -1;
	const json_t *diff_ids = json_object_get(json_object_get(image->config, "rootfs"), "diff_ids");
	for (; image->count < count; image->count++) {
		struct layer *l = &image->layers[image->count];
		if (layer_copy(&layers[image->count], l, e) < 0)
			return -1;
		if (json_to_digest(json_array_get(diff_ids, image->count), &l->diff_id, e) < 0) {
			layer_release(l);
			return err_wrap(e, "image config");
		}
	}
	*ret = steal_ptr(&image);
	return 0;
}

int oci_image_set_cmd(struct oci_image *image, const char *const argv[], struct err *e)
{
	json_t *config = member_of(image->config, "config", false, e);
	cleanup_of(json) json_t *cmd = json_array();

	if (!config)
		return -1;
	for (; *argv; argv++)
		if (append_new(cmd, json_string(*argv), e) < 0)
			return -1;
	return set_new(config, "Cmd", json_incref(cmd), e);
}

int oci_image_set_env(struct oci_image *image, const char *name, const char *value, struct err *e)
{
	json_t *config = member_of(image->config, "config", false, e);
	json_t *env = config ? member_of(config, "Env", true, e) : NULL;
	size_t i, len = strlen(name);
	json_t *entry;

	if (!env)
		return -1;
	json_array_foreach(env, i, entry)
	{
		const char *text = json_string_value(entry);
		if (text && strncmp(text, name, len) == 0 && text[len] == '=') {
			json_array_remove(env, i);
			break;
		}
	}
	return append_new(env, json_sprintf("%s=%s", name, value), e);
}

int oci_image_set_label(struct oci_image *image, const char *key, const char *value, struct err *e)
{
	json_t *config = member_of(image->config, "config", false, e);
	json_t *labels = config ? member_of(config, "Labels", false, e) : NULL;

	return labels ? set_new(labels, key, json_string(value), e) : -1;
}

int oci_image_set_workdir(struct oci_image *image, const char *path, struct err *e)
{
	json_t *config = member_of(image->config, "config", false, e);

	return config ? set_new(config, "WorkingDir", json_string(path), e) : -1;
}

int oci_image_add_layer(struct oci_image *image, const struct layer *l, struct err *e)
{
	if (image->count == OCI_LAYERS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d layers; engines take no more", OCI_LAYERS_MAX);
	json_t *rootfs = member_of(image->config, "rootfs", false, e);
	json_t *diff_ids = rootfs ? member_of(rootfs, "diff_ids", true, e) : NULL;
	json_t *history = diff_ids ? member_of(image->config, "history", true, e) : NULL;
	if (!history || layer_copy(l, &image->layers[image->count], e) < 0)
		return -1;
	cleanup_of(json) json_t *entry = json_object();
	if (set_new(entry, "created", json_time(image->epoch), e) < 0 ||
	    (l->created_by && set_new(entry, "created_by", json_string(l->created_by), e) < 0) ||
	    append_new(diff_ids, json_digest(&l->diff_id), e) < 0) {
		layer_release(&image->layers[image->count]);
		return -1;
	}
	if (append_new(history, json_incref(entry), e) < 0) {
		json_array_remove(diff_ids, json_array_size(diff_ids) - 1);
		layer_release(&image->layers[image->count]);
		return -1;
	}
	image->count++;
	return 0;
}

size_t oci_image_layer_count(const struct oci_image *image)
{
	return image->count;
}

const struct layer *oci_image_layer(const struct oci_image *image, size_t i)
{
	return &image->layers[i];
}

const char *oci_image_architecture(const struct oci_image *image)
{
	return json_string_value(json_object_get(image->config, "architecture"));
}

/* {digest, mediaType, size}; NULL when out of memory. */
static json_t *descriptor(const char *media_type, const struct digest *digest, uint64_t size)
{
	return json_pack("{s:o, s:s, s:I}", "digest", json_digest(digest), "mediaType", media_type, "size", (json_int_t)size);
}

static int render_manifest(const struct oci_image *image, struct oci_json *j, struct err *e)
{
	cleanup_of(json) json_t *layers = json_array();

	for (size_t i = 0; i < image->count; i++) {
		const struct layer *l = &image->layers[i];
		if (append_new(layers, descriptor(l->media_type, &l->digest, l->size), e) < 0)
			return -1;
	}
	cleanup_of(json) json_t *manifest =
		json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType", OCI_MEDIA_MANIFEST, "config",
			  descriptor(OCI_MEDIA_CONFIG, &j->config_digest, strlen(j->config)), "layers", layers);
	if (!manifest || !(j->manifest = json_dumps(manifest, JSON_COMPACT | JSON_SORT_KEYS)))
		return err_no_memory(e);
	return digest_of(j->manifest, strlen(j->manifest), &j->manifest_digest, e);
}

int oci_image_render(const struct oci_image *image, struct oci_json *ret, struct err *e)
{
	cleanup_oci_json struct oci_json j = { 0 };

	if (!(j.config = json_dumps(image->config, JSON_COMPACT | JSON_SORT_KEYS)))
		return err_no_memory(e);
	if (digest_of(j.config, strlen(j.config), &j.config_digest, e) < 0 || render_manifest(image, &j, e) < 0)
		return -1;
	*ret = j;
	j = (struct oci_json){ 0 };
	return 0;
}

void oci_json_release(struct oci_json *j)
{
	if (!j)
		return;
	free(j->config);
	free(j->manifest);
	*j = (struct oci_json){ 0 };
}

int oci_image_id(const struct oci_image *image, struct digest *ret, struct err *e)
{
	cleanup_oci_json struct oci_json j = { 0 };

	if (oci_image_render(image, &j, e) < 0)
		return -1;
	*ret = j.config_digest;
	return 0;
}
