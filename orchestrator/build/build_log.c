#include "build/build_log.h"

#include <string.h>

static const char marker[] = "== orchestrate: ";

void build_log_release(struct build_log *log)
{
	for (int i = 0; i < 1 + KIND_COUNT; i++) {
		buf_release(&log->parts[i].head);
		buf_release(&log->parts[i].tail);
	}
	buf_release(&log->line);
}

void build_log_clear(struct build_log *log)
{
	build_log_release(log);
	*log = (struct build_log){ 0 };
}

static int part_append(struct log_part *part, const char *bytes, size_t len, struct err *e)
{
	if (part->head.len < BUILD_LOG_PART_MAX)
		return buf_append(&part->head, bytes, len, e);
	if (buf_append(&part->tail, bytes, len, e) < 0)
		return -1;
	/* Twice the size before it is cut, so that not every line moves the whole. */
	if (part->tail.len > 2 * BUILD_LOG_PART_MAX) {
		size_t extra = part->tail.len - BUILD_LOG_PART_MAX;
		part->dropped += extra;
		buf_consume(&part->tail, extra);
	}
	return 0;
}

static int end_line(struct build_log *log, struct err *e)
{
	const char *line = buf_text(&log->line);

	if (str_starts(line, marker)) {
		const char *name = line + strlen(marker);
		for (int kind = 0; kind < KIND_COUNT; kind++)
			if (strcmp(name, kind_name((enum probe_kind_id)kind)) == 0)
				log->current = 1 + (unsigned)kind;
		buf_clear(&log->line);
		return 0;
	}
	if (buf_append(&log->line, "\n", 1, e) < 0 || part_append(&log->parts[log->current], log->line.data, log->line.len, e) < 0)
		return -1;
	buf_clear(&log->line);
	return 0;
}

/* C0, DEL, and the second byte of a C1 control in UTF-8 (U+0080 to U+009F is C2 80 to C2 9F): some terminals act on those too. */
static bool is_control(const struct buf *line, unsigned char c)
{
	if (c < 0x20)
		return c != '\t';
	return c == 0x7f || (c >= 0x80 && c <= 0x9f && line->len && (unsigned char)line->data[line->len - 1] == 0xc2);
}

int build_log_feed(struct build_log *log, const void *bytes, size_t len, struct err *e)
{
	const char *p = bytes;

	for (size_t i = 0; i < len; i++) {
		/* The builder is not trusted: nothing that moves a terminal's cursor gets into a log. */
		char c = p[i];
		if (c == '\n' || log->line.len >= BUILD_LOG_LINE_MAX) {
			if (end_line(log, e) < 0)
				return -1;
			if (c == '\n')
				continue;
		}
		if (c == '\r')
			continue;
		if (is_control(&log->line, (unsigned char)c))
			c = '?';
		if (buf_append(&log->line, &c, 1, e) < 0)
			return -1;
	}
	return 0;
}

static int part_text(const struct log_part *part, struct buf *ret, struct err *e)
{
	if (buf_append(ret, buf_text(&part->head), part->head.len, e) < 0)
		return -1;
	if (part->dropped && buf_printf(ret, e, "... %llu bytes left out ...\n", part->dropped) < 0)
		return -1;
	return buf_append(ret, buf_text(&part->tail), part->tail.len, e);
}

int build_log_text(const struct build_log *log, enum probe_kind_id kind, struct buf *ret, struct err *e)
{
	if (part_text(&log->parts[0], ret, e) < 0 || part_text(&log->parts[1 + kind], ret, e) < 0)
		return -1;
	if (log->line.len && (log->current == 0 || log->current == 1 + (unsigned)kind))
		return buf_printf(ret, e, "%s\n", log->line.data);
	return 0;
}

const char *text_tail(const char *text, unsigned lines)
{
	size_t at = strlen(text);

	if (at && text[at - 1] == '\n')
		at--;
	while (at) {
		if (text[at - 1] == '\n' && --lines == 0)
			break;
		at--;
	}
	return text + at;
}
