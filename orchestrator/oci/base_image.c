#include "oci/base_image.h"

#include <string.h>

#include "base/buf.h"
#include "oci/archive.h"
#include "oci/image_config.h"
#include "oci/spool.h"

enum { INDEX_DEPTH_MAX = 3 };

#define SIZE_MAX_DEFAULT (32ull << 30)

/* Docker's names for layers mean the same bytes as OCI's. */
static const struct {
	const char *given, *ours;
} media_types[] = {
	{ LAYER_MEDIA_GZIP, LAYER_MEDIA_GZIP },
	{ LAYER_MEDIA_TAR, LAYER_MEDIA_TAR },
	{ LAYER_MEDIA_ZSTD, LAYER_MEDIA_ZSTD },
	{ "application/vnd.docker.image.rootfs.diff.tar.gzip", LAYER_MEDIA_GZIP },
	{ "application/vnd.docker.image.rootfs.diff.tar", LAYER_MEDIA_TAR },
	{ "application/vnd.docker.image.rootfs.diff.tar.zstd", LAYER_MEDIA_ZSTD },
};

static const struct {
	unsigned char magic[4];
	size_t len;
	const char *media_type;
} magics[] = {
	{ { 0x1f, 0x8b }, 2, LAYER_MEDIA_GZIP },	     /* RFC 1952 */
	{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, LAYER_MEDIA_ZSTD }, /* RFC 8878 */
};

/* What was found: the config, and a member and media type per layer. */
struct found {
	json_t *config;
	struct layer layers[OCI_LAYERS_MAX]; /* path and media_type borrowed */
	size_t count;
};

static struct spool_member *find_blob(const struct spool *s, const json_t *descriptor, struct err *e)
{
	char path[sizeof("blobs/sha256/") + DIGEST_HEX], hex[DIGEST_HEX + 1];
	struct digest digest;

	if (json_to_digest(json_object_get(descriptor, "digest"), &digest, e) < 0)
		return NULL;
	digest_hex(&digest, hex);
	snprintf(path, sizeof(path), "blobs/sha256/%s", hex);
	struct spool_member *m = spool_find(s, path);
	const json_t *size = json_object_get(descriptor, "size");
	if (!m)
		err_set(e, ERR_CORRUPT, "the archive lacks '%s'", path);
	else if (!digest_equal(&m->blob.digest, &digest))
		err_set(e, ERR_CORRUPT, "'%s' has another digest than its name", path);
	else if (!json_is_integer(size) || (uint64_t)json_integer_value(size) != m->blob.size)
		err_set(e, ERR_CORRUPT, "'%s' has %llu bytes, its descriptor says otherwise", path,
			(unsigned long long)m->blob.size);
	else
		return m;
	return NULL;
}

static int add_layer(struct found *f, struct spool_member *m, const char *media_type, struct err *e)
{
	if (f->count == OCI_LAYERS_MAX)
		return err_set(e, ERR_LIMIT, "the base image has more than %d layers", OCI_LAYERS_MAX);
	m->needed = true;
	f->layers[f->count++] = (struct layer){
		.digest = m->blob.digest, .size = m->blob.size, .path = m->blob.path, .media_type = (char *)media_type
	};
	return 0;
}

/* --- OCI layout --- */

static bool is_index(const json_t *descriptor)
{
	const char *type = json_string_value(json_object_get(descriptor, "mediaType"));
	return type && (strcmp(type, OCI_MEDIA_INDEX) == 0 ||
			strcmp(type, "application/vnd.docker.distribution.manifest.list.v2+json") == 0);
}

/* "x:1" names an image by its whole name, by containerd's long form of it, or by the bare annotation. */
static bool has_ref(const json_t *descriptor, const char *ref)
{
	const json_t *annotations = json_object_get(descriptor, "annotations");
	const char *name = json_string_value(json_object_get(annotations, "io.containerd.image.name"));
	const char *bare = json_string_value(json_object_get(annotations, "org.opencontainers.image.ref.name"));

	if (name && (strcmp(name, ref) == 0 || (str_ends(name, ref) && name[strlen(name) - strlen(ref) - 1] == '/')))
		return true;
	return bare && strcmp(bare, ref) == 0;
}

static bool has_platform(const json_t *descriptor, const char *architecture)
{
	const json_t *platform = json_object_get(descriptor, "platform");
	const char *has = json_string_value(json_object_get(platform, "architecture"));

	return !has || !architecture || strcmp(has, architecture) == 0;
}

/* Looks through an index for the manifests that fit; *ret_blob is the one, NULL while there is none. ref NULL: any. */
static int pick_manifest(const struct spool *s, const json_t *index, const char *ref, const char *architecture, int depth,
			 struct spool_member **ret_blob, struct err *e)
{
	const json_t *manifests = json_object_get(index, "manifests");
	size_t i;
	json_t *d;

	if (!json_is_array(manifests) || depth > INDEX_DEPTH_MAX)
		return err_set(e, ERR_CORRUPT, "not a usable image index");
	json_array_foreach(manifests, i, d)
	{
		if ((ref && !has_ref(d, ref)) || !has_platform(d, architecture))
			continue;
		struct spool_member *m = find_blob(s, d, e);
		if (!m)
			return -1;
		if (is_index(d)) {
			cleanup_of(json) json_t *inner = spool_json(m, e);
			if (!inner || pick_manifest(s, inner, NULL, architecture, depth + 1, ret_blob, e) < 0)
				return -1;
			continue;
		}
		if (*ret_blob && !digest_equal(&(*ret_blob)->blob.digest, &m->blob.digest))
			return err_set(e, ERR_USAGE, "the archive holds several images; say which by its name");
		*ret_blob = m;
	}
	return 0;
}

static int read_layout(const struct spool *s, const struct spool_member *index_file, const struct oci_base_options *o,
		       struct found *f, struct err *e)
{
	struct spool_member *blob = NULL;
	size_t i;
	json_t *d;

	cleanup_of(json) json_t *index = spool_json(index_file, e);
	if (!index || pick_manifest(s, index, o->ref, o->architecture, 0, &blob, e) < 0)
		return -1;
	if (!blob)
		return err_set(e, ERR_NOT_FOUND, "the archive has no image '%s' for %s", o->ref ? o->ref : "(any)",
			       o->architecture ? o->architecture : "any platform");
	cleanup_of(json) json_t *manifest = spool_json(blob, e);
	struct spool_member *config = manifest ? find_blob(s, json_object_get(manifest, "config"), e) : NULL;
	if (!config || !(f->config = spool_json(config, e)))
		return -1;
	const json_t *layers = json_object_get(manifest, "layers");
	if (!json_is_array(layers))
		return err_set(e, ERR_CORRUPT, "'%s' is no image manifest", blob->path);
	json_array_foreach(layers, i, d)
	{
		const char *given = json_string_value(json_object_get(d, "mediaType")), *ours = NULL;
		for (size_t k = 0; k < ARRAY_LEN(media_types) && given; k++)
			if (strcmp(media_types[k].given, given) == 0)
				ours = media_types[k].ours;
		if (!ours)
			return err_set(e, ERR_INPUT, "layer %zu has the media type '%s', which is not known here", i,
				       given ? given : "(none)");
		struct spool_member *m = find_blob(s, d, e);
		if (!m || add_layer(f, m, ours, e) < 0)
			return -1;
	}
	return 0;
}

/* --- docker save --- */

static const char *sniff(const struct spool_member *m, struct err *e)
{
	unsigned char head[4] = { 0 };

	cleanup_close int fd = file_open(m->blob.path, e);
	if (fd < 0)
		return NULL;
	ssize_t n = read(fd, head, sizeof(head));
	for (size_t i = 0; i < ARRAY_LEN(magics) && n == (ssize_t)sizeof(head); i++)
		if (memcmp(head, magics[i].magic, magics[i].len) == 0)
			return magics[i].media_type;
	return LAYER_MEDIA_TAR;
}

static const json_t *pick_docker_image(const json_t *manifest, const char *ref, struct err *e)
{
	const json_t *picked = NULL;
	size_t i, k;
	json_t *image, *tag;

	if (!json_is_array(manifest)) {
		err_set(e, ERR_CORRUPT, "'manifest.json' is not a list");
		return NULL;
	}
	json_array_foreach((json_t *)manifest, i, image)
	{
		bool fits = !ref;
		json_array_foreach(json_object_get(image, "RepoTags"), k, tag) fits =
			fits || (json_is_string(tag) && strcmp(json_string_value(tag), ref) == 0);
		if (fits && picked) {
			err_set(e, ERR_USAGE, "the archive holds several images; say which by its name");
			return NULL;
		}
		if (fits)
			picked = image;
	}
	if (!picked)
		err_set(e, ERR_NOT_FOUND, "the archive has no image '%s'", ref ? ref : "(any)");
	return picked;
}

static struct spool_member *find_path(const struct spool *s, const json_t *path, struct err *e)
{
	const char *text = json_string_value(path);
	struct spool_member *m = text ? spool_find(s, text) : NULL;

	if (!m)
		err_set(e, ERR_CORRUPT, "the archive lacks '%.200s', which 'manifest.json' names", text ? text : "(no path)");
	return m;
}

static int read_docker(const struct spool *s, const struct spool_member *file, const struct oci_base_options *o, struct found *f,
		       struct err *e)
{
	size_t i;
	json_t *path;

	cleanup_of(json) json_t *manifest = spool_json(file, e);
	const json_t *image = manifest ? pick_docker_image(manifest, o->ref, e) : NULL;
	struct spool_member *config = image ? find_path(s, json_object_get(image, "Config"), e) : NULL;
	if (!config || !(f->config = spool_json(config, e)))
		return -1;
	json_array_foreach(json_object_get(image, "Layers"), i, path)
	{
		struct spool_member *m = find_path(s, path, e);
		const char *media_type = m ? sniff(m, e) : NULL;
		if (!media_type || add_layer(f, m, media_type, e) < 0)
			return -1;
	}
	return 0;
}

/* --- both --- */

static int check_image(const struct oci_image *image, const char *architecture, struct err *e)
{
	const char *has = oci_image_architecture(image);

	if (architecture && strcmp(has, architecture) != 0)
		return err_set(e, ERR_NOT_FOUND, "the image is for %s, not for %s", has, architecture);
	for (size_t i = 0; i < oci_image_layer_count(image); i++) {
		const struct layer *l = oci_image_layer(image, i);
		if (strcmp(l->media_type, LAYER_MEDIA_TAR) == 0 && !digest_equal(&l->digest, &l->diff_id))
			return err_set(e, ERR_CORRUPT, "layer %zu has another digest than the config says", i);
	}
	return 0;
}

static int read_spooled(const struct spool *s, const struct oci_base_options *o, struct found *f, struct oci_image **ret,
			struct err *e)
{
	const struct spool_member *index = spool_find(s, "index.json"), *docker = spool_find(s, "manifest.json");

	if (!index && !docker)
		return err_set(e, ERR_CORRUPT, "neither 'index.json' nor 'manifest.json': no image archive");
	if ((index ? read_layout(s, index, o, f, e) : read_docker(s, docker, o, f, e)) < 0)
		return -1;
	cleanup_of(oci_image) struct oci_image *image = NULL;
	if (oci_image_adopt(f->config, f->layers, f->count, o->epoch, &image, e) < 0 || check_image(image, o->architecture, e) < 0)
		return -1;
	*ret = steal_ptr(&image);
	return 0;
}

int oci_base_open(struct source *archive, const struct oci_base_options *options, struct oci_image **ret, struct err *e)
{
	cleanup_spool struct spool s = { 0 };
	struct found f = { 0 };
	int result = spool_read(&s, archive, options->dir, options->size_max ? options->size_max : SIZE_MAX_DEFAULT, e);

	if (result == 0)
		result = read_spooled(&s, options, &f, ret, e);
	json_decref(f.config);
	if (result == 0)
		return 0;
	for (size_t i = 0; i < s.count; i++)
		s.members[i].needed = false;
	return err_wrap(e, "reading a base image");
}
