/* Images built from Dockerfiles, by engines that do well, that report failure, and that fail. */
#include <criterion/criterion.h>
#include <string.h>

#include "../support/fake_engine.h"
#include "base/buf.h"
#include "engine/image_build.h"

static struct engine *engine_on(const struct fake_step *steps, size_t count, struct fake_engine **ret_fake)
{
	struct engine *engine = NULL;
	struct err e = { 0 };

	*ret_fake = fake_engine_start(steps, count);
	cr_assert(engine_open(fake_engine_endpoint(*ret_fake), NULL, NULL, &engine, &e) == 0, "%s", e.message);
	return engine;
}

static void hear(void *context, const char *line)
{
	struct err e;

	cr_assert_eq(strv_add(context, line, &e), 0);
}

static const struct {
	const char *answer, *message; /* message NULL: an image is made */
	enum err_kind kind;
	size_t lines; /* that are heard */
} rows[] = {
	{ FAKE_OK("{\"stream\":\"Step 1/2 : FROM a\\n\"}\r\n{\"stream\":\"one, \"}{\"stream\":\"two\\nthree\\r\\n\"}"
		  "{\"aux\":{\"ID\":\"sha256:77\"}}{\"stream\":\"Successfully built 77\\n\"}"),
	  NULL, ERR_NONE, 4 },
	{ FAKE_OK("{\"stream\":\"Successfully built 77\\n\"}"), NULL, ERR_NONE, 1 },
	/* What a step printed stands behind the engine's words, without the builder's own, and the last of it without its end. */
	{ FAKE_OK("{\"stream\":\"Step 2/2 : RUN false\\n\"}{\"stream\":\" ---\\u003e Running in 12\\n\"}{\"stream\":\"\\u001b[91malmost\\n\\u001b[0m\\u001b[1;91mno such\\tpackage\"}"
		  "{\"errorDetail\":{\"code\":7,\"message\":\"The command returned a non-zero code: 7\"},\"error\":\"short\"}"),
	  "The command returned a non-zero code: 7: its last lines: almost | no such package", ERR_FAILED, 4 },
	{ FAKE_OK("{\"error\":\"manifest for a@sha256:00 not found\"}"), "manifest for a@sha256:00 not found", ERR_FAILED, 0 },
	{ FAKE_OK("{\"stream\":\"Step 1/2 : FROM a\\n\"}"), "ended before the image was made", ERR_CORRUPT, 1 },
	{ FAKE_OK("{\"stream\":\"Step 1"), "cut inside a JSON object", ERR_CORRUPT, 0 },
	{ FAKE_ANSWER("400 Bad Request", "{\"message\":\"dockerfile parse error\"}"), "400 dockerfile parse error", ERR_PROTOCOL,
	  0 },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n16\r\n{\"stream\":\"Step 1\\n\"}", "ended the connection midway",
	  ERR_TEMPORARY, 1 },
	{ NULL, "ended the connection midway", ERR_TEMPORARY, 0 },
};

Test(image_build, every_outcome_is_told)
{
	static const char *const args[] = { "BASE=a/b:1@sha256:00", NULL }, *const labels[] = { "x.y=1", "z", NULL };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_step step = { "POST /v1.41/build?", rows[i].answer, 0, 0 };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
		cleanup_strv struct strv heard = { 0 };
		struct err e = { 0 };
		struct source *context = source_from_memory("tar", 3, &e);
		const struct image_build_spec spec = { .context = context,
						       .dockerfile = "Docker file",
						       .tag = "n:t",
						       .args = args,
						       .labels = labels,
						       .again = i == 0,
						       .line = hear,
						       .line_context = &heard };
		cr_expect_eq(engine_image_build(engine, &spec, &e), rows[i].message ? -1 : 0, "row %zu: %s", i, e.message);
		cr_expect_eq(e.kind, rows[i].kind, "row %zu: %s: %s", i, err_kind_name(e.kind), e.message);
		cr_expect_eq(heard.len, rows[i].lines, "row %zu: %zu lines", i, heard.len);
		if (rows[i].message)
			cr_expect(strstr(e.message, rows[i].message), "row %zu: %s", i, e.message);
		if (i == 0) {
			const char *asked = fake_engine_requests(f);
			cr_expect(strstr(asked, "nocache=1") && strstr(asked, "dockerfile=Docker%20file&t=n%3At") &&
					  strstr(asked, "&buildargs=%7B%22BASE%22%3A%22a%2Fb%3A1%40sha256%3A00%22%7D") &&
					  strstr(asked, "&labels=%7B%22x.y%22%3A%221%22%2C%22z%22%3A%22%22%7D "),
				  "%s", asked);
			cr_expect_str_eq(heard.items[1], "one, two");
			cr_expect_str_eq(heard.items[2], "three");
		}
		source_free(context);
		fake_engine_stop(f);
	}
}

Test(image_build, a_registry_is_asked_for_a_digest)
{
	static const struct {
		const char *answer, *digest, *message;
		enum err_kind kind;
	} answers[] = {
		{ FAKE_OK("{\"Descriptor\":{\"mediaType\":\"x\",\"digest\":\"sha256:0123\"},\"Platforms\":[]}"), "sha256:0123",
		  NULL, ERR_NONE },
		{ FAKE_OK("{\"Descriptor\":{}}"), NULL, "holds no digest", ERR_PROTOCOL },
		{ FAKE_ANSWER("404 Not Found", "{\"message\":\"manifest unknown\"}"), NULL, "404 manifest unknown", ERR_NOT_FOUND },
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const struct fake_step step = { "GET /v1.41/distribution/h:5000/a/b:1/json ", answers[i].answer, 0, 0 };
		struct fake_engine *f = NULL;
		cleanup_of(engine) struct engine *engine = engine_on(&step, 1, &f);
		cleanup_free char *digest = NULL;
		struct err e = { 0 };
		cr_expect_eq(engine_registry_digest(engine, "h:5000/a/b:1", &digest, &e), answers[i].digest ? 0 : -1, "row %zu: %s",
			     i, e.message);
		cr_expect_eq(e.kind, answers[i].kind, "row %zu: %s", i, e.message);
		if (answers[i].digest)
			cr_expect_str_eq(digest, answers[i].digest);
		else
			cr_expect(strstr(e.message, answers[i].message), "row %zu: %s", i, e.message);
		fake_engine_stop(f);
	}
}
