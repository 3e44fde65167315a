#include "build/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "oci/layer.h"

enum { RECORD_MAX = 65536 };

static const char version_name[] = "MODULE_VERSION.txt";
static const char created_by[] = "orchestrate: kernel modules";
static const char scheme[] = "orchestrate layer 1";

/* The kernel's id in a file name of the tree, NULL when the name is none of the tree's. Caller frees. */
static char *kernel_of(const char *name, const char *probe_name)
{
	static const struct {
		const char *before, *infix, *suffix;
	} forms[] = {
		{ "", "-ebpf-", ".o.gz" },
		{ "", "-", ".ko.gz" },
		{ ".", "-ebpf-", ".unavail" },
		{ ".", "-", ".unavail" },
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t before = strlen(forms[i].before), probe = strlen(probe_name), infix = strlen(forms[i].infix);
		size_t around = before + probe + infix + strlen(forms[i].suffix);
		if (len <= around || !str_starts(name, forms[i].before) || strncmp(name + before, probe_name, probe) != 0 ||
		    strncmp(name + before + probe, forms[i].infix, infix) != 0 || !str_ends(name, forms[i].suffix))
			continue;
		return strndup(name + before + probe + infix, len - around);
	}
	return NULL;
}

static int bucket_of(const char *name, const char *probe_name, unsigned *ret, struct err *e)
{
	struct digest digest;

	if (strcmp(name, version_name) == 0) {
		*ret = 0;
		return 0;
	}
	cleanup_free char *kernel = kernel_of(name, probe_name);
	if (!kernel)
		return err_set(e, ERR_INPUT, "'%s' is nothing that belongs into the image; remove it", name);
	if (digest_of(kernel, strlen(kernel), &digest, e) < 0)
		return -1;
	*ret = 1 + digest.bytes[0] % LAYERS_BUCKETS;
	return 0;
}

static int sort_into_buckets(const char *dir, const char *probe_name, struct strv buckets[1 + LAYERS_BUCKETS], size_t *ret_files,
			     struct err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int result = 0;

	if (!d)
		return err_set(e, ERR_NOT_FOUND, "'%s': %s; `orchestrate build` fills it", dir, strerror(errno));
	*ret_files = 0;
	while (result == 0 && (entry = readdir(d))) {
		const char *name = entry->d_name;
		unsigned bucket = 0;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || str_ends(name, ".partial"))
			continue;
		result = bucket_of(name, probe_name, &bucket, e);
		if (result == 0)
			result = strv_add(&buckets[bucket], name, e);
		++*ret_files;
	}
	closedir(d);
	if (result == 0 && *ret_files == 0)
		result = err_set(e, ERR_NOT_FOUND, "'%s' is empty; `orchestrate build` fills it", dir);
	for (int i = 0; i < 1 + LAYERS_BUCKETS; i++)
		strv_sort(&buckets[i]);
	return result;
}

static int add_files(struct layer_builder *b, const char *dir, const struct strv *names, struct hasher *hasher, struct err *e)
{
	for (size_t i = 0; i < names->len; i++) {
		cleanup_free char *from = path_join(dir, names->items[i], e);
		cleanup_free char *to = str_printf(e, "kernel-modules/%s", names->items[i]);
		cleanup_close int fd = from ? file_open(from, e) : -1;
		struct digest digest;
		if (!to || fd < 0 || digest_of_fd(fd, &digest, NULL, e) < 0)
			return -1;
		if (hasher_text(hasher, names->items[i], e) < 0 || hasher_field(hasher, digest.bytes, DIGEST_BYTES, e) < 0)
			return -1;
		if (layer_add_file(b, to, from, 0644, e) < 0)
			return -1;
	}
	return 0;
}

/* --- the store: a record per layer, by what went into it, beside the blob --- */

/* Old file systems come back from a crash with empty files. */
static bool is_whole(const char *path, uint64_t size)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

static int record_read(const char *path, const char *store, struct layer *ret, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	const char *diff_id = NULL, *digest = NULL, *media_type = NULL;
	json_int_t size = 0;
	struct layer layer = { 0 };
	int good = 0;

	if (file_read(path, RECORD_MAX, &text, e) < 0)
		return e->kind == ERR_NOT_FOUND || e->kind == ERR_LIMIT ? 0 : -1;
	json_t *json = json_loads(buf_text(&text), 0, NULL);
	if (json &&
	    json_unpack(json, "{s:s, s:s, s:s, s:I}", "diff_id", &diff_id, "digest", &digest, "media_type", &media_type, "size",
			&size) == 0 &&
	    digest_parse(diff_id, &layer.diff_id, e) == 0 && digest_parse(digest, &layer.digest, e) == 0) {
		layer.size = (uint64_t)size;
		layer.path = path_join(store, digest, e);
		layer.media_type = strdup(media_type);
		layer.created_by = strdup(created_by);
		good = layer.path && layer.media_type && layer.created_by ? is_whole(layer.path, layer.size) : err_no_memory(e);
	}
	json_decref(json);
	if (good == 1)
		*ret = layer;
	else
		layer_release(&layer);
	return good;
}

static int record_write(const char *path, const struct layer *layer, struct err *e)
{
	char diff_id[DIGEST_HEX + 1], digest[DIGEST_HEX + 1];

	digest_hex(&layer->diff_id, diff_id);
	digest_hex(&layer->digest, digest);
	json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "diff_id", diff_id, "digest", digest, "media_type", layer->media_type,
				 "size", (json_int_t)layer->size);
	cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	if (!text)
		return err_no_memory(e);
	return file_replace(path, text, strlen(text), 0644, e);
}

/* Time stamps tell the sweep. */
static int mark_used(const char *record, const char *blob, struct err *e)
{
	if (utimensat(AT_FDCWD, record, NULL, 0) < 0 || utimensat(AT_FDCWD, blob, NULL, 0) < 0)
		return err_system(e, errno, "marking '%s' as used", blob);
	return 0;
}

static int make_layer(const char *dir, const struct strv *names, const char *store, int64_t epoch, struct layer *ret, struct err *e)
{
	cleanup_of(layer_builder) struct layer_builder *b = layer_builder_new(e);
	struct hasher *hasher = hasher_new(e);
	struct digest key;
	char hex[DIGEST_HEX + 1], epoch_text[32];
	int result = b && hasher ? 0 : -1;

	snprintf(epoch_text, sizeof(epoch_text), "%lld", (long long)epoch);
	if (result == 0)
		result = hasher_text(hasher, scheme, e) < 0 || hasher_text(hasher, epoch_text, e) < 0
				 ? -1
				 : layer_add_dir(b, "kernel-modules", 0755, e);
	if (result == 0)
		result = add_files(b, dir, names, hasher, e);
	if (result == 0)
		result = hasher_finish(hasher, &key, e);
	hasher_free(hasher);
	if (result < 0)
		return -1;
	digest_hex(&key, hex);
	cleanup_free char *record = str_printf(e, "%s/%s.json", store, hex);
	if (!record)
		return -1;
	int found = record_read(record, store, ret, e);
	if (found != 0)
		return found < 0 ? -1 : mark_used(record, ret->path, e);
	/* The objects are compressed already: the quickest level takes out what the tar puts around them. */
	if (layer_write(b, store, epoch, 1, created_by, ret, e) < 0)
		return -1;
	return record_write(record, ret, e);
}

int layers_add_tree(struct oci_image *image, const char *modules_dir, const char *probe_name, const char *store, int64_t epoch,
		    size_t *ret_files, struct err *e)
{
	struct strv buckets[1 + LAYERS_BUCKETS] = { 0 };

	int result = path_make_dirs(store, e);
	if (result == 0)
		result = sort_into_buckets(modules_dir, probe_name, buckets, ret_files, e);
	for (int i = 0; i < 1 + LAYERS_BUCKETS && result == 0; i++) {
		struct layer layer = { 0 };
		if (i > 0 && buckets[i].len == 0)
			continue;
		result = make_layer(modules_dir, &buckets[i], store, epoch, &layer, e);
		if (result == 0)
			result = oci_image_add_layer(image, &layer, e);
		layer_release(&layer);
	}
	for (int i = 0; i < 1 + LAYERS_BUCKETS; i++)
		strv_release(&buckets[i]);
	return result;
}

int layers_sweep(const char *store, struct err *e)
{
	const time_t oldest = time(NULL) - (time_t)LAYERS_KEPT_DAYS * 24 * 60 * 60;
	DIR *d = opendir(store);
	struct dirent *entry;
	struct stat st;
	int result = 0;

	if (!d)
		return err_system(e, errno, "opening '%s'", store);
	while (result == 0 && (entry = readdir(d))) {
		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) || st.st_mtime >= oldest)
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) < 0 && errno != ENOENT)
			result = err_system(e, errno, "removing '%s/%s'", store, entry->d_name);
	}
	closedir(d);
	return result;
}
