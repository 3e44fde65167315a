#include "build/base_image.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "build/layers.h"
#include "engine/image.h"
#include "oci/archive.h"
#include "oci/base_image.h"
#include "oci/image.h"

/* --- what it stands on --- */

static int base_from_file(const struct base_image_options *o, const struct oci_base_options *base, struct oci_image **ret,
			  struct err *e)
{
	cleanup_close int fd = file_open(o->base, e);
	if (fd < 0)
		return -1;
	struct source *archive = source_from_fd(fd, false, e);
	int result = archive ? oci_base_open(archive, base, ret, e) : -1;
	source_free(archive);
	return result;
}

/* The engine pushes its archive, the reader pulls: a thread and a pipe between them. */
struct export
{
	const struct base_image_options *options;
	int fd;
	int result;
	struct err e;
};

static void *export_image(void *context)
{
	struct export *x = context;

	struct sink *sink = sink_to_fd(x->fd, &x->e);
	x->result = sink ? engine_image_export(x->options->engine, x->options->base, sink, &x->e) : -1;
	sink_free(sink);
	close(steal_fd(&x->fd));
	return NULL;
}

static int base_from_engine(const struct base_image_options *o, const struct oci_base_options *base, struct oci_image **ret,
			    struct err *e)
{
	struct export x = { .options = o };
	pthread_t thread;
	int fds[2];

	if (fd_pipe(fds, e) < 0)
		return -1;
	x.fd = fds[1];
	struct source *archive = source_from_fd(fds[0], true, e);
	int rc = archive ? pthread_create(&thread, NULL, export_image, &x) : ENOMEM;
	if (rc) {
		close(fds[1]);
		source_free(archive);
		return err_system(e, rc, "starting a thread");
	}
	int result = oci_base_open(archive, base, ret, e);
	/* Closes the reading end: an exporter that still writes stops. */
	source_free(archive);
	pthread_join(thread, NULL);
	if (x.result == 0)
		return result;
	/* The reader sees a cut archive where the engine failed, and the exporter a broken pipe where the reader gave up. */
	if (result == 0)
		oci_image_free(steal_ptr(ret));
	if (result == 0 || x.e.errnum != EPIPE)
		*e = x.e;
	return -1;
}

static int start_image(const struct base_image_options *o, const char *blobs, struct oci_image **ret, struct err *e)
{
	static const char *const nothing[] = { "true", NULL };
	const struct oci_base_options base = { .dir = blobs, .architecture = o->architecture, .epoch = o->epoch };

	if (base_image_check(o->base, o->archive, o->engine, e) < 0)
		return -1;
	if (o->base) {
		int there = path_exists(o->base, e);
		if (there < 0)
			return -1;
		int result = there ? base_from_file(o, &base, ret, e) : base_from_engine(o, &base, ret, e);
		return result < 0 ? err_wrap(e, "base '%s'", o->base) : 0;
	}
	*ret = oci_image_new(o->architecture, o->epoch, e);
	if (!*ret)
		return -1;
	/* Nothing in it can run, but `docker create` insists on a command. */
	return oci_image_set_cmd(*ret, nothing, e);
}

/* --- where it goes --- */

static int write_archive(const struct base_image_options *o, const struct oci_image *image, const char *const tags[], struct err *e)
{
	cleanup_newfile struct newfile f = { .fd = -1 };

	if (newfile_open(&f, o->archive, 0644, e) < 0)
		return -1;
	struct sink *sink = sink_to_fd(f.fd, e);
	int result = sink ? oci_archive_write(image, tags, sink, e) : -1;
	if (result == 0)
		result = sink_finish(sink, e);
	sink_free(sink);
	if (result < 0)
		return err_wrap(e, "writing '%s'", o->archive);
	return newfile_commit(&f, e);
}

/* Old engines report nothing for some damage, so what arrived is compared. */
static int compare_layers(const struct oci_image *image, const struct engine_image *loaded, struct err *e)
{
	size_t count = oci_image_layer_count(image);

	if (loaded->layers.len != count)
		return err_set(e, ERR_CHECK, "the engine has %zu layers of it, not %zu", loaded->layers.len, count);
	for (size_t i = 0; i < count; i++) {
		char hex[DIGEST_HEX + 1];
		digest_hex(&oci_image_layer(image, i)->diff_id, hex);
		if (strncmp(loaded->layers.items[i], "sha256:", 7) != 0 || strcmp(loaded->layers.items[i] + 7, hex) != 0)
			return err_set(e, ERR_CHECK, "layer %zu is '%s' in the engine, not 'sha256:%s'", i + 1,
				       loaded->layers.items[i], hex);
	}
	return 0;
}

/* 1 when the engine has just this image under the tag already. */
static int is_loaded(const struct base_image_options *o, const struct oci_image *image, const char *tag, struct err *e)
{
	struct engine_image have = { 0 };
	struct err differs;
	struct oci_json json = { 0 };
	char hex[DIGEST_HEX + 1], manifest[DIGEST_HEX + 1];

	if (engine_image_inspect(o->engine, tag, &have, e) < 0)
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	int result = oci_image_render(image, &json, e);
	if (result == 0) {
		digest_hex(&json.config_digest, hex);
		digest_hex(&json.manifest_digest, manifest);
		/* Engines with containerd's store call an image by its manifest. */
		bool same_id = have.id && (str_ends(have.id, hex) || str_ends(have.id, manifest));
		result = same_id && compare_layers(image, &have, &differs) == 0;
		oci_json_release(&json);
	}
	engine_image_release(&have);
	return result;
}

static int load(const struct base_image_options *o, const struct oci_image *image, const char *const tags[], struct err *e)
{
	bool all_there = true;

	for (size_t i = 0; tags[i] && all_there; i++) {
		int there = is_loaded(o, image, tags[i], e);
		if (there < 0)
			return -1;
		all_there = there;
	}
	if (all_there)
		return 0;
	struct source *archive = oci_archive_open(image, tags, e);
	int result = archive ? engine_image_load(o->engine, archive, NULL, e) : -1;
	source_free(archive);
	for (size_t i = 0; tags[i] && result == 0; i++) {
		struct engine_image loaded = { 0 };
		result = engine_image_inspect(o->engine, tags[i], &loaded, e);
		if (result == 0)
			result = compare_layers(image, &loaded, e);
		engine_image_release(&loaded);
		if (result < 0)
			err_wrap(e, "after loading '%s'", tags[i]);
	}
	return result;
}

static int make(const struct base_image_options *o, const char *tag, char id[DIGEST_HEX + 1], struct err *e)
{
	cleanup_free char *store = path_join(o->cache_dir, "layers", e);
	cleanup_free char *latest = str_printf(e, "%s-base:latest", o->probe_name);
	cleanup_of(oci_image) struct oci_image *image = NULL;
	struct digest digest;
	size_t files = 0;

	if (!store || !latest || path_make_dirs(store, e) < 0)
		return -1;
	const char *const tags[] = { tag, latest, NULL };
	if (start_image(o, store, &image, e) < 0 ||
	    layers_add_tree(image, o->modules_dir, o->probe_name, store, o->epoch, &files, e) < 0)
		return -1;
	if (oci_image_set_label(image, "org.opencontainers.image.version", o->module_version, e) < 0 ||
	    oci_image_id(image, &digest, e) < 0)
		return -1;
	digest_hex(&digest, id);
	if (o->archive && write_archive(o, image, tags, e) < 0)
		return -1;
	if (o->engine && load(o, image, tags, e) < 0)
		return -1;
	return layers_sweep(store, e);
}

void base_image_release(struct base_image *image)
{
	free(image->ref);
	*image = (struct base_image){ 0 };
}

int base_image_check(const char *base, const char *archive, struct engine *engine, struct err *e)
{
	struct engine_image image = { 0 };

	if (archive) {
		cleanup_free char *dir = str_printf(e, "%.*s.", (int)(path_base(archive) - archive), archive);
		int there = dir ? path_exists(dir, e) : -1;
		if (there <= 0)
			return there < 0 ? -1 : err_set(e, ERR_USAGE, "--archive '%s': its directory does not exist", archive);
	}
	int there = base ? path_exists(base, e) : 1;
	if (there != 0)
		return there < 0 ? -1 : 0;
	if (!engine)
		return err_set(e, ERR_USAGE, "--base '%s' is no file, and no engine is in use", base);
	int result = engine_image_inspect(engine, base, &image, e);
	engine_image_release(&image);
	if (result < 0 && e->kind == ERR_NOT_FOUND)
		return err_set(e, ERR_USAGE, "--base '%s' is neither a file nor an image in the engine", base);
	return result;
}

int base_image_make(const struct base_image_options *options, struct base_image *ret, struct err *e)
{
	struct base_image made = { .ref = str_printf(e, "%s-base:%s", options->probe_name, options->module_version) };
	int64_t started = clock_now_ms();

	if (!made.ref)
		return -1;
	event_send(options->listener, &(struct event){ .kind = EVENT_IMAGE_START, .text = made.ref });
	int result = make(options, made.ref, made.id, e);
	if (result < 0)
		err_wrap(e, "image '%s'", made.ref);
	event_send(options->listener, &(struct event){ .kind = EVENT_IMAGE_DONE,
						       .text = result < 0 ? e->message : made.ref,
						       .name = made.id,
						       .path = options->archive,
						       .failed = result < 0,
						       .seconds = (double)(clock_now_ms() - started) / 1000 });
	if (result < 0)
		base_image_release(&made);
	else
		*ret = made;
	return result;
}
