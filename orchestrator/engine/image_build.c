#include "engine/image_build.h"

#include <stdio.h>
#include <string.h>

#include "engine/json_stream.h"
#include "engine/request.h"

enum { TAIL_LINES = 6, TAIL_LINE_BYTES = 120, LINE_MAX_BYTES = 4096 };

/* Nobody's: anonymous. */
#define NO_AUTH "X-Registry-Auth: e30="

struct building {
	struct engine *engine;
	const struct image_build_spec *spec;
	struct json_stream objects;
	struct buf partial; /* a line that has not ended yet */
	char tail[TAIL_LINES][TAIL_LINE_BYTES];
	size_t lines;
	bool named; /* the engine has said which image came out */
};

/* Engines colour what a step writes to its stderr (ECMA-48, SGR), and the step itself may print anything. */
static void clean_line(char *line)
{
	char *to = line;

	for (const char *p = line; *p; p++) {
		if (p[0] == '\033' && p[1] == '[') {
			p += 2;
			p += strspn(p, "0123456789;");
			if (!*p)
				break;
		} else {
			*to++ = (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p;
		}
	}
	while (to > line && to[-1] == ' ')
		to--;
	*to = '\0';
}

static void take_line(struct building *b, char *line)
{
	clean_line(line);
	if (!*line)
		return;
	if (b->spec->line)
		b->spec->line(b->spec->line_context, line);
	else
		log_printf(b->engine->log, LOG_DEBUG, "engine: %s", line);
	/* The builder's own words say nothing about why a step fails; which it was is in the engine's error. */
	if (!str_starts(line, " ---> ") && !str_starts(line, "Step ") && !str_starts(line, "Removing intermediate container "))
		snprintf(b->tail[b->lines++ % TAIL_LINES], TAIL_LINE_BYTES, "%s", line);
}

/* What a step prints comes in pieces of any size. */
static int take_output(struct building *b, const char *text, struct err *e)
{
	if (buf_puts(&b->partial, text, e) < 0)
		return -1;
	for (char *end; b->partial.len && (end = memchr(b->partial.data, '\n', b->partial.len));) {
		*end = '\0';
		size_t len = (size_t)(end - b->partial.data) + 1;
		take_line(b, b->partial.data);
		buf_consume(&b->partial, len);
	}
	if (b->partial.len > LINE_MAX_BYTES) {
		take_line(b, b->partial.data);
		buf_clear(&b->partial);
	}
	return 0;
}

static int refuse(struct building *b, const char *text, struct err *e)
{
	cleanup_buf struct buf last = { 0 };
	size_t from = b->lines > TAIL_LINES ? b->lines - TAIL_LINES : 0;

	err_set(e, ERR_FAILED, "%.*s", (int)strcspn(text, "\r\n"), text);
	for (size_t i = from; i < b->lines; i++)
		if (buf_printf(&last, NULL, "%s%s", i > from ? " | " : "", b->tail[i % TAIL_LINES]) < 0)
			return -1;
	return last.len ? err_append(e, "its last lines: %s", last.data) : -1;
}

static int take_object(void *context, const json_t *object, struct err *e)
{
	struct building *b = context;
	const char *text = json_text(json_object_get(object, "errorDetail"), "message");

	if (!text)
		text = json_text(object, "error");
	if (text) {
		if (b->partial.len)
			take_line(b, b->partial.data);
		buf_clear(&b->partial);
		return refuse(b, text, e);
	}
	text = json_text(object, "stream");
	/* podman gives no "aux", and says which image it is as the last text. */
	if (json_text(json_object_get(object, "aux"), "ID") || (text && str_starts(text, "Successfully built ")))
		b->named = true;
	if (text)
		return take_output(b, text, e);
	/* Pulling the base: what stands without a byte count. */
	text = json_text(object, "status");
	if (text && !json_object_get(object, "progress"))
		log_printf(b->engine->log, LOG_DEBUG, "engine: %s %s", text,
			   json_text(object, "id") ? json_text(object, "id") : "");
	return 0;
}

static int feed(void *context, const void *bytes, size_t len, struct err *e)
{
	return json_stream_feed(&((struct building *)context)->objects, bytes, len, e);
}

/* `&name=` and "KEY=value" texts as a JSON object. */
static int add_object(struct buf *path, const char *name, const char *const *texts, struct err *e)
{
	cleanup_of(json) json_t *object = json_object();

	if (!texts || !*texts)
		return 0;
	for (; object && *texts; texts++) {
		size_t len = strcspn(*texts, "=");
		if (json_object_setn_new(object, *texts, len, json_string(*texts + len + ((*texts)[len] == '='))) < 0)
			return json_not_made(e);
	}
	cleanup_free char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (!text)
		return json_not_made(e);
	return buf_printf(path, e, "&%s=", name) < 0 ? -1 : url_append(path, text, "", e);
}

static int add_query(struct buf *path, const struct image_build_spec *spec, struct err *e)
{
	/* forcerm: containers of failed steps go too. */
	if (buf_printf(path, e, "/build?rm=1&forcerm=1%s&dockerfile=", spec->again ? "&nocache=1" : "") < 0 ||
	    url_append(path, spec->dockerfile, "", e) < 0 || buf_puts(path, "&t=", e) < 0 || url_append(path, spec->tag, "", e) < 0)
		return -1;
	return add_object(path, "buildargs", spec->args, e) < 0 ? -1 : add_object(path, "labels", spec->labels, e);
}

static int perform(struct building *b, const char *path, struct err *e)
{
	cleanup_response struct response r = { 0 };
	/* Compilers are installed in silence, packages are unpacked on slow disks: how long it takes is the user's to judge. */
	const struct request q = {
		.method = "POST", .path = path, .upload = b->spec->context, .receive = feed, .context = b, .timeout_ms = -2
	};

	if (request_perform(b->engine, &q, &r, e) < 0)
		return -1;
	if (json_stream_finish(&b->objects, e) < 0)
		return err_wrap(e, "engine: POST /build");
	if (!b->named)
		return err_set(e, ERR_CORRUPT, "engine: POST /build: the answer ended before the image was made");
	return 0;
}

int engine_image_build(struct engine *engine, const struct image_build_spec *spec, struct err *e)
{
	cleanup_buf struct buf path = { 0 };
	struct building b = { .engine = engine, .spec = spec, .objects = { .object = take_object } };

	b.objects.context = &b;
	int done = add_query(&path, spec, e) < 0 ? -1 : perform(&b, path.data, e);
	json_stream_release(&b.objects);
	buf_release(&b.partial);
	return done;
}

int engine_registry_digest(struct engine *engine, const char *ref, char **ret, struct err *e)
{
	cleanup_buf struct buf path = { 0 };
	cleanup_of(json) json_t *reply = NULL;

	if (url_check_name(ref, e) < 0 || buf_puts(&path, "/distribution/", e) < 0 || url_append(&path, ref, "/:@", e) < 0 ||
	    buf_puts(&path, "/json", e) < 0)
		return -1;
	const struct request q = { .method = "GET", .path = path.data, .header = NO_AUTH };
	if (request_json(engine, &q, &reply, NULL, e) < 0)
		return -1;
	const char *digest = json_text(json_object_get(reply, "Descriptor"), "digest");
	if (!digest || !str_starts(digest, "sha256:"))
		return err_set(e, ERR_PROTOCOL, "engine: GET %s: the answer holds no digest", path.data);
	*ret = str_dup(digest, e);
	return *ret ? 0 : -1;
}
