#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "program.h"

/* Every line of stderr is an object with `v` and `event`; gives how many there are of one event. */
static unsigned expect_json_lines(const struct buf *text, const char *event)
{
	unsigned found = 0;

	for (const char *line = buf_text(text); *line;) {
		size_t len = strcspn(line, "\n");
		json_error_t error;
		json_t *json = json_loadb(line, len, 0, &error);
		cr_expect_not_null(json, "%s: %.*s", error.text, (int)len, line);
		cr_expect_eq(json_integer_value(json_object_get(json, "v")), 1, "%.*s", (int)len, line);
		const char *name = json_string_value(json_object_get(json, "event"));
		cr_expect_not_null(name, "%.*s", (int)len, line);
		found += name && strcmp(name, event) == 0;
		json_decref(json);
		line += len + (line[len] == '\n');
	}
	return found;
}

Test(progress, json_lines_errors_included)
{
	static const struct {
		const char *words[8];
		int code;
		const char *says;
	} rows[] = {
		{ { "--progress", "json", "--engine", "unix:///nonexistent" }, 3, "nonexistent" },
		{ { "--progress", "json", "--dry-run", "--engine", "unix:///nonexistent" }, 0, "\"level\":\"warning\"" },
		{ { "--progress", "json", "--dry-run", "--distro", "nobody" }, 2, "nobody" },
		{ { "cache", "list", "--progress", "json" }, 0, "0 packages" },
		{ { "cache", "delete", "--progress", "json" }, 2, "--yes" },
		/* No text in JSON that is not UTF-8; the rest of the message must be there all the same. */
		{ { "--progress", "json", "--probe", "/no/such/\xff\xfe/place" }, 2, "/place" },
	};
	cleanup_site struct site s;
	site_make(&s);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, rows[i].words, &o);
		cr_expect_eq(o.code, rows[i].code, "row %zu: %d: %s", i, o.code, buf_text(&o.err));
		cr_expect_eq(expect_json_lines(&o.err, "log"), 1, "row %zu: %s", i, buf_text(&o.err));
		cr_expect_not_null(strstr(buf_text(&o.err), rows[i].says), "row %zu: %s", i, buf_text(&o.err));
	}
}

Test(progress, quiet_says_errors_only)
{
	static const char *const good[] = { "cache", "list", "--progress", "quiet", NULL };
	static const char *const bad[] = { "cache", "delete", "--progress=quiet", NULL };
	cleanup_site struct site s;
	cleanup_outcome struct outcome first = { 0 }, second = { 0 };

	site_make(&s);
	run_on_site(&s, good, &first);
	cr_expect_eq(first.code, 0);
	cr_expect_str_eq(buf_text(&first.err), "");
	run_on_site(&s, bad, &second);
	cr_expect_eq(second.code, 2);
	cr_expect_eq(count_lines(&second.err), 1, "%s", buf_text(&second.err));
}

Test(progress, no_escape_sequences_into_a_pipe)
{
	static const char *const modes[] = { "auto", "plain", "tty" };
	cleanup_site struct site s;
	site_make(&s);
	site_env(&s, "TERM=xterm-256color");

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const char *const words[] = { "--progress", modes[i], "--engine", "unix:///nonexistent", NULL };
		cleanup_outcome struct outcome o = { 0 };
		run_on_site(&s, words, &o);
		cr_expect_eq(o.code, 3);
		/* tty was asked for: it may move the cursor, but has no colours for a pipe. */
		cr_expect_null(strstr(buf_text(&o.err), "\033[31m"), "%s: %s", modes[i], buf_text(&o.err));
		if (strcmp(modes[i], "tty") != 0)
			cr_expect_null(strchr(buf_text(&o.err), '\033'), "%s: %s", modes[i], buf_text(&o.err));
	}
}
