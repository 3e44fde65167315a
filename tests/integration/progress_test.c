/* What a pipeline sees: events as JSON, counts that add up, results alone on stdout. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/kind.h"
#include "probes.h"
#include "site.h"
#include "tree.h"

TestSuite(progress, .init = site_open, .fini = site_close, .timeout = SITE_SECONDS);

enum { VERDICTS = 5, TASKS_MAX = 16 };

struct seen {
	unsigned tasks, failed_tasks, images;
	char task_names[TASKS_MAX][160];
	json_t *summary;
};

static void see_task(struct seen *seen, const json_t *event)
{
	const char *kernel = json_string_value(json_object_get(event, "kernel"));
	const char *kind = json_string_value(json_object_get(event, "kind"));
	const char *verdict = json_string_value(json_object_get(event, "verdict"));

	cr_assert(kernel && kind && verdict && seen->tasks < TASKS_MAX);
	cr_expect(json_string_length(json_object_get(event, "text")) > 0, "%s %s is %s, and no reason given", kernel, kind,
		  verdict);
	char *name = seen->task_names[seen->tasks];
	snprintf(name, sizeof(seen->task_names[0]), "%s %s", kernel, kind);
	for (unsigned i = 0; i < seen->tasks; i++)
		cr_expect_str_neq(seen->task_names[i], name, "%s ended twice", name);
	seen->tasks++;
	if (strcmp(verdict, "failed") != 0)
		return;
	seen->failed_tasks++;
	const char *log = json_string_value(json_object_get(event, "log")),
		   *tail = json_string_value(json_object_get(event, "tail"));
	cr_expect(json_is_true(json_object_get(event, "failed")));
	cr_expect(log && file_is_there(log));
	cr_expect(tail && strstr(tail, "the end of it"), "%s", tail);
}

/* Every line is an object with the version; the summary is the last of all. */
static void see(char *lines, struct seen *seen)
{
	char *save = NULL;

	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_t *event = json_loads(line, 0, NULL);
		const char *name = json_string_value(json_object_get(event, "event"));
		cr_assert_not_null(name, "no event: %s", line);
		cr_expect_eq(json_integer_value(json_object_get(event, "v")), 1, "%s", line);
		cr_expect_null(seen->summary, "something comes after the summary: %s", line);
		if (strcmp(name, "task-done") == 0)
			see_task(seen, event);
		else if (strcmp(name, "image-done") == 0)
			seen->images++;
		if (strcmp(name, "summary") == 0)
			seen->summary = event;
		else
			json_decref(event);
	}
}

Test(progress, json_adds_up_to_what_was_asked_for)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1), *cloud = site_cloud(kernel);
	cleanup_free char *before = text_of("if [ \"$KERNEL_RELEASE\" = %s ]; then echo 'the end of it' >&2; exit 1; fi\n", cloud);
	struct seen seen = { 0 };
	static const struct {
		const char *name;
		json_int_t count;
	} expected[VERDICTS] = { { "built", 1 }, { "reused", 0 }, { "unavailable", 2 }, { "blocked", 0 }, { "failed", 1 } };

	probe_put_both(s->probe, s->name, "99.0", before);
	struct program *p = site_run(1, "build", "--kernel", kernel, "--kernel", cloud, "--progress", "json", NULL);
	see(p->err.data, &seen);
	cr_assert_not_null(seen.summary, "there is no summary");
	cr_expect_eq(json_integer_value(json_object_get(seen.summary, "kernels")), 2);
	json_int_t sum = 0;
	for (size_t i = 0; i < VERDICTS; i++) {
		json_int_t count = json_integer_value(json_object_get(seen.summary, expected[i].name));
		cr_expect_eq(count, expected[i].count, "%s: %lld", expected[i].name, (long long)count);
		sum += count;
	}
	cr_expect_eq(sum, 2 * KIND_COUNT);
	cr_expect_eq(seen.tasks, 2 * KIND_COUNT);
	cr_expect_eq(seen.failed_tasks, 1);
	cr_expect_eq(seen.images, 1);
	json_decref(seen.summary);
}

Test(progress, quiet_says_nothing_of_what_is_good)
{
	struct site *s = site();
	cleanup_free char *kernel = site_kernel(SERIES_6_1);

	probe_put_bpf(s->probe, s->name, "");
	struct program *p = site_run(0, "build", "--kernel", kernel, "--progress", "quiet", NULL);
	cr_expect_str_empty(buf_text(&p->err), "%s", buf_text(&p->err));
	cleanup_free char *begin = text_of("%s-base:1.0 sha256:", s->name);
	cr_expect(str_starts(buf_text(&p->out), begin) && strchr(p->out.data, '\n') == p->out.data + p->out.len - 1, "%s",
		  buf_text(&p->out));
	p = site_run(0, "build", "--kernel", kernel, "--no-image", NULL);
	cr_expect_str_empty(buf_text(&p->out), "%s", buf_text(&p->out));
}
