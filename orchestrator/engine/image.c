#include "engine/image.h"

#include <string.h>

#include "engine/json_stream.h"
#include "engine/request.h"
#include "engine/tar_end.h"

void engine_image_release(struct engine_image *image)
{
	char *texts[] = { image->id, image->os, image->arch, image->user, image->workdir };
	struct strv *lists[] = { &image->tags, &image->layers, &image->labels, &image->env, &image->entrypoint, &image->cmd };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		strv_release(lists[i]);
	*image = (struct engine_image){ 0 };
}

void engine_images_release(struct engine_images *images)
{
	for (size_t i = 0; i < images->len; i++)
		engine_image_release(&images->items[i]);
	free(images->items);
	*images = (struct engine_images){ 0 };
}

/* "/images/REF" + what */
static char *image_path(const char *ref, const char *what, struct err *e)
{
	cleanup_buf struct buf path = { 0 };

	if (url_check_name(ref, e) < 0 || buf_puts(&path, "/images/", e) < 0 || url_append(&path, ref, "/:@", e) < 0 ||
	    buf_puts(&path, what, e) < 0)
		return NULL;
	return buf_steal(&path);
}

/* Engines answer null, "" or nothing at all for what is not set. */
static int take_text(char **to, const json_t *object, const char *key, struct err *e)
{
	const char *text = json_text(object, key);

	if (!text || !*text)
		return 0;
	*to = str_dup(text, e);
	return *to ? 0 : -1;
}

static int take_list(struct strv *to, const json_t *array, struct err *e)
{
	size_t i;
	json_t *item;

	json_array_foreach(array, i, item)
	{
		if (json_is_string(item) && strv_add(to, json_string_value(item), e) < 0)
			return -1;
	}
	return 0;
}

static int take_labels(struct strv *to, json_t *object, struct err *e)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		const char *text = json_string_value(value);
		if (strv_take(to, str_printf(e, "%s=%s", key, text ? text : ""), e) < 0)
			return -1;
	}
	strv_sort(to);
	return 0;
}

static int take_common(struct engine_image *image, const json_t *reply, struct err *e)
{
	if (take_text(&image->id, reply, "Id", e) < 0 || take_list(&image->tags, json_object_get(reply, "RepoTags"), e) < 0)
		return -1;
	json_int_t size = json_integer_value(json_object_get(reply, "Size"));
	image->size_bytes = size > 0 ? (uint64_t)size : 0;
	return image->id ? 0 : err_set(e, ERR_PROTOCOL, "engine: the answer names an image without id");
}

int engine_image_inspect(struct engine *engine, const char *ref, struct engine_image *ret, struct err *e)
{
	cleanup_engine_image struct engine_image image = { 0 };
	cleanup_free char *path = image_path(ref, "/json", e);
	cleanup_of(json) json_t *reply = NULL;

	if (!path)
		return -1;
	const struct request q = { .method = "GET", .path = path };
	if (request_json(engine, &q, &reply, NULL, e) < 0)
		return -1;
	const json_t *config = json_object_get(reply, "Config");
	if (take_common(&image, reply, e) < 0 || take_text(&image.os, reply, "Os", e) < 0 ||
	    take_text(&image.arch, reply, "Architecture", e) < 0 || take_text(&image.user, config, "User", e) < 0 ||
	    take_text(&image.workdir, config, "WorkingDir", e) < 0)
		return -1;
	if (take_list(&image.layers, json_object_get(json_object_get(reply, "RootFS"), "Layers"), e) < 0 ||
	    take_labels(&image.labels, json_object_get(config, "Labels"), e) < 0 ||
	    take_list(&image.env, json_object_get(config, "Env"), e) < 0 ||
	    take_list(&image.entrypoint, json_object_get(config, "Entrypoint"), e) < 0 ||
	    take_list(&image.cmd, json_object_get(config, "Cmd"), e) < 0)
		return -1;
	*ret = image;
	image = (struct engine_image){ 0 };
	return 0;
}

/* What a load or a pull reports. */
struct report {
	struct engine *engine;
	struct strv *names; /* NULL: not wanted */
	struct json_stream objects;
};

static int report_object(void *context, const json_t *object, struct err *e)
{
	static const char *const loaded[] = { "Loaded image: ", "Loaded image ID: ", "Loaded image(s): " };
	struct report *r = context;
	const char *text = json_text(json_object_get(object, "errorDetail"), "message");

	if (!text)
		text = json_text(object, "error");
	if (text)
		return err_set(e, ERR_FAILED, "the engine reports: %.*s", (int)strcspn(text, "\r\n"), text);
	text = json_text(object, "stream");
	if (text)
		log_printf(r->engine->log, LOG_DEBUG, "engine: %.*s", (int)strcspn(text, "\r\n"), text);
	for (size_t i = 0; text && r->names && i < ARRAY_LEN(loaded); i++) {
		if (!str_starts(text, loaded[i]))
			continue;
		const char *name = text + strlen(loaded[i]);
		return strv_take(r->names, strndup(name, strcspn(name, "\r\n")), e);
	}
	/* A pull's layers say little each time, and say it hundreds of times: only what stands without a byte count. */
	text = json_text(object, "status");
	if (text && !json_object_get(object, "progress"))
		log_printf(r->engine->log, LOG_DEBUG, "engine: %s %s", text,
			   json_text(object, "id") ? json_text(object, "id") : "");
	return 0;
}

static int report_feed(void *context, const void *bytes, size_t len, struct err *e)
{
	return json_stream_feed(&((struct report *)context)->objects, bytes, len, e);
}

/* Runs a request that answers with a stream of reports. */
static int perform_reported(struct engine *engine, const struct request *plain, struct strv *names, struct err *e)
{
	cleanup_response struct response r = { 0 };
	struct report report = { engine, names, { .object = report_object } };
	struct request q = *plain;

	report.objects.context = &report;
	q.receive = report_feed;
	q.context = &report;
	q.timeout_ms = -1;
	int done = request_perform(engine, &q, &r, e);
	if (done == 0 && json_stream_finish(&report.objects, e) < 0)
		done = err_wrap(e, "engine: %s %.*s", q.method, (int)strcspn(q.path, "?"), q.path);
	json_stream_release(&report.objects);
	return done;
}

int engine_image_load(struct engine *engine, struct source *archive, struct strv *ret_names, struct err *e)
{
	const struct request q = { .method = "POST", .path = "/images/load?quiet=1", .upload = archive };

	return perform_reported(engine, &q, ret_names, e);
}

struct export
{
	struct sink *to;
	struct tar_end end;
	bool begun;
};

static int export_feed(void *context, const void *bytes, size_t len, struct err *e)
{
	struct export *x = context;

	x->begun = true;
	return tar_end_feed(&x->end, bytes, len, e) < 0 ? -1 : sink_write(x->to, bytes, len, e);
}

int engine_image_export(struct engine *engine, const char *ref, struct sink *to, struct err *e)
{
	cleanup_free char *path = image_path(ref, "/get", e);
	cleanup_response struct response r = { 0 };
	struct export x = { .to = to };

	if (!path)
		return -1;
	const struct request q = { .method = "GET", .path = path, .receive = export_feed, .context = &x, .timeout_ms = -1 };
	if (request_perform(engine, &q, &r, e) < 0) {
		if (e && e->kind == ERR_TEMPORARY && x.begun)
			e->kind = ERR_CORRUPT;
		return -1;
	}
	return tar_end_finish(&x.end, e) < 0 ? err_wrap(e, "engine: GET %s", path) : 0;
}

/* Where the tag of a name begins: behind a colon that stands after the last slash. NULL: no tag. */
static const char *name_tag(const char *name)
{
	const char *slash = strrchr(name, '/'), *colon = strchr(slash ? slash : name, ':');

	return colon ? colon + 1 : NULL;
}

int engine_image_tag(struct engine *engine, const char *ref, const char *name, struct err *e)
{
	const char *tag = name_tag(name);
	cleanup_free char *repository = strndup(name, tag ? (size_t)(tag - name) - 1 : strlen(name));
	cleanup_buf struct buf query = { 0 };
	cleanup_response struct response r = { 0 };

	if (!repository)
		return err_no_memory(e);
	if (url_check_name(name, e) < 0 || buf_puts(&query, "/tag?repo=", e) < 0 || url_append(&query, repository, "", e) < 0 ||
	    buf_puts(&query, "&tag=", e) < 0 || url_append(&query, tag ? tag : "latest", "", e) < 0)
		return -1;
	cleanup_free char *path = image_path(ref, query.data, e);
	const struct request q = { .method = "POST", .path = path };
	return path ? request_perform(engine, &q, &r, e) : -1;
}

int engine_image_remove(struct engine *engine, const char *ref, bool force, struct err *e)
{
	cleanup_free char *path = image_path(ref, force ? "?force=1" : "", e);
	cleanup_response struct response r = { 0 };

	if (!path)
		return -1;
	const struct request q = { .method = "DELETE", .path = path, .clean_up = true };
	return request_perform(engine, &q, &r, e) < 0 && r.status != 404 ? -1 : 0;
}

int engine_image_pull(struct engine *engine, const char *ref, const char *registry_auth, struct err *e)
{
	cleanup_buf struct buf path = { 0 };
	cleanup_free char *header = str_printf(e, "X-Registry-Auth: %s", registry_auth ? registry_auth : "e30=");

	if (!header || url_check_name(ref, e) < 0)
		return -1;
	if (buf_puts(&path, "/images/create?fromImage=", e) < 0 || url_append(&path, ref, "", e) < 0)
		return -1;
	/* Without any tag the engine would fetch them all. */
	if (!name_tag(ref) && !strchr(ref, '@') && buf_puts(&path, "&tag=latest", e) < 0)
		return -1;
	const struct request q = { .method = "POST", .path = path.data, .header = header };
	return perform_reported(engine, &q, NULL, e);
}

int engine_image_list(struct engine *engine, const char *label, struct engine_images *ret, struct err *e)
{
	cleanup_engine_images struct engine_images images = { 0 };
	cleanup_of(json) json_t *filter = json_pack("{s:[s]}", "label", label), *reply = NULL;
	cleanup_free char *text = filter ? json_dumps(filter, JSON_COMPACT) : NULL;
	cleanup_buf struct buf path = { 0 };
	size_t i;
	json_t *item;

	if (!text)
		return json_not_made(e);
	if (buf_puts(&path, "/images/json?filters=", e) < 0 || url_append(&path, text, "", e) < 0)
		return -1;
	const struct request q = { .method = "GET", .path = path.data };
	if (request_json(engine, &q, &reply, NULL, e) < 0)
		return -1;
	images.items = calloc(json_array_size(reply) + 1, sizeof(*images.items));
	if (!images.items)
		return err_no_memory(e);
	json_array_foreach(reply, i, item)
	{
		struct engine_image *image = &images.items[images.len++];
		if (take_common(image, item, e) < 0 || take_labels(&image->labels, json_object_get(item, "Labels"), e) < 0)
			return -1;
	}
	*ret = images;
	images = (struct engine_images){ 0 };
	return 0;
}
