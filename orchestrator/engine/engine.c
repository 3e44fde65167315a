#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/file.h"
#include "engine/request.h"

enum { API_MINOR_MIN = 41, API_MINOR_MAX = 51 };

#define DOCKER_SOCKET "/var/run/docker.sock"
#define PODMAN_SOCKET "/run/podman/podman.sock"

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	struct engine_info *i = &engine->info;
	char *owned[] = { i->endpoint, i->server_version, i->api_version, i->os, i->arch, i->storage_driver, engine->socket_path };
	for (size_t n = 0; n < ARRAY_LEN(owned); n++)
		free(owned[n]);
	free(engine);
}

const struct engine_info *engine_info(const struct engine *engine)
{
	return &engine->info;
}

const char *engine_run_id(const struct engine *engine)
{
	return engine->run_id;
}

static const char *default_endpoint(void)
{
	const char *host = getenv("DOCKER_HOST");

	if (host && *host)
		return host;
	if (access(DOCKER_SOCKET, F_OK) < 0 && access(PODMAN_SOCKET, F_OK) == 0)
		return "unix://" PODMAN_SOCKET;
	return "unix://" DOCKER_SOCKET;
}

static int set_endpoint(struct engine *engine, const char *endpoint, struct err *e)
{
	const char *path = str_starts(endpoint, "unix://") ? endpoint + strlen("unix://") : endpoint;

	if (path[0] != '/')
		return err_set(e, ERR_USAGE, "engine '%s': only a Unix socket will do, as unix:///path/to/socket", endpoint);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_set(e, ERR_USAGE, "engine '%s': the path is longer than a socket's may be (%zu bytes)", endpoint,
			       sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	engine->socket_path = str_dup(path, e);
	engine->info.endpoint = str_printf(e, "unix://%s", path);
	return engine->socket_path && engine->info.endpoint ? 0 : -1;
}

static int set_run_id(struct engine *engine, struct err *e)
{
	unsigned char bytes[(sizeof(engine->run_id) - 1) / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_system(e, errno, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(engine->run_id + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* "1.41" -> 41 */
static int parse_version(const char *text, unsigned *ret_minor, struct err *e)
{
	unsigned long long minor;

	if (!text || !str_starts(text, "1.") || str_to_u64(text + 2, 10000, &minor, NULL) < 0)
		return err_set(e, ERR_PROTOCOL, "engine: GET /version: '%s' is no API version that is known here",
			       text ? text : "");
	*ret_minor = (unsigned)minor;
	return 0;
}

static int keep_text(char **to, const char *text, struct err *e)
{
	*to = str_dup(text ? text : "", e);
	return *to ? 0 : -1;
}

static int agree_on_version(struct engine *engine, struct err *e)
{
	cleanup_of(json) json_t *v = NULL;
	const struct request q = { .method = "GET", .path = "/version", .timeout_ms = 30000 };
	unsigned most = 0, least = 0;
	size_t i;
	json_t *part;

	if (request_json(engine, &q, &v, NULL, e) < 0)
		return -1;
	if (parse_version(json_text(v, "ApiVersion"), &most, e) < 0)
		return -1;
	const char *minimum = json_text(v, "MinAPIVersion");
	if (minimum && *minimum && parse_version(minimum, &least, e) < 0)
		return -1;
	if (most < API_MINOR_MIN || least > API_MINOR_MAX)
		return err_set(e, ERR_PROTOCOL, "engine: it speaks API 1.%u to 1.%u, 1.%d to 1.%d is needed (its version: %s)",
			       least, most, API_MINOR_MIN, API_MINOR_MAX,
			       json_text(v, "Version") ? json_text(v, "Version") : "not said");
	unsigned minor = most < API_MINOR_MAX ? most : API_MINOR_MAX;
	snprintf(engine->prefix, sizeof(engine->prefix), "/v1.%u", minor);
	json_array_foreach(json_object_get(v, "Components"), i, part)
	{
		const char *name = json_text(part, "Name");
		engine->info.is_podman |= name && str_starts(name, "Podman");
	}
	if (keep_text(&engine->info.api_version, engine->prefix + 2, e) < 0 ||
	    keep_text(&engine->info.server_version, json_text(v, "Version"), e) < 0)
		return -1;
	return keep_text(&engine->info.os, json_text(v, "Os"), e) < 0 || keep_text(&engine->info.arch, json_text(v, "Arch"), e) < 0
		       ? -1
		       : 0;
}

static int ask_info(struct engine *engine, struct err *e)
{
	cleanup_of(json) json_t *v = NULL;
	const struct request q = { .method = "GET", .path = "/info", .timeout_ms = 60000 };
	size_t i;
	json_t *option;

	if (request_json(engine, &q, &v, NULL, e) < 0)
		return -1;
	engine->info.cpus = (int)json_integer_value(json_object_get(v, "NCPU"));
	json_array_foreach(json_object_get(v, "SecurityOptions"), i, option)
	{
		const char *text = json_string_value(option);
		engine->info.has_seccomp |= text && str_starts(text, "name=seccomp");
	}
	const char *init = json_text(v, "InitBinary");
	engine->info.has_init = init && *init;
	return keep_text(&engine->info.storage_driver, json_text(v, "Driver"), e);
}

int engine_open(const char *endpoint, const struct cancel *cancel, struct log *log, struct engine **ret, struct err *e)
{
	cleanup_of(engine) struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return err_no_memory(e);
	engine->cancel = cancel;
	engine->log = log;
	if (set_endpoint(engine, endpoint && *endpoint ? endpoint : default_endpoint(), e) < 0 || set_run_id(engine, e) < 0)
		return -1;
	if (agree_on_version(engine, e) < 0 || ask_info(engine, e) < 0)
		return -1;
	*ret = steal_ptr(&engine);
	return 0;
}
