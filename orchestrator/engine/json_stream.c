#include "engine/json_stream.h"

#include "engine/request.h"

void json_stream_release(struct json_stream *s)
{
	buf_release(&s->text);
}

/* True when `c` closes the outermost object. */
static bool step(struct json_stream *s, char c)
{
	if (s->escaped) {
		s->escaped = false;
		return false;
	}
	if (s->in_string) {
		s->escaped = c == '\\';
		s->in_string = c != '"';
		return false;
	}
	if (c == '"')
		s->in_string = true;
	else if (c == '{' || c == '[')
		s->depth++;
	else if (c == '}' || c == ']')
		return --s->depth == 0;
	return false;
}

static int deliver(struct json_stream *s, struct err *e)
{
	json_error_t why;
	cleanup_of(json) json_t *object = json_loadb(s->text.data, s->text.len, 0, &why);

	if (!object)
		return err_set(e, ERR_PROTOCOL, "the answer is not JSON: %s", why.text);
	buf_clear(&s->text);
	return s->object(s->context, object, e);
}

int json_stream_feed(struct json_stream *s, const char *bytes, size_t len, struct err *e)
{
	size_t from = 0; /* first byte of the object under way that is not yet in s->text */

	for (size_t i = 0; i < len; i++) {
		if (!s->depth) {
			from = i;
			if (bytes[i] == ' ' || bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t')
				continue;
			if (bytes[i] != '{')
				return err_set(e, ERR_PROTOCOL, "the answer is not JSON: an object must begin where '%c' stands",
					       bytes[i] >= ' ' ? bytes[i] : '?');
		}
		if (!step(s, bytes[i]))
			continue;
		if (buf_append(&s->text, bytes + from, i + 1 - from, e) < 0 || deliver(s, e) < 0)
			return -1;
	}
	if (!s->depth)
		return 0;
	if (s->text.len + len - from > JSON_STREAM_OBJECT_MAX)
		return err_set(e, ERR_LIMIT, "a JSON object of the answer is larger than %d bytes", (int)JSON_STREAM_OBJECT_MAX);
	return buf_append(&s->text, bytes + from, len - from, e);
}

int json_stream_finish(const struct json_stream *s, struct err *e)
{
	return s->depth ? err_set(e, ERR_CORRUPT, "the answer was cut inside a JSON object") : 0;
}
