#include "engine/request.h"

#include <string.h>

#include "engine/connection.h"

/* One request under way. */
struct call {
	const struct request *request;
	struct response *response;
	CURL *easy;
	struct curl_slist *headers;
	char *body;
	struct connection connection;
	struct err inner; /* of a source, a receiver or a limit */
	char reason[CURL_ERROR_SIZE];
};

static void call_release(struct call *c)
{
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->headers);
	free(c->body);
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *context)
{
	struct call *c = context;
	size_t len = size * count;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &c->response->status);
	if (c->request->receive && c->response->status / 100 == 2)
		return c->request->receive(c->request->context, bytes, len, &c->inner) < 0 ? 0 : len;
	if (c->response->body.len + len > REQUEST_BODY_MAX) {
		err_set(&c->inner, ERR_LIMIT, "the answer is larger than %d bytes", (int)REQUEST_BODY_MAX);
		return 0;
	}
	return buf_append(&c->response->body, bytes, len, &c->inner) < 0 ? 0 : len;
}

static size_t give_upload(char *bytes, size_t size, size_t count, void *context)
{
	struct call *c = context;
	ssize_t n = source_read(c->request->upload, bytes, size * count, &c->inner);

	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

static int add_header(struct call *c, const char *line, struct err *e)
{
	struct curl_slist *longer = curl_slist_append(c->headers, line);
	if (!longer)
		return err_no_memory(e);
	c->headers = longer;
	return 0;
}

static int set_body(struct call *c, struct err *e)
{
	const struct request *q = c->request;

	if (strcmp(q->method, "POST") != 0) {
		curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, q->method);
		return 0;
	}
	curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
	if (add_header(c, "Expect:", e) < 0)
		return -1;
	if (q->upload) {
		curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, give_upload);
		curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
		curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
		if (add_header(c, "Transfer-Encoding: chunked", e) < 0)
			return -1;
		return add_header(c, "Content-Type: application/x-tar", e);
	}
	c->body = q->body ? json_dumps(q->body, JSON_COMPACT) : strdup("");
	if (!c->body)
		return err_no_memory(e);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(c->body));
	return add_header(c, q->body ? "Content-Type: application/json" : "Content-Type:", e);
}

static int call_prepare(struct engine *engine, struct call *c, struct err *e)
{
	const struct request *q = c->request;
	cleanup_free char *path = str_printf(e, "%s%s", engine->prefix, q->path);

	if (!path)
		return -1;
	c->easy = connection_handle(engine, &c->connection, path, c->reason, e);
	if (!c->easy)
		return -1;
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	if (q->timeout_ms >= 0) {
		int timeout = q->timeout_ms ? q->timeout_ms : q->clean_up ? REQUEST_CLEANUP_MS : REQUEST_TIMEOUT_MS;
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)timeout);
	} else if (q->timeout_ms == -1) {
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, (long)REQUEST_IDLE_S);
	}
	if (set_body(c, e) < 0)
		return -1;
	if (q->header && add_header(c, q->header, e) < 0)
		return -1;
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	return 0;
}

/* Runs the handle to its end, or until cancel is set: then -1. */
static int call_drive(CURLM *multi, const struct cancel *cancel, CURLcode *ret, struct err *e)
{
	struct curl_waitfd stop = { .fd = cancel_fd(cancel), .events = CURL_WAIT_POLLIN };
	int running = 1, left;

	for (;;) {
		if (cancel_check(cancel, e) < 0)
			return -1;
		CURLMcode code = curl_multi_perform(multi, &running);
		if (code == CURLM_OK && running)
			code = curl_multi_poll(multi, &stop, cancel ? 1 : 0, 60000, NULL);
		if (code != CURLM_OK)
			return err_set(e, ERR_PROTOCOL, "%s", curl_multi_strerror(code));
		if (!running)
			break;
	}
	struct CURLMsg *message = curl_multi_info_read(multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return err_set(e, ERR_PROTOCOL, "the transfer ended without a result");
	*ret = message->data.result;
	return 0;
}

/* What curl reports, as an error of ours. */
static int call_failed(const struct engine *engine, const struct call *c, CURLcode code, struct err *e)
{
	const char *reason = c->reason[0] ? c->reason : curl_easy_strerror(code);

	if (c->inner.kind != ERR_NONE) {
		if (e)
			*e = c->inner;
		return -1;
	}
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return connection_unreachable(engine, e);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(e, ERR_TIMEOUT, "the engine did not answer in time");
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return err_set(e, ERR_TEMPORARY, "the engine ended the connection midway (%s)", reason);
	case CURLE_OUT_OF_MEMORY:
		return err_no_memory(e);
	default:
		return err_set(e, ERR_PROTOCOL, "%s", reason);
	}
}

/* `engine: POST /containers/create` of a path with a query. */
static int wrap_request(const char *method, const char *path, struct err *e)
{
	return err_wrap(e, "engine: %s %.*s", method, (int)strcspn(path, "?"), path);
}

static int request_run(struct engine *engine, const struct request *q, struct response *ret, struct err *e)
{
	__attribute__((cleanup(call_release))) struct call c = { .request = q, .response = ret };
	CURLcode code = CURLE_OK;

	if (call_prepare(engine, &c, e) < 0)
		return -1;
	CURLM *multi = curl_multi_init();
	if (!multi)
		return err_no_memory(e);
	int done = -1;
	if (curl_multi_add_handle(multi, c.easy) != CURLM_OK)
		err_no_memory(e);
	else
		done = call_drive(multi, q->clean_up ? NULL : engine->cancel, &code, e);
	curl_multi_remove_handle(multi, c.easy);
	if (done == 0)
		curl_easy_getinfo(c.easy, CURLINFO_RESPONSE_CODE, &ret->status);
	if (done == 0 && code != CURLE_OK)
		done = call_failed(engine, &c, code, e);
	/* The easy handle's connection belongs to the multi, and its close callback uses `c`. */
	curl_multi_cleanup(multi);
	return done;
}

int request_perform(struct engine *engine, const struct request *q, struct response *ret, struct err *e)
{
	if (request_run(engine, q, ret, e) < 0)
		return e && (e->kind == ERR_CANCELLED || e->kind == ERR_UNREACHABLE) ? -1 : wrap_request(q->method, q->path, e);
	if (ret->status / 100 != 2 && ret->status != 304)
		return request_refused(q->method, q->path, ret->status, buf_text(&ret->body), ret->body.len, e);
	return 0;
}

int request_json(struct engine *engine, const struct request *q, json_t **ret, long *ret_status, struct err *e)
{
	cleanup_response struct response r = { 0 };
	json_error_t why;

	int done = request_perform(engine, q, &r, e);
	if (ret_status)
		*ret_status = r.status;
	if (done < 0)
		return -1;
	json_t *value = json_loadb(buf_text(&r.body), r.body.len, 0, &why);
	if (!value) {
		err_set(e, ERR_PROTOCOL, "the answer is not JSON: %s at byte %d", why.text, why.position);
		return wrap_request(q->method, q->path, e);
	}
	*ret = value;
	return 0;
}

int request_refused(const char *method, const char *path, long status, const char *body, size_t len, struct err *e)
{
	cleanup_of(json) json_t *value = json_loadb(body, len, 0, NULL);
	const char *text = value ? json_text(value, "message") : NULL;
	char line[400] = "";
	size_t n = 0;

	if (!text)
		text = value ? json_text(value, "cause") : body;
	size_t most = text == body ? len : sizeof(line);
	for (const char *p = text ? text : ""; n < most && n < sizeof(line) - 1 && *p; p++)
		line[n++] = (unsigned char)*p < ' ' ? ' ' : *p;
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	enum err_kind kind = status == 404   ? ERR_NOT_FOUND
			     : status == 409 ? ERR_CONFLICT
			     : status >= 502 ? ERR_TEMPORARY
					     : ERR_PROTOCOL;
	/* podman says 500 where dockerd says 409. */
	const char *cause = value ? json_text(value, "cause") : NULL;
	if (cause && strcmp(cause, "container state improper") == 0)
		kind = ERR_CONFLICT;
	err_set(e, kind, "%ld %s", status, n ? line : "(the engine gave no reason)");
	return wrap_request(method, path, e);
}

int url_append(struct buf *b, const char *text, const char *keep, struct err *e)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *text; text++) {
		int done = strchr(plain, *text) || strchr(keep, *text) ? buf_append(b, text, 1, e)
								       : buf_printf(b, e, "%%%02X", (unsigned char)*text);
		if (done < 0)
			return -1;
	}
	return 0;
}

int url_check_name(const char *text, struct err *e)
{
	if (!text || !*text || strstr(text, "..") || strstr(text, "//") || text[0] == '/' || text[0] == '.')
		return err_set(e, ERR_USAGE, "engine: '%s' is no name of an image or container", text ? text : "");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
			return err_set(e, ERR_USAGE, "engine: '%s' is no name of an image or container", text);
	return 0;
}

const char *json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *json_strings(const char *const *texts)
{
	json_t *array = json_array();

	for (; array && texts && *texts; texts++)
		if (json_array_append_new(array, json_string(*texts)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

int json_not_made(struct err *e)
{
	return err_set(e, ERR_USAGE, "engine: a name, command or label is not UTF-8 text, or memory is out");
}
