/* A small real HTTP/1.1 server on 127.0.0.1 that misbehaves on demand. Each request for a path takes the next step of that path's
 * script; the last step stays. Failures of the server itself abort the test program. */
#ifndef TESTS_SUPPORT_HTTP_SERVER_H
#define TESTS_SUPPORT_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct http_step {
	int status; /* 0: 200 */
	const char *body;
	size_t len;
	size_t cut_after;  /* close the connection after so many bytes of the body; 0: don't */
	bool ignore_range; /* 200 with everything, whatever was asked */
	bool wrong_range;  /* 206 with another part than asked for */
	bool reset;	   /* end with a TCP reset, not in order */
	bool no_length;	   /* no Content-Length, the end is the end of the connection */
	int drip_ms;	   /* wait so long between pieces of drip_bytes [1] */
	size_t drip_bytes;
	const char *etag;     /* with its quotes; If-Range and If-None-Match are compared with it */
	const char *location; /* "/path" on this server, or a whole URL */
	const char *headers;  /* further header lines, each with its CRLF */
};

struct http_request {
	char path[256], if_range[128], user_agent[128];
	char if_none_match[128], if_modified_since[128], authorization[256];
	long long range_start; /* -1: no Range */
};

struct http_server;

struct http_server *http_server_start(void);
/* Waits for its threads. */
void http_server_stop(struct http_server *s);
/* "http://127.0.0.1:PORT" */
const char *http_server_url(const struct http_server *s);
/* Appends a step to a path's script. body, etag, location and headers are borrowed. A path without script is 404. */
void http_server_add(struct http_server *s, const char *path, const struct http_step *step);
/* A path whose script holds for all that have none of their own. */
#define HTTP_EVERY_PATH "*"
/* Drops all scripts. */
void http_server_forget(struct http_server *s);
/* From now on what has no script gets the answer of a server on this port of 127.0.0.1, as it is. */
void http_server_pass_on(struct http_server *s, unsigned port);
/* Requests for path so far (NULL: for all). */
size_t http_server_requests(struct http_server *s, const char *path);
/* Blocks until there have been so many. */
void http_server_wait_requests(struct http_server *s, const char *path, size_t count);
/* The i-th request for path. */
struct http_request http_server_request(struct http_server *s, const char *path, size_t i);
/* Blocks until so many bytes of bodies have gone out in all. */
void http_server_wait_sent(struct http_server *s, size_t bytes);
/* Most dripping answers at one time. */
size_t http_server_most_at_once(struct http_server *s);

#endif
