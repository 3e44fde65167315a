/* Engines that answer wrongly, half or not at all. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fake_engine.h"
#include "../support/temp_dir.h"
#include "base/clock.h"
#include "engine/container.h"
#include "engine/exec.h"
#include "engine/image.h"

#define VERSION(most, least) FAKE_OK("{\"ApiVersion\":\"" most "\",\"MinAPIVersion\":\"" least "\",\"Version\":\"9.9\"}")

/* An engine on top of a script; ends with the test's process. */
static struct engine *engine_on(const struct fake_step *steps, size_t count, const struct cancel *cancel,
				struct fake_engine **ret_fake)
{
	struct engine *engine = NULL;
	struct err e = { 0 };

	alarm(60);
	*ret_fake = fake_engine_start(steps, count);
	cr_assert(engine_open(fake_engine_endpoint(*ret_fake), cancel, NULL, &engine, &e) == 0, "%s", e.message);
	return engine;
}

Test(engine_open, agrees_on_the_highest_common_version)
{
	static const struct {
		const char *version, *info, *agreed;
	} rows[] = {
		{ VERSION("1.41", "1.12"), "GET /v1.41/info ", "1.41" }, { VERSION("1.44", "1.24"), "GET /v1.44/info ", "1.44" },
		{ VERSION("1.60", "1.44"), "GET /v1.51/info ", "1.51" }, { VERSION("1.51", "1.51"), "GET /v1.51/info ", "1.51" },
		{ VERSION("1.41", ""), "GET /v1.41/info ", "1.41" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_step steps[] = { { "GET /version ", rows[i].version, 0, 0 },
						   { rows[i].info, FAKE_OK("{}"), 0, 0 } };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(steps, 2, NULL, &f);
		cr_expect_str_eq(engine_info(engine)->api_version, rows[i].agreed);
		cr_expect_eq(engine_info(engine)->is_podman, false);
		fake_engine_stop(f);
	}
}

Test(engine_open, refuses_what_it_can_not_talk_to)
{
	static const struct {
		const char *version, *message;
		enum err_kind kind;
	} rows[] = {
		{ VERSION("1.38", "1.12"), "speaks API 1.12 to 1.38, 1.41 to 1.51 is needed", ERR_PROTOCOL },
		{ VERSION("1.70", "1.60"), "speaks API 1.60 to 1.70", ERR_PROTOCOL },
		{ VERSION("2.0", "2.0"), "'2.0' is no API version", ERR_PROTOCOL },
		{ FAKE_OK("{}"), "'' is no API version", ERR_PROTOCOL },
		{ FAKE_OK("{\"ApiVersion\":\"1."), "not JSON", ERR_PROTOCOL },
		{ FAKE_OK(""), "not JSON", ERR_PROTOCOL },
		{ FAKE_OK("<html>hello</html>"), "not JSON", ERR_PROTOCOL },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "engine: GET /version", ERR_PROTOCOL },
		{ NULL, "ended the connection", ERR_TEMPORARY },
		{ "HTTP/1.1 200 OK\r\nContent-Le", "engine: GET /version", ERR_PROTOCOL },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ApiVersion\":", "ended the connection midway", ERR_TEMPORARY },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"Api\r\n", "ended the connection midway",
		  ERR_TEMPORARY },
		{ FAKE_ANSWER("503 Service Unavailable", "starting"), "engine: GET /version: 503 starting", ERR_TEMPORARY },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_step step = { "GET /version ", rows[i].version, 0, FAKE_REPEAT };
		struct fake_engine *f = fake_engine_start(&step, 1);
		cleanup_of(engine) struct engine *engine = NULL;
		struct err e = { 0 };
		cr_expect_eq(engine_open(fake_engine_endpoint(f), NULL, NULL, &engine, &e), -1, "row %zu", i);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
		fake_engine_stop(f);
	}
}

/* As another user than root where the socket's mode shall count. */
static void try_endpoint(const char *endpoint, enum err_kind kind, const char *message, bool as_nobody)
{
	pid_t child = fork();
	if (child == 0) {
		struct engine *engine = NULL;
		struct err e = { 0 };
		if (as_nobody && getuid() == 0 && setuid(65534) < 0)
			_exit(9);
		int done = engine_open(endpoint, NULL, NULL, &engine, &e);
		if (done == 0 || e.kind != kind || !strstr(e.message, message)) {
			fprintf(stderr, "%s gave: %s: %s\n", endpoint, err_kind_name(e.kind), e.message);
			_exit(1);
		}
		_exit(0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	cr_expect_eq(status, 0, "%s", endpoint);
}

Test(engine_open, says_why_nobody_answers)
{
	cleanup_temp_dir struct temp_dir d = { "" };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char endpoint[160], longer[400];

	temp_dir_make(&d);
	chmod(d.path, 0755);
	snprintf(endpoint, sizeof(endpoint), "unix://%s/none.sock", d.path);
	try_endpoint(endpoint, ERR_UNREACHABLE, "no socket at '", false);
	try_endpoint(endpoint + 7, ERR_UNREACHABLE, "start the engine, or name another with --engine", false);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dead.sock", d.path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	snprintf(endpoint, sizeof(endpoint), "unix://%s", address.sun_path);
	chmod(address.sun_path, 0777);
	try_endpoint(endpoint, ERR_UNREACHABLE, "nobody listens on '", false);
	cr_assert(listen(fd, 1) == 0);
	chmod(address.sun_path, 0700);
	try_endpoint(endpoint, ERR_UNREACHABLE, "permission denied: run as", true);
	close(fd);

	try_endpoint("tcp://127.0.0.1:2375", ERR_USAGE, "'tcp://127.0.0.1:2375': only a Unix socket", false);
	try_endpoint("ssh://host", ERR_USAGE, "only a Unix socket", false);
	try_endpoint("docker.sock", ERR_USAGE, "only a Unix socket", false);
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	try_endpoint(longer, ERR_USAGE, "longer than a socket's may be", false);
}

Test(request, statuses_become_kinds)
{
	static const struct {
		const char *answer, *message;
		enum err_kind kind;
	} rows[] = {
		{ FAKE_ANSWER("404 Not Found", "{\"message\":\"No such image: x\\n\"}"),
		  "engine: GET /images/x/json: 404 No such image: x", ERR_NOT_FOUND },
		{ FAKE_ANSWER("409 Conflict", "{\"message\":\"name in use\"}"), "engine: GET /images/x/json: 409 name in use",
		  ERR_CONFLICT },
		{ FAKE_ANSWER("500 Internal Server Error", "{\"message\":\"oh\"}"), "engine: GET /images/x/json: 500 oh",
		  ERR_PROTOCOL },
		{ FAKE_ANSWER("500 Internal Server Error", ""), "engine: GET /images/x/json: 500 (the engine gave no reason)",
		  ERR_PROTOCOL },
		{ FAKE_ANSWER("502 Bad Gateway", "<h1>\tbad</h1>"), "engine: GET /images/x/json: 502 <h1> bad</h1>",
		  ERR_TEMPORARY },
		{ FAKE_ANSWER("400 Bad Request", "{\"cause\":\"why\"}"), "engine: GET /images/x/json: 400 why", ERR_PROTOCOL },
		{ FAKE_ANSWER("500 Internal Server Error", "{\"cause\":\"container state improper\",\"message\":\"it sleeps\"}"),
		  "engine: GET /images/x/json: 500 it sleeps", ERR_CONFLICT },
		{ FAKE_ANSWER("302 Found", ""), "engine: GET /images/x/json: 302 (the engine gave no reason)", ERR_PROTOCOL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct fake_step step = { "GET /v1.41/images/x/json ", rows[i].answer, 0, 0 };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(&step, 1, NULL, &f);
		cleanup_engine_image struct engine_image image = { 0 };
		struct err e = { 0 };
		cr_expect_eq(engine_image_inspect(engine, "x", &image, &e), -1);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s", i, err_kind_name(e.kind));
		cr_expect_str_eq(e.message, rows[i].message);
		fake_engine_stop(f);
	}
}

Test(request, an_endless_answer_does_not_fill_memory)
{
	enum { SIZE = 40 << 20 };
	static const char head[] = FAKE_OK("[\"");
	char *reply = malloc(SIZE);

	memset(reply, 'x', SIZE);
	memcpy(reply, head, sizeof(head) - 1);
	const struct fake_step step = { "GET /v1.41/images/x/json ", reply, SIZE, 0 };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(&step, 1, NULL, &f);
	cleanup_engine_image struct engine_image image = { 0 };
	struct err e = { 0 };
	cr_expect_eq(engine_image_inspect(engine, "x", &image, &e), -1);
	cr_expect_eq(e.kind, ERR_LIMIT, "%s", e.message);
	fake_engine_stop(f);
	free(reply);
}

static void *cancel_soon(void *context)
{
	struct timespec t = { .tv_nsec = 50000000 };

	nanosleep(&t, NULL);
	cancel_set(context);
	return NULL;
}

Test(request, cancel_ends_a_call_that_hangs)
{
	static const struct fake_step step = { "GET /v1.41/images/x/json ", "HTTP/1.1 200 OK\r\n", 0, FAKE_HANG };
	struct cancel cancel;
	struct fake_engine *f = NULL;
	cleanup_engine_image struct engine_image image = { 0 };
	struct err e = { 0 };
	pthread_t thread;

	cr_assert(cancel_init(&cancel, &e) == 0);
	struct engine *engine = engine_on(&step, 1, &cancel, &f);
	cr_assert(pthread_create(&thread, NULL, cancel_soon, &cancel) == 0);
	int64_t began = clock_now_ms();
	cr_expect_eq(engine_image_inspect(engine, "x", &image, &e), -1);
	cr_expect_eq(e.kind, ERR_CANCELLED, "%s", e.message);
	cr_expect_lt(clock_now_ms() - began, 5000);
	pthread_join(thread, NULL);
	engine_close(engine);
	fake_engine_stop(f);
	cancel_release(&cancel);
}

Test(request, names_that_would_leave_their_place_are_refused)
{
	static const char *const names[] = { "", "../json", "a/../b", "/a", "a b", "a\nb", ".", "a//b" };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(NULL, 0, NULL, &f);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cleanup_engine_image struct engine_image image = { 0 };
		struct err e = { 0 };
		cr_expect_eq(engine_image_inspect(engine, names[i], &image, &e), -1);
		cr_expect_eq(e.kind, ERR_USAGE, "'%s': %s", names[i], e.message);
		cr_expect_eq(container_remove(engine, names[i], &e), -1);
		cr_expect_eq(e.kind, ERR_USAGE, "'%s': %s", names[i], e.message);
	}
	cr_expect_str_eq(fake_engine_requests(f), "");
	fake_engine_stop(f);
}
