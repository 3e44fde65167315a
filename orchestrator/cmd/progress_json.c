/* One JSON object a line. `v` is raised when the meaning of a member changes; new members and events may come at any time. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/progress_view.h"

static const char *const event_names[] = {
	[EVENT_PLANNED] = "planned",
	[EVENT_TOOLCHAIN_START] = "toolchain-start",
	[EVENT_TOOLCHAIN_LINE] = "toolchain-line",
	[EVENT_TOOLCHAIN_DONE] = "toolchain-done",
	[EVENT_FETCH] = "fetch",
	[EVENT_PACKAGE] = "package",
	[EVENT_KERNEL_START] = "kernel-start",
	[EVENT_KERNEL_PHASE] = "kernel-phase",
	[EVENT_TASK_DONE] = "task-done",
	[EVENT_KERNEL_DONE] = "kernel-done",
	[EVENT_IMAGE_START] = "image-start",
	[EVENT_IMAGE_DONE] = "image-done",
};

/* Takes object over. */
static void print(json_t *object)
{
	json_object_set_new(object, "v", json_integer(1));
	cleanup_free char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(object);
	if (text)
		fprintf(stderr, "%s\n", text);
}

/* JSON is UTF-8. File names and what a compiler prints need not be: then all but ASCII becomes '?'. */
static json_t *text_json(const char *text)
{
	json_t *json = json_string(text);
	cleanup_free char *copy = json ? NULL : strdup(text);

	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json || !copy ? json : json_string(copy);
}

static void add_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, text_json(text));
}

static void add_number(json_t *object, const char *key, uint64_t number)
{
	json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void add_transfer(const struct progress *p, json_t *object, const struct event *event)
{
	int64_t now = clock_now_ms(), left = rate_seconds_left(&p->rate, now, event->bytes_done, event->bytes_total);
	uint64_t rate = rate_now(&p->rate, now);

	add_number(object, "bytes_done", event->bytes_done);
	add_number(object, "bytes_total", event->bytes_total);
	if (rate)
		add_number(object, "bytes_per_second", rate);
	if (left >= 0)
		add_number(object, "seconds_left", (uint64_t)left);
	if (event->total) {
		add_number(object, "packages", event->total);
		add_number(object, "packages_todo", event->todo);
	}
}

static void json_event(struct progress *p, const struct event *event)
{
	json_t *object = json_object();

	add_text(object, "event", event_names[event->kind]);
	add_text(object, "kernel", event->kernel);
	add_text(object, "distro", event->distro);
	add_text(object, "name", event->name);
	if (event->kind == EVENT_TASK_DONE) {
		add_text(object, "kind", kind_name(event->object));
		add_text(object, "verdict", verdict_name(event->verdict));
	}
	add_text(object, "text", event->text);
	add_text(object, event->kind == EVENT_PACKAGE ? "from" : "log", event->path);
	add_text(object, "tail", event->tail);
	if (event->failed)
		json_object_set_new(object, "failed", json_true());
	if (event->seconds > 0)
		json_object_set_new(object, "seconds", json_real(event->seconds));
	if (event->kind == EVENT_FETCH)
		add_transfer(p, object, event);
	if (event->kind == EVENT_PACKAGE)
		add_number(object, "bytes", event->bytes_total);
	if (event->kind == EVENT_PLANNED) {
		json_object_set_new(object, "kernels", json_integer(event->total));
		json_object_set_new(object, "todo", json_integer(event->todo));
	}
	print(object);
}

static void json_log(struct progress *p, enum log_level level, const char *line)
{
	static const char *const levels[] = {
		[LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"
	};
	json_t *object = json_object();

	(void)p;
	add_text(object, "event", "log");
	add_text(object, "level", levels[level]);
	add_text(object, "text", line);
	print(object);
}

static void json_summary(struct progress *p, double seconds)
{
	json_t *object = json_object();

	add_text(object, "event", "summary");
	json_object_set_new(object, "kernels", json_integer(p->total));
	for (int v = VERDICT_BUILT; v < VERDICT_COUNT; v++)
		json_object_set_new(object, verdict_name((enum verdict)v), json_integer(p->verdicts[v]));
	json_object_set_new(object, "seconds", json_real(seconds));
	print(object);
}

const struct view json_view = { .event = json_event, .log = json_log, .summary = json_summary };
