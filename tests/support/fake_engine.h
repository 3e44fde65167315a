/* A container engine that says what a script tells it to, right or wrong, on a Unix socket in a directory of its own. One thread;
 * each connection brings one request. GET /version and GET /info are answered well by themselves unless a step takes them. */
#ifndef TESTS_SUPPORT_FAKE_ENGINE_H
#define TESTS_SUPPORT_FAKE_ENGINE_H

#include <stddef.h>

enum {
	FAKE_REPEAT = 1,    /* the step stays: it answers every request that fits */
	FAKE_HANG = 2,	    /* after the reply the connection stays open until fake_engine_stop */
	FAKE_SKIP_BODY = 4, /* replies and closes without having read the request's body */
	FAKE_DRAIN = 8,	    /* after the reply reads on to the client's half-close, and records that, before it closes */
};

struct fake_step {
	const char *expect; /* how the request line begins: "POST /v1.41/containers/create"; NULL: any */
	const char *reply;  /* raw bytes, head and all; NULL: closes without a word */
	size_t reply_len;   /* 0: strlen(reply) */
	unsigned flags;
};

/* A whole answer whose end is the end of the connection. */
#define FAKE_ANSWER(status, body) "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
#define FAKE_OK(body)		  FAKE_ANSWER("200 OK", body)
#define FAKE_UPGRADED                                                                                                              \
	"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

struct fake_engine;

/* steps (borrowed): each request takes the first step not yet used up that fits; none: 500 "not in the script". Fails the test when
 * it can't start. */
struct fake_engine *fake_engine_start(const struct fake_step *steps, size_t count);
/* "unix:///..." */
const char *fake_engine_endpoint(const struct fake_engine *f);
/* All requests so far, but for those it answers by itself: request line, newline, body, newline. Call it after the requests are
 * answered. */
const char *fake_engine_requests(const struct fake_engine *f);
void fake_engine_stop(struct fake_engine *f);

#endif
