#include <criterion/criterion.h>
#include <string.h>

#include "engine/json_stream.h"

static int note(void *context, const json_t *object, struct err *e)
{
	const char *text = json_string_value(json_object_get(object, "a"));

	return buf_printf(context, e, "%s|", text ? text : "?");
}

Test(json_stream, same_objects_at_every_split)
{
	static const char text[] = "{\"a\":\"one\"}\r\n  {\"a\":\"br{ce \\\" ] in text\",\"n\":[{},{\"x\":[1]}]}{\"a\":\"\\\\\"}\n";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		cleanup_buf struct buf seen = { 0 };
		cleanup_json_stream struct json_stream s = { .object = note, .context = &seen };
		struct err e = { 0 };
		cr_assert(json_stream_feed(&s, text, cut, &e) == 0, "%s", e.message);
		cr_assert(json_stream_feed(&s, text + cut, sizeof(text) - 1 - (cut < sizeof(text) ? cut : 0), &e) == 0, "%s",
			  e.message);
		cr_assert(json_stream_finish(&s, &e) == 0, "%s", e.message);
		cr_assert_str_eq(buf_text(&seen), "one|br{ce \" ] in text|\\|");
	}
}

Test(json_stream, wrong_input_is_an_error)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} rows[] = {
		{ "{\"a\":\"cut", ERR_CORRUPT },  { "{\"a\":{}", ERR_CORRUPT }, { "<html>", ERR_PROTOCOL },
		{ "[1]", ERR_PROTOCOL },	  { "}", ERR_PROTOCOL },	{ "{\"a\":]", ERR_PROTOCOL },
		{ "{\"a\":nope}", ERR_PROTOCOL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_buf struct buf seen = { 0 };
		cleanup_json_stream struct json_stream s = { .object = note, .context = &seen };
		struct err e = { 0 };
		int done = json_stream_feed(&s, rows[i].text, strlen(rows[i].text), &e);
		if (done == 0)
			done = json_stream_finish(&s, &e);
		cr_expect_eq(done, -1, "%s", rows[i].text);
		cr_expect_eq(e.kind, rows[i].kind, "%s: %s", rows[i].text, e.message);
		cr_expect_eq(seen.len, 0);
	}
}

Test(json_stream, an_object_without_end_does_not_fill_memory)
{
	cleanup_json_stream struct json_stream s = { .object = note };
	char chunk[65536];
	struct err e = { 0 };
	int done = json_stream_feed(&s, "{\"a\":\"", 6, &e);

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 1000 && done == 0; i++)
		done = json_stream_feed(&s, chunk, sizeof(chunk), &e);
	cr_expect_eq(done, -1);
	cr_expect_eq(e.kind, ERR_LIMIT);
	cr_expect_lt(s.text.room, 4u * JSON_STREAM_OBJECT_MAX);
}
