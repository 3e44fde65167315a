#include "engine/container.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/hijack.h"
#include "engine/request.h"
#include "engine/sweep.h"

enum {
	REMOVAL_TRIES = 5,
	REMOVAL_WAIT_MS = 30000,
};

/* "key=value" strings as an object. */
static json_t *labels_object(const struct strv *labels)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < labels->len; i++) {
		const char *text = labels->items[i], *equals = strchr(text, '=');
		size_t len = equals ? (size_t)(equals - text) : strlen(text);
		if (json_object_setn_new(object, text, len, json_string(equals ? equals + 1 : "")) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *tmpfs_object(const struct container_spec *spec)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < spec->tmpfs_count; i++)
		if (json_object_set_new(object, spec->tmpfs[i].path,
					json_string(spec->tmpfs[i].options ? spec->tmpfs[i].options : "")) < 0) {
			json_decref(object);
			return NULL;
		}
	return object;
}

static json_t *ulimits_array(const struct container_spec *spec)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < spec->ulimit_count; i++) {
		const struct container_ulimit *u = &spec->ulimits[i];
		json_t *limit =
			json_pack("{s:s, s:I, s:I}", "Name", u->name, "Soft", (json_int_t)u->soft, "Hard", (json_int_t)u->hard);
		if (json_array_append_new(array, limit) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static int append_text(json_t *array, const char *text)
{
	return json_array_append_new(array, json_string(text));
}

/* NULL with *e. */
static json_t *security_array(struct engine *engine, const struct container_spec *spec, struct err *e)
{
	cleanup_of(json) json_t *array = json_array();
	cleanup_free char *profile = NULL;

	if (!array || (spec->no_new_privileges && append_text(array, "no-new-privileges") < 0)) {
		err_no_memory(e);
		return NULL;
	}
	if (spec->seccomp && (engine->info.is_podman || !engine->info.has_seccomp)) {
		log_printf(engine->log, engine->info.is_podman ? LOG_DEBUG : LOG_WARNING,
			   "engine: our seccomp profile is left out: %s",
			   engine->info.is_podman ? "podman takes none over its API and applies its own"
						  : "the engine applies none");
	} else if (spec->seccomp) {
		profile = str_printf(e, "seccomp=%s", spec->seccomp);
		if (!profile)
			return NULL;
		if (append_text(array, profile) < 0) {
			json_not_made(e);
			return NULL;
		}
	}
	return steal_ptr(&array);
}

static int set_if(json_t *object, bool wanted, const char *key, json_t *value)
{
	if (wanted)
		return json_object_set_new(object, key, value);
	json_decref(value);
	return 0;
}

static json_t *host_config(struct engine *engine, const struct container_spec *spec, struct err *e)
{
	json_t *security = security_array(engine, spec, e);

	if (!security)
		return NULL;
	cleanup_of(json) json_t *h = json_pack("{s:o, s:{s:s, s:{}}, s:b, s:b, s:o, s:o}", "SecurityOpt", security, "LogConfig",
					       "Type", "none", "Config", "AutoRemove", 0, "ReadonlyRootfs", (int)spec->read_only,
					       "Tmpfs", tmpfs_object(spec), "Ulimits", ulimits_array(spec));
	bool init = spec->init && engine->info.has_init;
	json_int_t memory = (json_int_t)spec->memory_bytes;
	if (!h || set_if(h, spec->no_network, "NetworkMode", json_string("none")) < 0 ||
	    set_if(h, spec->drop_capabilities, "CapDrop", json_pack("[s]", "ALL")) < 0 ||
	    set_if(h, init, "Init", json_true()) < 0 ||
	    set_if(h, spec->pids_limit > 0, "PidsLimit", json_integer(spec->pids_limit)) < 0 ||
	    set_if(h, memory > 0, "Memory", json_integer(memory)) < 0 ||
	    set_if(h, memory > 0, "MemorySwap", json_integer(memory)) < 0) {
		json_not_made(e);
		return NULL;
	}
	return steal_ptr(&h);
}

static json_t *create_body(struct engine *engine, const struct container_spec *spec, struct err *e)
{
	cleanup_strv struct strv labels = { 0 };

	for (const char *const *l = spec->labels; l && *l; l++)
		if (strv_add(&labels, *l, e) < 0)
			return NULL;
	if (sweep_labels(engine, spec->role ? spec->role : "container", &labels, e) < 0)
		return NULL;
	json_t *host = host_config(engine, spec, e);
	if (!host)
		return NULL;
	json_t *body = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s*, s:s*, s:b, s:b, s:b, s:b}", "Image", spec->image, "Cmd",
				 json_strings(spec->cmd), "Entrypoint", json_strings(spec->entrypoint), "Env",
				 json_strings(spec->env), "Labels", labels_object(&labels), "HostConfig", host, "User", spec->user,
				 "WorkingDir", spec->workdir, "OpenStdin", (int)spec->open_stdin, "StdinOnce",
				 (int)spec->open_stdin, "AttachStdin", (int)spec->open_stdin, "Tty", 0);
	if (!body)
		json_not_made(e);
	return body;
}

int container_create(struct engine *engine, const struct container_spec *spec, char **ret_id, struct err *e)
{
	cleanup_buf struct buf path = { 0 };
	cleanup_of(json) json_t *body = NULL, *reply = NULL;

	if (buf_puts(&path, "/containers/create", e) < 0)
		return -1;
	if (spec->name && (buf_puts(&path, "?name=", e) < 0 || url_append(&path, spec->name, "", e) < 0))
		return -1;
	body = create_body(engine, spec, e);
	if (!body)
		return -1;
	const struct request q = { .method = "POST", .path = path.data, .body = body };
	if (request_json(engine, &q, &reply, NULL, e) < 0)
		return -1;
	size_t i;
	json_t *warning;
	json_array_foreach(json_object_get(reply, "Warnings"), i, warning)
		log_printf(engine->log, LOG_DEBUG, "engine: %s", json_string_value(warning) ? json_string_value(warning) : "");
	const char *id = json_text(reply, "Id");
	if (!id || url_check_name(id, NULL) < 0)
		return err_set(e, ERR_PROTOCOL, "engine: POST /containers/create: the answer holds no id");
	char *copy = str_dup(id, e);
	if (!copy)
		return -1;
	*ret_id = copy;
	return 0;
}

/* A request on one container, of which only the outcome counts. Returns its status, or -1. also_fine: a status that is success too.
 */
static long on_container(struct engine *engine, const char *method, const char *id, const char *what, bool clean_up, int timeout_ms,
			 long also_fine, struct err *e)
{
	cleanup_response struct response r = { 0 };
	cleanup_free char *path = NULL;

	if (url_check_name(id, e) < 0 || !(path = str_printf(e, "/containers/%s%s", id, what)))
		return -1;
	const struct request q = { .method = method, .path = path, .clean_up = clean_up, .timeout_ms = timeout_ms };
	if (request_perform(engine, &q, &r, e) < 0 && r.status != also_fine)
		return -1;
	return r.status;
}

int container_start(struct engine *engine, const char *id, struct err *e)
{
	return on_container(engine, "POST", id, "/start", false, 0, 304, e) < 0 ? -1 : 0;
}

int container_stop(struct engine *engine, const char *id, int timeout_s, struct err *e)
{
	char what[32];

	snprintf(what, sizeof(what), "/stop?t=%d", timeout_s);
	return on_container(engine, "POST", id, what, true, REQUEST_CLEANUP_MS + timeout_s * 1000, 304, e) < 0 ? -1 : 0;
}

int container_kill(struct engine *engine, const char *id, struct err *e)
{
	struct err why;

	if (on_container(engine, "POST", id, "/kill?signal=KILL", true, 0, 204, &why) >= 0 || why.kind == ERR_CONFLICT)
		return 0;
	if (e)
		*e = why;
	return -1;
}

int container_inspect(struct engine *engine, const char *id, struct container_state *ret, struct err *e)
{
	static const struct {
		const char *text;
		enum container_status status;
	} names[] = {
		{ "created", CONTAINER_CREATED }, { "configured", CONTAINER_CREATED }, { "initialized", CONTAINER_CREATED },
		{ "running", CONTAINER_RUNNING }, { "exited", CONTAINER_EXITED },      { "stopped", CONTAINER_EXITED },
		{ "dead", CONTAINER_EXITED },
	};
	cleanup_free char *path = NULL;
	cleanup_of(json) json_t *reply = NULL;

	if (url_check_name(id, e) < 0 || !(path = str_printf(e, "/containers/%s/json", id)))
		return -1;
	const struct request q = { .method = "GET", .path = path, .timeout_ms = REQUEST_CLEANUP_MS };
	if (request_json(engine, &q, &reply, NULL, e) < 0)
		return -1;
	const json_t *state = json_object_get(reply, "State");
	const char *status = json_text(state, "Status");
	if (!status)
		return err_set(e, ERR_PROTOCOL, "engine: GET %s: the answer holds no state", path);
	struct container_state found = { .exit_code = (int)json_integer_value(json_object_get(state, "ExitCode")),
					 .out_of_memory = json_is_true(json_object_get(state, "OOMKilled")),
					 .pid = (int)json_integer_value(json_object_get(state, "Pid")) };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].text, status) == 0)
			found.status = names[i].status;
	*ret = found;
	return 0;
}

static int wait_body_code(const struct buf *body, int *ret, struct err *e)
{
	cleanup_of(json) json_t *reply = json_loadb(buf_text(body), body->len, 0, NULL);
	const json_t *code = json_object_get(reply, "StatusCode");

	if (!json_is_integer(code))
		return err_set(e, ERR_PROTOCOL, "engine: POST /containers/wait: the answer holds no exit code");
	*ret = (int)json_integer_value(code);
	return 0;
}

/* timeout_ms as in struct request. */
static int wait_until(struct engine *engine, const char *id, const char *condition, bool clean_up, int timeout_ms, int *ret_code,
		      struct err *e)
{
	cleanup_response struct response r = { 0 };
	cleanup_free char *path = NULL;

	if (url_check_name(id, e) < 0 || !(path = str_printf(e, "/containers/%s/wait?condition=%s", id, condition)))
		return -1;
	const struct request q = { .method = "POST", .path = path, .clean_up = clean_up, .timeout_ms = timeout_ms };
	if (request_perform(engine, &q, &r, e) < 0)
		return -1;
	return wait_body_code(&r.body, ret_code, e);
}

int container_wait(struct engine *engine, const char *id, int64_t deadline_ms, int *ret_exit_code, struct err *e)
{
	int left = deadline_ms ? clock_poll_timeout(deadline_ms) : -2;

	return wait_until(engine, id, "not-running", false, left ? left : 1, ret_exit_code, e);
}

int container_remove(struct engine *engine, const char *id, struct err *e)
{
	struct err why;
	int code;

	for (int try = 0; try < REMOVAL_TRIES; try++) {
		if (on_container(engine, "DELETE", id, "?force=1&v=1", true, 0, 404, &why) >= 0)
			return 0;
		if (why.kind != ERR_CONFLICT)
			break;
		/* Somebody else is at it; the answer comes when the container is gone. */
		if (wait_until(engine, id, "removed", true, REMOVAL_WAIT_MS, &code, &why) < 0 && why.kind == ERR_NOT_FOUND)
			return 0;
	}
	if (e)
		*e = why;
	return -1;
}

int container_attach_lease(struct engine *engine, const char *id, int *ret_fd, struct err *e)
{
	cleanup_buf struct buf early = { 0 };
	cleanup_free char *path = NULL;

	if (url_check_name(id, e) < 0 || !(path = str_printf(e, "/containers/%s/attach?stream=1&stdin=1&stdout=1", id)))
		return -1;
	return hijack_open(engine, path, NULL, 0, NULL, ret_fd, &early, e);
}
