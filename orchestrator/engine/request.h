/* Inside this room only: one request and its answer, and how the outcome becomes an error. */
#ifndef ORCHESTRATE_ENGINE_REQUEST_H
#define ORCHESTRATE_ENGINE_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "engine/connection.h"
#include "engine/engine.h"
#include "stream/source.h"

enum {
	REQUEST_BODY_MAX = 16 << 20, /* largest answer that is kept in memory */
	REQUEST_TIMEOUT_MS = 300000, /* for answers that come at once, on a machine that is very busy */
	REQUEST_CLEANUP_MS = 120000, /* the same for calls that clean up */
	REQUEST_IDLE_S = 900,	     /* for transfers: nothing moved for so long (a load is silent while it unpacks) */
};

struct request {
	const char *method;    /* "GET", "POST", "DELETE" */
	const char *path;      /* escaped, without version; with query */
	bool clean_up;	       /* not stopped by the engine's cancel */
	json_t *body;	       /* borrowed; NULL: none */
	struct source *upload; /* borrowed; sent chunked as a tar; NULL: none */
	const char *header;    /* one more header line; NULL: none */
	/* Takes the body of a 2xx answer; NULL: it is kept in response.body. */
	int (*receive)(void *context, const void *bytes, size_t len, struct err *e);
	void *context;
	int timeout_ms; /* of the whole call; 0: REQUEST_TIMEOUT_MS; -1: none but REQUEST_IDLE_S; -2: none at all */
};

struct response {
	long status; /* 0: no answer came */
	struct buf body;
};

static inline void response_release(struct response *r)
{
	buf_release(&r->body);
}

#define cleanup_response __attribute__((cleanup(response_release)))

/* Status 2xx and 304 are success, all else -1 (with ret->status set where there was an answer). */
must_check int request_perform(struct engine *engine, const struct request *request, struct response *ret, struct err *e);
/* The same for answers that are one JSON value; new reference. ret_status may be NULL. */
must_check int request_json(struct engine *engine, const struct request *request, json_t **ret, long *ret_status, struct err *e);

/* Sets *e for a status that is no success; body is the engine's answer. Always -1. */
int request_refused(const char *method, const char *path, long status, const char *body, size_t len, struct err *e);
/* Appends text, percent-encoded for a query value, or for a path where `keep` names more bytes that stay. */
must_check int url_append(struct buf *b, const char *text, const char *keep, struct err *e);
/* Checks that text can stand in a path as an id, a name or an image reference: ERR_USAGE. */
must_check int url_check_name(const char *text, struct err *e);

/* The text at key of an object; NULL when it is not there or no text. Borrowed. */
const char *json_text(const json_t *object, const char *key);
/* For json_pack and its like that gave NULL: text from outside was not UTF-8, or memory is out. Always -1. */
int json_not_made(struct err *e);
/* A new array of the texts up to NULL; texts NULL: an empty one. NULL when out of memory (json_pack's "o" passes that on). */
json_t *json_strings(const char *const *texts);
/* json_decref that takes part in DEFINE_CLEANUP. */
static inline void json_release(json_t *j)
{
	json_decref(j);
}

DEFINE_CLEANUP(json, json_t, json_release)

#endif
