#include "cmd/progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/progress_view.h"

static const char *const mode_names[] = {
	[PROGRESS_AUTO] = "auto", [PROGRESS_TTY] = "tty",     [PROGRESS_PLAIN] = "plain",
	[PROGRESS_JSON] = "json", [PROGRESS_QUIET] = "quiet",
};

static const struct view *const views[] = {
	[PROGRESS_TTY] = &tty_view,
	[PROGRESS_PLAIN] = &plain_view,
	[PROGRESS_JSON] = &json_view,
	[PROGRESS_QUIET] = &quiet_view,
};

int progress_mode_parse(const char *name, enum progress_mode *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++)
		if (strcmp(name, mode_names[i]) == 0) {
			*ret = (enum progress_mode)i;
			return 0;
		}
	return err_set(e, ERR_USAGE, "expected auto, tty, plain, json or quiet, found '%s'", name);
}

static bool is_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* Redraws the live view, and gives the plain one its heartbeat. */
static void *tick(void *context)
{
	struct progress *p = context;
	struct timespec until;

	pthread_mutex_lock(&p->lock);
	while (!p->ending) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += (long)(p->view->tick_ms % 1000) * 1000000;
		until.tv_sec += p->view->tick_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
		if (!p->ending)
			p->view->tick(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

int progress_new(enum progress_mode mode, struct progress **ret, struct err *e)
{
	struct progress *p = calloc(1, sizeof(*p));
	const char *no_colour = getenv("NO_COLOR");

	if (!p)
		return err_no_memory(e);
	if (mode == PROGRESS_AUTO)
		mode = is_terminal() ? PROGRESS_TTY : PROGRESS_PLAIN;
	p->view = views[mode];
	p->colour = is_terminal() && !(no_colour && *no_colour);
	p->started_ms = p->last_output_ms = clock_now_ms();
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	if (p->view->tick)
		p->ticking = pthread_create(&p->ticker, NULL, tick, p) == 0;
	*ret = p;
	return 0;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	if (p->view->end)
		p->view->end(p);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	if (p->ticking)
		pthread_join(p->ticker, NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	strv_release(&p->failures);
	free(p);
}

/* --- what all modes keep count of --- */

static struct active *find_active(struct progress *p, const char *name)
{
	for (unsigned i = 0; i < p->active_count; i++)
		if (strcmp(p->active[i].name, name) == 0)
			return &p->active[i];
	return NULL;
}

static void set_active(struct progress *p, const char *name, const char *phase)
{
	struct active *a = find_active(p, name);

	if (!a && p->active_count < ACTIVE_MAX) {
		a = &p->active[p->active_count++];
		snprintf(a->name, sizeof(a->name), "%s", name);
		a->since_ms = clock_now_ms();
	}
	if (a)
		snprintf(a->phase, sizeof(a->phase), "%s", phase ? phase : "");
}

static void end_active(struct progress *p, const char *name)
{
	struct active *a = find_active(p, name);

	if (!a)
		return;
	memmove(a, a + 1, (size_t)(p->active + p->active_count - a - 1) * sizeof(*a));
	p->active_count--;
}

static void keep_failure(struct progress *p, const struct event *event)
{
	struct err ignored;
	cleanup_buf struct buf text = { 0 };

	if (buf_printf(&text, &ignored, "%s %s: %s\n", event->kernel, kind_name(event->object), event->text ? event->text : "") < 0)
		return;
	for (const char *line = event->tail; line && *line;) {
		const char *newline = strchr(line, '\n');
		size_t len = newline ? (size_t)(newline - line) : strlen(line);
		if (buf_printf(&text, &ignored, "    %.*s\n", (int)len, line) < 0)
			return;
		line = newline ? newline + 1 : NULL;
	}
	if (event->path && buf_printf(&text, &ignored, "    log: %s\n", event->path) < 0)
		return;
	/* Without memory the failure is still counted, and its log is on disk. */
	if (strv_add(&p->failures, text.data, &ignored) < 0)
		return;
}

static void note(struct progress *p, const struct event *event)
{
	switch (event->kind) {
	case EVENT_PLANNED:
		p->total = event->total;
		p->todo = event->todo;
		break;
	case EVENT_TOOLCHAIN_START:
		set_active(p, event->name, "toolchain");
		break;
	case EVENT_TOOLCHAIN_LINE:
		set_active(p, event->name, event->text);
		break;
	case EVENT_TOOLCHAIN_DONE:
		end_active(p, event->name);
		break;
	case EVENT_FETCH:
		p->bytes_done = event->bytes_done;
		p->bytes_total = event->bytes_total;
		p->packages_total = event->total;
		p->packages_todo = event->todo;
		snprintf(p->transfer, sizeof(p->transfer), "%s", event->name ? event->name : "");
		rate_note(&p->rate, clock_now_ms(), event->bytes_done);
		break;
	case EVENT_KERNEL_START:
		set_active(p, event->kernel, "");
		break;
	case EVENT_KERNEL_PHASE:
		set_active(p, event->kernel, event->text);
		break;
	case EVENT_TASK_DONE:
		p->verdicts[event->verdict]++;
		if (event->failed)
			keep_failure(p, event);
		break;
	case EVENT_KERNEL_DONE:
		end_active(p, event->kernel);
		p->done++;
		break;
	default:
		break;
	}
}

void progress_event(struct progress *p, const struct event *event)
{
	pthread_mutex_lock(&p->lock);
	note(p, event);
	if (p->view->event)
		p->view->event(p, event);
	pthread_mutex_unlock(&p->lock);
}

void progress_log(struct progress *p, enum log_level level, const char *line)
{
	pthread_mutex_lock(&p->lock);
	if (p->view->log)
		p->view->log(p, level, line);
	pthread_mutex_unlock(&p->lock);
}

void progress_summary(struct progress *p, double seconds)
{
	pthread_mutex_lock(&p->lock);
	if (p->view->summary)
		p->view->summary(p, seconds);
	pthread_mutex_unlock(&p->lock);
}

const char *verdict_counts(const struct progress *p, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (int v = VERDICT_BUILT; v < VERDICT_COUNT; v++) {
		if (!p->verdicts[v])
			continue;
		int n = snprintf(text + len, size - len, "%s%u %s", len ? ", " : "", p->verdicts[v], verdict_name((enum verdict)v));
		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	return text[0] ? text : "nothing";
}

const char *colour(const struct progress *p, const char *sequence)
{
	return p->colour ? sequence : "";
}

const char *size_text(uint64_t bytes, char *text, size_t size)
{
	snprintf(text, size, "%.1f MB", (double)bytes / 1e6);
	return text;
}

const char *transfer_text(const struct progress *p, char *text, size_t size)
{
	char done[32], total[32], rate[32];
	uint64_t speed = rate_now(&p->rate, clock_now_ms());
	int64_t left = rate_seconds_left(&p->rate, clock_now_ms(), p->bytes_done, p->bytes_total);

	int n = snprintf(text, size, "%s of %s", size_text(p->bytes_done, done, sizeof(done)),
			 size_text(p->bytes_total, total, sizeof(total)));
	if (speed && n > 0 && (size_t)n < size)
		n += snprintf(text + n, size - (size_t)n, ", %s/s", size_text(speed, rate, sizeof(rate)));
	if (left >= 0 && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, ", %lld:%02lld left", (long long)left / 60, (long long)left % 60);
	return text;
}

const char *transfer_line(const struct progress *p, char *text, size_t size)
{
	char count[48] = "", bytes[128];

	if (p->packages_total)
		snprintf(count, sizeof(count), "[%u/%u] ", p->packages_total - p->packages_todo, p->packages_total);
	snprintf(text, size, "%s %s%s", p->transfer, count, transfer_text(p, bytes, sizeof(bytes)));
	return text;
}
