#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/progress_view.h"

enum { SHOWN_MAX = 8, WIDTH_MAX = 240 };

static const char clear_below[] = "\r\033[J", grey[] = "\033[2m", plain[] = "\033[0m";

static int width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return 80;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

/* The cursor stands at the view's last line; up to its first, and nothing below is left. */
static void erase(struct progress *p)
{
	if (p->lines_shown > 1)
		fprintf(stderr, "\033[%dA", p->lines_shown - 1);
	if (p->lines_shown)
		fputs(clear_below, stderr);
	p->lines_shown = 0;
}

static void begin_line(struct progress *p)
{
	if (p->lines_shown++)
		fputc('\n', stderr);
}

/* What is left at the pace so far; nothing is said before there is a pace. */
static int64_t seconds_left(const struct progress *p)
{
	if (p->done < 2 || p->done >= p->todo)
		return -1;
	return (clock_now_ms() - p->started_ms) / p->done * (p->todo - p->done) / 1000;
}

static void draw_active(struct progress *p, const struct active *a, int columns)
{
	char line[WIDTH_MAX + 1];

	snprintf(line, sizeof(line), "  %-36s %4llds  %s", a->name, (long long)((clock_now_ms() - a->since_ms) / 1000), a->phase);
	begin_line(p);
	fprintf(stderr, "%s%.*s%s", colour(p, grey), columns - 1, line, colour(p, plain));
}

/* A command that is about packages alone. */
static void draw_transfer(struct progress *p)
{
	char line[WIDTH_MAX + 1];

	erase(p);
	begin_line(p);
	fprintf(stderr, "%.*s", width() - 1, transfer_line(p, line, sizeof(line)));
	fflush(stderr);
}

static void draw(struct progress *p)
{
	char line[WIDTH_MAX + 1], counts[160], bytes[128];
	int columns = width(), len;
	int64_t left = seconds_left(p);

	erase(p);
	for (unsigned i = 0; i < p->active_count && i < SHOWN_MAX; i++)
		draw_active(p, &p->active[i], columns);
	len = snprintf(line, sizeof(line), "[%u/%u] %s", p->done, p->todo, verdict_counts(p, counts, sizeof(counts)));
	if (p->bytes_done < p->bytes_total && len > 0 && (size_t)len < sizeof(line))
		len += snprintf(line + len, sizeof(line) - (size_t)len, ", fetched %s", transfer_text(p, bytes, sizeof(bytes)));
	if (left >= 0 && len > 0 && (size_t)len < sizeof(line))
		snprintf(line + len, sizeof(line) - (size_t)len, ", %lld:%02lld left", (long long)left / 60, (long long)left % 60);
	begin_line(p);
	fprintf(stderr, "%.*s", columns - 1, line);
	fflush(stderr);
}

static void tty_event(struct progress *p, const struct event *event)
{
	if (event->kind == EVENT_TOOLCHAIN_LINE || event->kind == EVENT_FETCH || event->kind == EVENT_PACKAGE ||
	    event->kind == EVENT_KERNEL_START || event->kind == EVENT_KERNEL_PHASE || event->kind == EVENT_KERNEL_DONE)
		return;
	erase(p);
	plain_event(p, event);
}

static void tty_log(struct progress *p, enum log_level level, const char *line)
{
	erase(p);
	plain_log(p, level, line);
}

static void tty_tick(struct progress *p)
{
	if (p->active_count || p->done < p->todo)
		draw(p);
	else if (p->transfer[0])
		draw_transfer(p);
	else
		erase(p);
}

static void tty_summary(struct progress *p, double seconds)
{
	erase(p);
	p->active_count = 0;
	p->todo = p->done;
	plain_summary(p, seconds);
}

const struct view tty_view = {
	.event = tty_event,
	.log = tty_log,
	.tick = tty_tick,
	.summary = tty_summary,
	.end = erase,
	.tick_ms = 200,
};
