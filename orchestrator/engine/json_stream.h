/* Inside this room only: JSON objects one after the other, as loads and pulls report their progress, at any split. */
#ifndef ORCHESTRATE_ENGINE_JSON_STREAM_H
#define ORCHESTRATE_ENGINE_JSON_STREAM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { JSON_STREAM_OBJECT_MAX = 1 << 20 };

/* {0} with object and context set. */
struct json_stream {
	int (*object)(void *context, const json_t *object, struct err *e); /* object is borrowed */
	void *context;
	struct buf text; /* of the object under way */
	unsigned depth;
	bool in_string, escaped;
};

void json_stream_release(struct json_stream *s);
#define cleanup_json_stream __attribute__((cleanup(json_stream_release)))

/* What is no JSON object: ERR_PROTOCOL. An object larger than JSON_STREAM_OBJECT_MAX: ERR_LIMIT. */
must_check int json_stream_feed(struct json_stream *s, const char *bytes, size_t len, struct err *e);
/* At the end: ERR_CORRUPT inside an object. */
must_check int json_stream_finish(const struct json_stream *s, struct err *e);

#endif
