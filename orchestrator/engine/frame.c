#include "engine/frame.h"

#include <string.h>

enum { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_SYSTEM };

static int head_check(struct frame_reader *r, struct err *e)
{
	const unsigned char *h = r->head;

	if (h[0] > STREAM_SYSTEM || h[1] || h[2] || h[3])
		return err_set(e, ERR_PROTOCOL,
			       "engine: the output stream holds no frame where one must begin (%02x %02x %02x %02x)", h[0], h[1],
			       h[2], h[3]);
	r->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	if (r->left > FRAME_MAX)
		return err_set(e, ERR_PROTOCOL, "engine: a frame of %u bytes in the output stream", r->left);
	return 0;
}

static int system_report(struct frame_reader *r, struct err *e)
{
	size_t len = r->system_len;

	while (len && (unsigned char)r->system_text[len - 1] <= ' ')
		len--;
	return err_set(e, ERR_FAILED, "engine: %.*s", (int)len, r->system_text);
}

static int payload(struct frame_reader *r, const char *bytes, size_t len, const struct frame_sinks *sinks, struct err *e)
{
	r->left -= (uint32_t)len;
	if (r->head[0] == STREAM_SYSTEM) {
		size_t room = sizeof(r->system_text) - r->system_len, n = len < room ? len : room;
		memcpy(r->system_text + r->system_len, bytes, n);
		r->system_len += n;
		return 0;
	}
	int (*to)(void *, const void *, size_t, struct err *) = r->head[0] == STREAM_STDERR ? sinks->err : sinks->out;
	return to ? to(sinks->context, bytes, len, e) : 0;
}

int frame_feed(struct frame_reader *r, const void *bytes, size_t len, const struct frame_sinks *sinks, struct err *e)
{
	const char *p = bytes;

	while (len) {
		size_t n;
		if (r->head_len < FRAME_HEAD) {
			n = FRAME_HEAD - r->head_len < len ? FRAME_HEAD - r->head_len : len;
			memcpy(r->head + r->head_len, p, n);
			r->head_len += n;
			if (r->head_len == FRAME_HEAD && head_check(r, e) < 0)
				return -1;
		} else {
			n = r->left < len ? r->left : len;
			if (payload(r, p, n, sinks, e) < 0)
				return -1;
		}
		p += n;
		len -= n;
		if (r->head_len == FRAME_HEAD && !r->left) {
			r->head_len = 0;
			if (r->head[0] == STREAM_SYSTEM)
				return system_report(r, e);
		}
	}
	return 0;
}

int frame_finish(const struct frame_reader *r, struct err *e)
{
	if (!r->head_len)
		return 0;
	if (r->head_len < FRAME_HEAD)
		return err_set(e, ERR_CORRUPT, "engine: the output stream was cut inside a frame's head");
	return err_set(e, ERR_CORRUPT, "engine: the output stream was cut %u bytes before the end of a frame", r->left);
}
