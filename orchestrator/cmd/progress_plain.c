#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/progress_view.h"

enum { HEARTBEAT_MS = 30000 };

static const char red[] = "\033[31m", yellow[] = "\033[33m", green[] = "\033[32m", plain[] = "\033[0m";

static void print_task(struct progress *p, const struct event *event)
{
	const char *shade = event->failed ? red : event->verdict == VERDICT_BUILT ? green : "";

	fprintf(stderr, "%s%-11s%s %-3s %s", colour(p, shade), verdict_name(event->verdict), *shade ? colour(p, plain) : "",
		kind_name(event->object), event->kernel);
	if (event->text && event->verdict != VERDICT_REUSED)
		fprintf(stderr, " (%s)", event->text);
	fputc('\n', stderr);
}

static void print_package(const struct event *event)
{
	char size[32];

	fprintf(stderr, "%-11s %s, %s%s%s\n", event->text, event->name, size_text(event->bytes_total, size, sizeof(size)),
		event->path && *event->path ? ", from " : "", event->path ? event->path : "");
}

void plain_event(struct progress *p, const struct event *event)
{
	switch (event->kind) {
	case EVENT_PLANNED:
		fprintf(stderr, "%u kernel%s, %u with something to %s\n", event->total, event->total == 1 ? "" : "s", event->todo,
			event->text ? event->text : "build");
		break;
	case EVENT_TOOLCHAIN_START:
		fprintf(stderr, "toolchain   %s: making its image\n", event->name);
		break;
	case EVENT_TOOLCHAIN_DONE:
		if (!event->failed)
			fprintf(stderr, "toolchain   %s: ready after %.0f s\n", event->name, event->seconds);
		break;
	case EVENT_PACKAGE:
		print_package(event);
		break;
	case EVENT_TASK_DONE:
		/* Thousands of lines that say nothing happened would hide the few that do. */
		if (event->verdict == VERDICT_REUSED || event->verdict == VERDICT_UNAVAILABLE)
			return;
		print_task(p, event);
		break;
	case EVENT_IMAGE_DONE:
		if (!event->failed)
			fprintf(stderr, "image       %s sha256:%.12s, %.1f s%s%s\n", event->text, event->name, event->seconds,
				event->path ? ", archive " : "", event->path ? event->path : "");
		break;
	default:
		return;
	}
	p->last_output_ms = clock_now_ms();
}

void plain_log(struct progress *p, enum log_level level, const char *line)
{
	static const char *const words[] = {
		[LOG_ERROR] = "error: ", [LOG_WARNING] = "warning: ", [LOG_INFO] = "", [LOG_DEBUG] = ""
	};
	static const char *const shades[] = { [LOG_ERROR] = red, [LOG_WARNING] = yellow, [LOG_INFO] = "", [LOG_DEBUG] = "" };

	fprintf(stderr, "orchestrate: %s%s%s%s\n", colour(p, shades[level]), words[level], *shades[level] ? colour(p, plain) : "",
		line);
	p->last_output_ms = clock_now_ms();
}

static void plain_tick(struct progress *p)
{
	char text[160];

	if (clock_now_ms() - p->last_output_ms < HEARTBEAT_MS)
		return;
	p->last_output_ms = clock_now_ms();
	if (p->transfer[0]) {
		fprintf(stderr, "still at it: %s\n", transfer_line(p, text, sizeof(text)));
		return;
	}
	if (!p->total && !p->active_count) {
		fputs("still at it\n", stderr);
		return;
	}
	fprintf(stderr, "still at it: %u of %u kernels done, %u in work, fetched %s", p->done, p->todo, p->active_count,
		transfer_text(p, text, sizeof(text)));
	for (unsigned i = 0; i < p->active_count && i < 4; i++)
		fprintf(stderr, "%s %s", i ? "," : ";", p->active[i].name);
	fputc('\n', stderr);
}

void plain_summary(struct progress *p, double seconds)
{
	char counts[256];

	for (size_t i = 0; i < p->failures.len; i++)
		fprintf(stderr, "%s%sfailed%s %s", i ? "" : "\n", colour(p, red), colour(p, plain), p->failures.items[i]);
	fprintf(stderr, "%s%u kernel%s: %s; %.1f s\n", p->failures.len ? "\n" : "", p->total, p->total == 1 ? "" : "s",
		verdict_counts(p, counts, sizeof(counts)), seconds);
}

const struct view plain_view = {
	.event = plain_event,
	.log = plain_log,
	.tick = plain_tick,
	.summary = plain_summary,
	.tick_ms = 1000,
};

static void quiet_log(struct progress *p, enum log_level level, const char *line)
{
	if (level == LOG_ERROR)
		plain_log(p, level, line);
}

static void quiet_summary(struct progress *p, double seconds)
{
	if (p->failures.len)
		plain_summary(p, seconds);
}

const struct view quiet_view = { .log = quiet_log, .summary = quiet_summary };
