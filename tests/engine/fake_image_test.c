/* Images, with engines that fail midway. */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/fake_engine.h"
#include "engine/image.h"

static struct engine *engine_on(const struct fake_step *steps, size_t count, struct fake_engine **ret_fake)
{
	struct engine *engine = NULL;
	struct err e = { 0 };

	*ret_fake = fake_engine_start(steps, count);
	cr_assert(engine_open(fake_engine_endpoint(*ret_fake), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	return engine;
}

static const struct {
	const char *answer, *message, *names;
	unsigned flags;
	enum err_kind kind;
} loads[] = {
	{ FAKE_OK("{\"stream\":\"Loaded image: a/b:1\\n\"}\r\n{\"stream\":\"Loaded image ID: sha256:77\\n\"}\r\n"), NULL,
	  "a/b:1 sha256:77 ", 0, ERR_NONE },
	{ FAKE_OK("{\"status\":\"Loading\",\"progress\":\"[=>]\"}{\"error\":\"short\",\"errorDetail\":{\"message\":\"no space left on device\\nmore\"}}"),
	  "the engine reports: no space left on device", NULL, 0, ERR_FAILED },
	{ FAKE_OK("{\"error\":\"unexpected EOF\"}"), "unexpected EOF", NULL, 0, ERR_FAILED },
	{ FAKE_OK("{\"stream\":\"Loaded im"), "cut inside a JSON object", NULL, 0, ERR_CORRUPT },
	{ FAKE_OK("oops"), "not JSON", NULL, 0, ERR_PROTOCOL },
	{ FAKE_ANSWER("500 Internal Server Error", "{\"message\":\"disk\"}"), "500 disk", NULL, 0, ERR_PROTOCOL },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"stream\":\"x\"}", "ended the connection midway", NULL, 0,
	  ERR_TEMPORARY },
	{ NULL, "ended the connection midway", NULL, FAKE_SKIP_BODY, ERR_TEMPORARY },
};

Test(image_load, every_outcome_is_told)
{
	enum { SIZE = 4 << 20 };
	char *archive = calloc(1, SIZE);

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		const struct fake_step step = { "POST /v1.41/images/load?quiet=1 ", loads[i].answer, 0, loads[i].flags };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
		cleanup_strv struct strv names = { 0 };
		cleanup_buf struct buf joined = { 0 };
		struct err e = { 0 };
		struct source *s = source_from_memory(archive, SIZE, &e);
		cr_expect_eq(engine_image_load(engine, s, &names, &e), loads[i].names ? 0 : -1, "row %zu", i);
		cr_expect_eq(e.kind, loads[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		for (size_t n = 0; n < names.len; n++)
			cr_assert(buf_printf(&joined, &e, "%s ", names.items[n]) == 0);
		if (loads[i].names)
			cr_expect_str_eq(buf_text(&joined), loads[i].names);
		else
			cr_expect(strstr(e.message, loads[i].message) && str_starts(e.message, "engine: POST /images/load: "),
				  "row %zu: %s", i, e.message);
		source_free(s);
		fake_engine_stop(f);
	}
	free(archive);
}

static ssize_t broken_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	(void)s;
	(void)bytes;
	(void)len;
	return err_set(e, ERR_CORRUPT, "layer 3 has a wrong digest");
}

static void broken_free(struct source *s)
{
	(void)s;
}

Test(image_load, the_sources_own_error_comes_through)
{
	static const struct source_ops ops = { broken_read, broken_free };
	static const struct fake_step step = { "POST /v1.41/images/load", FAKE_OK("{}"), 0, 0 };
	struct source s = { .ops = &ops };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
	struct err e = { 0 };

	cr_expect_eq(engine_image_load(engine, &s, NULL, &e), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT);
	cr_expect_str_eq(e.message, "engine: POST /images/load: layer 3 has a wrong digest");
	fake_engine_stop(f);
}

/* An empty tar is its end marker; a header alone is cut. */
Test(image_export, an_archive_without_its_end_is_corrupt)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
	static const struct {
		size_t bytes;
		int expect;
	} rows[] = { { 1024, 0 }, { 10240, 0 }, { 1023, -1 }, { 512, -1 }, { 0, -1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char reply[sizeof(head) + 10240] = { 0 };
		memcpy(reply, head, sizeof(head));
		const struct fake_step step = { "GET /v1.41/images/repo/x:1/get ", reply, sizeof(head) - 1 + rows[i].bytes, 0 };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
		struct err e = { 0 };
		uint64_t count = 0;
		struct sink *to = sink_digest(NULL, &count, NULL, &e);
		cr_expect_eq(engine_image_export(engine, "repo/x:1", to, &e), rows[i].expect, "%zu bytes: %s", rows[i].bytes,
			     e.message);
		cr_expect_eq(e.kind, rows[i].expect ? ERR_CORRUPT : ERR_NONE, "%s", err_kind_name(e.kind));
		cr_assert(sink_finish(to, &e) == 0);
		cr_expect_eq(count, rows[i].bytes);
		sink_free(to);
		fake_engine_stop(f);
	}
}

Test(image_export, a_broken_connection_is_corrupt_too)
{
	static const struct fake_step step = { "GET /v1.41/images/x/get ",
					       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\0\0\r\n", 54, 0 };
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
	struct err e = { 0 };
	struct sink *to = sink_digest(NULL, NULL, NULL, &e);

	cr_expect_eq(engine_image_export(engine, "x", to, &e), -1);
	cr_expect_eq(e.kind, ERR_CORRUPT, "%s: %s", err_kind_name(e.kind), e.message);
	sink_free(to);
	fake_engine_stop(f);
}

Test(image, names_and_tags_are_sent_as_the_engine_wants_them)
{
	static const struct fake_step steps[] = {
		{ "POST /v1.41/images/sha256:77/tag?repo=host%3A5000%2Fa%2Fb&tag=1.0 ",
		  "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0, 0 },
		{ "POST /v1.41/images/sha256:77/tag?repo=host%3A5000%2Fa%2Fb&tag=latest ",
		  "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0, 0 },
		{ "DELETE /v1.41/images/host:5000/a/b:1.0 ", FAKE_OK("[]"), 0, 0 },
		{ "DELETE /v1.41/images/gone?force=1 ", FAKE_ANSWER("404 Not Found", "{\"message\":\"No such image\"}"), 0, 0 },
		{ "DELETE /v1.41/images/used ", FAKE_ANSWER("409 Conflict", "{\"message\":\"image is being used\"}"), 0, 0 },
		{ "POST /v1.41/images/create?fromImage=host%3A5000%2Fa&tag=latest ", FAKE_OK("{\"status\":\"Pulling\"}"), 0, 0 },
		{ "POST /v1.41/images/create?fromImage=a%40sha256%3A77 ",
		  FAKE_OK("{\"errorDetail\":{\"message\":\"manifest unknown\"}}"), 0, 0 },
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(steps, sizeof(steps) / sizeof(steps[0]), &f);
	struct err e = { 0 };

	cr_expect_eq(engine_image_tag(engine, "sha256:77", "host:5000/a/b:1.0", &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_tag(engine, "sha256:77", "host:5000/a/b", &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_remove(engine, "host:5000/a/b:1.0", false, &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_remove(engine, "gone", true, &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_remove(engine, "used", false, &e), -1);
	cr_expect_eq(e.kind, ERR_CONFLICT);
	cr_expect_eq(engine_image_pull(engine, "host:5000/a", NULL, &e), 0, "%s", e.message);
	cr_expect_eq(engine_image_pull(engine, "a@sha256:77", NULL, &e), -1);
	cr_expect(e.kind == ERR_FAILED && strstr(e.message, "manifest unknown"), "%s", e.message);
	fake_engine_stop(f);
}

Test(image_list, gives_ids_tags_and_labels)
{
	static const struct fake_step step = {
		"GET /v1.41/images/json?filters=%7B%22label%22%3A%5B%22org.x%3D1%22%5D%7D ",
		FAKE_OK("[{\"Id\":\"sha256:1\",\"RepoTags\":[\"b:2\",\"c:3\"],\"Labels\":{\"z\":\"1\",\"a\":\"2\"},\"Size\":7},{\"Id\":\"sha256:2\",\"RepoTags\":null,\"Labels\":null}]"),
		0, 0
	};
	struct fake_engine *f = NULL;
	cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
	cleanup_engine_images struct engine_images images = { 0 };
	struct err e = { 0 };

	cr_assert(engine_image_list(engine, "org.x=1", &images, &e) == 0, "%s", e.message);
	cr_assert_eq(images.len, 2);
	cr_expect_str_eq(images.items[0].id, "sha256:1");
	cr_expect_str_eq(images.items[0].tags.items[1], "c:3");
	cr_expect_str_eq(images.items[0].labels.items[0], "a=2");
	cr_expect_eq(images.items[0].size_bytes, 7);
	cr_expect_eq(images.items[1].tags.len, 0);
	fake_engine_stop(f);
}
