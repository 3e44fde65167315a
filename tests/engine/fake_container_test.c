/* Containers, with engines that answer oddly. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "../support/fake_engine.h"
#include "engine/container.h"

static struct engine *engine_on(const struct fake_step *steps, size_t count, struct fake_engine **ret_fake)
{
	struct engine *engine = NULL;
	struct err e = { 0 };

	*ret_fake = fake_engine_start(steps, count);
	cr_assert(engine_open(fake_engine_endpoint(*ret_fake), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	return engine;
}

Test(container_create, sends_every_hardening)
{
	static const struct fake_step step = { "POST /v1.41/containers/create?name=a%20b ",
					       FAKE_ANSWER("201 Created", "{\"Id\":\"c1\",\"Warnings\":[]}"), 0, 0 };
	static const char *const cmd[] = { "cat", NULL }, *const labels[] = { "mine=a=b", NULL };
	static const struct container_tmpfs tmpfs[] = { { "/work", "rw,exec,size=1g" } };
	static const struct container_ulimit ulimits[] = { { "nofile", 1024, 4096 } };
	const struct container_spec spec = { .image = "i",
					     .name = "a b",
					     .role = "builder",
					     .cmd = cmd,
					     .labels = labels,
					     .user = "65534:65534",
					     .no_network = true,
					     .drop_capabilities = true,
					     .no_new_privileges = true,
					     .read_only = true,
					     .init = true,
					     .open_stdin = true,
					     .pids_limit = 512,
					     .memory_bytes = 1 << 30,
					     .tmpfs = tmpfs,
					     .tmpfs_count = 1,
					     .ulimits = ulimits,
					     .ulimit_count = 1,
					     .seccomp = "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}" };
	static const struct {
		const char *key, *json;
	} host[] = {
		{ "NetworkMode", "\"none\"" },
		{ "CapDrop", "[\"ALL\"]" },
		{ "ReadonlyRootfs", "true" },
		{ "Init", "true" },
		{ "PidsLimit", "512" },
		{ "Memory", "1073741824" },
		{ "MemorySwap", "1073741824" },
		{ "Tmpfs", "{\"/work\":\"rw,exec,size=1g\"}" },
		{ "Ulimits", "[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":4096}]" },
		{ "LogConfig", "{\"Type\":\"none\",\"Config\":{}}" },
		{ "SecurityOpt", "[\"no-new-privileges\",\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ERRNO\\\"}\"]" },
		{ "AutoRemove", "false" },
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
	cleanup_free char *id = NULL;
	struct err e = { 0 };

	cr_assert(container_create(engine, &spec, &id, &e) == 0, "%s", e.message);
	cr_expect_str_eq(id, "c1");
	json_t *body = json_loads(strchr(fake_engine_requests(f), '\n') + 1, JSON_DISABLE_EOF_CHECK, NULL);
	cr_assert(body);
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++) {
		json_t *want = json_loads(host[i].json, JSON_DECODE_ANY, NULL),
		       *got = json_object_get(json_object_get(body, "HostConfig"), host[i].key);
		cleanup_free char *text = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
		cr_expect(json_equal(want, got), "%s is %s", host[i].key, text ? text : "missing");
		json_decref(want);
	}
	json_t *sent = json_object_get(body, "Labels");
	cr_expect_str_eq(json_string_value(json_object_get(sent, "mine")), "a=b");
	cr_expect_str_eq(json_string_value(json_object_get(sent, "org.orchestrate.role")), "builder");
	cr_expect_str_eq(json_string_value(json_object_get(sent, "org.orchestrate.run")), engine_run_id(engine));
	cr_expect(json_is_true(json_object_get(body, "StdinOnce")) && json_is_true(json_object_get(body, "OpenStdin")));
	json_decref(body);
	fake_engine_stop(f);
}

#define PODMAN_VERSION FAKE_OK("{\"ApiVersion\":\"1.41\",\"Components\":[{\"Name\":\"Podman Engine\",\"Version\":\"4.3.1\"}]}")

/* There the text would be taken for a path. */
Test(container_create, podman_gets_no_seccomp_text)
{
	static const struct fake_step steps[] = {
		{ "GET /version ", PODMAN_VERSION, 0, 0 },
		{ "GET /v1.41/info ", FAKE_OK("{\"SecurityOptions\":[\"name=seccomp,profile=default\"]}"), 0, 0 },
		{ "POST /v1.41/containers/create ", FAKE_ANSWER("201 Created", "{\"Id\":\"c1\"}"), 0, 0 },
	};
	const struct container_spec spec = { .image = "i", .init = true, .seccomp = "{}" };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 3, &f);
	cleanup_free char *id = NULL;
	struct err e = { 0 };

	cr_expect(engine_info(engine)->is_podman);
	cr_assert(container_create(engine, &spec, &id, &e) == 0, "%s", e.message);
	cr_expect_null(strstr(fake_engine_requests(f), "seccomp"));
	cr_expect_null(strstr(fake_engine_requests(f), "\"Init\""));
	fake_engine_stop(f);
}

Test(container, what_is_already_so_is_success)
{
	static const struct fake_step steps[] = {
		{ "POST /v1.41/containers/c/start ", "HTTP/1.1 304 Not Modified\r\n\r\n", 0, 0 },
		{ "POST /v1.41/containers/c/stop?t=3 ", "HTTP/1.1 304 Not Modified\r\n\r\n", 0, 0 },
		{ "POST /v1.41/containers/c/kill?signal=KILL ", FAKE_ANSWER("409 Conflict", "{\"message\":\"is not running\"}"), 0,
		  0 },
		{ "DELETE /v1.41/containers/c?force=1&v=1 ", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such container\"}"), 0,
		  0 },
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 4, &f);
	struct err e = { 0 };

	cr_expect_eq(container_start(engine, "c", &e), 0, "%s", e.message);
	cr_expect_eq(container_stop(engine, "c", 3, &e), 0, "%s", e.message);
	cr_expect_eq(container_kill(engine, "c", &e), 0, "%s", e.message);
	cr_expect_eq(container_remove(engine, "c", &e), 0, "%s", e.message);
	fake_engine_stop(f);
}

Test(container_remove, waits_for_a_removal_in_progress)
{
	static const struct fake_step steps[] = {
		{ "DELETE /v1.41/containers/c",
		  FAKE_ANSWER("409 Conflict", "{\"message\":\"removal of container c is already in progress\"}"), 0, 0 },
		{ "POST /v1.41/containers/c/wait?condition=removed ", FAKE_OK("{\"StatusCode\":0}"), 0, 0 },
		{ "DELETE /v1.41/containers/c", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such container\"}"), 0, 0 },
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 3, &f);
	struct err e = { 0 };

	cr_expect_eq(container_remove(engine, "c", &e), 0, "%s", e.message);
	fake_engine_stop(f);
}

Test(container_remove, gives_up_on_one_that_never_goes)
{
	static const struct fake_step steps[] = {
		{ "DELETE /v1.41/containers/c", FAKE_ANSWER("409 Conflict", "{\"message\":\"in progress\"}"), 0, FAKE_REPEAT },
		{ "POST /v1.41/containers/c/wait?condition=removed ", FAKE_OK("{\"StatusCode\":0}"), 0, FAKE_REPEAT },
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, 2, &f);
	struct err e = { 0 };

	cr_expect_eq(container_remove(engine, "c", &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT, "%s", e.message);
	fake_engine_stop(f);
}
