#include "gate/result.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	WORDS = 5, /* of the arguments, besides the kinds' descriptors */
	REPORT_JSON_MAX = 64 * 1024,
};

void result_filter_release(struct result_filter *f)
{
	filter_free(f->filter);
	if (f->report_fd >= 0)
		close(f->report_fd);
	*f = (struct result_filter){ .report_fd = -1 };
}

int result_filter_start(const char *program, int tar_fd, const struct result_expect *expect, const int out_fds[KIND_COUNT],
			struct result_filter *ret, struct err *e)
{
	char machine[16], captures[16], out_words[KIND_COUNT][16];
	const char *argv[WORDS + KIND_COUNT + 1] = { "result", expect->release, machine,
						     expect->module_name ? expect->module_name : "", captures };
	struct process_fd fds[2 + KIND_COUNT + RESULT_CAPTURES_MAX] = { { tar_fd, STDIN_FILENO } };
	size_t fd_count = 2;
	int pipe_fds[2];

	if (expect->capture_count > RESULT_CAPTURES_MAX)
		return err_set(e, ERR_LIMIT, "captures in %zu pieces; at most %d", expect->capture_count, RESULT_CAPTURES_MAX);
	snprintf(captures, sizeof(captures), "%zu", expect->capture_count);

	snprintf(machine, sizeof(machine), "%u", expect->elf_machine);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		int theirs = out_fds[kind] < 0 ? -1 : RESULT_FIRST_OUT_FD + kind;
		snprintf(out_words[kind], sizeof(out_words[kind]), "%d", theirs);
		argv[WORDS + kind] = out_words[kind];
		if (theirs >= 0)
			fds[fd_count++] = (struct process_fd){ out_fds[kind], theirs };
	}
	for (size_t i = 0; i < expect->capture_count; i++)
		fds[fd_count++] = (struct process_fd){ expect->capture_fds[i], RESULT_FIRST_CAPTURE_FD + (int)i };
	if (fd_pipe(pipe_fds, e) < 0)
		return -1;
	fds[1] = (struct process_fd){ pipe_fds[1], STDOUT_FILENO };
	struct filter *filter = NULL;
	int rc = filter_start(program, argv, fds, fd_count, &filter, e);
	close(pipe_fds[1]);
	if (rc < 0) {
		close(pipe_fds[0]);
		return -1;
	}
	*ret = (struct result_filter){ filter, pipe_fds[0] };
	return 0;
}

static int object_from_json(json_t *json, struct result_object *ret, struct err *e)
{
	const char *raw, *gzip;
	json_int_t raw_bytes, gzip_bytes;
	json_error_t je;
	json_t *report;

	if (json_unpack_ex(json, &je, JSON_STRICT, "{s:I, s:s, s:I, s:s, s:o}", "raw_bytes", &raw_bytes, "raw", &raw, "gzip_bytes",
			   &gzip_bytes, "gzip", &gzip, "report", &report) < 0)
		return err_set(e, ERR_PROTOCOL, "gate report: %s", je.text);
	if (raw_bytes < 0 || gzip_bytes < 0)
		return err_set(e, ERR_PROTOCOL, "gate report: a size below zero");
	*ret = (struct result_object){ .present = true, .raw_bytes = (uint64_t)raw_bytes, .gzip_bytes = (uint64_t)gzip_bytes };
	if (digest_parse(raw, &ret->raw, e) < 0 || digest_parse(gzip, &ret->gzip, e) < 0)
		return -1;
	return object_report_from_json(report, &ret->report, e);
}

static int report_from_json(json_t *root, struct result_report *ret, struct err *e)
{
	struct result_report report = { 0 };
	const char *name;
	json_t *item;

	if (!json_is_object(root))
		return err_set(e, ERR_PROTOCOL, "gate report: no object");
	json_object_foreach(root, name, item)
	{
		enum probe_kind_id kind;
		if (kind_parse(name, &kind, e) < 0 || object_from_json(item, &report.objects[kind], e) < 0)
			return -1;
	}
	*ret = report;
	return 0;
}

int result_filter_finish(struct result_filter *f, struct result_report *ret, const struct cancel *cancel, struct err *e)
{
	cleanup_buf struct buf text = { 0 };
	json_error_t je;

	if (filter_read(f->report_fd, REPORT_JSON_MAX, &text, cancel, e) < 0 || filter_wait(f->filter, cancel, e) < 0)
		return -1;
	json_t *root = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return err_set(e, ERR_PROTOCOL, "gate report: %s", je.text);
	int rc = report_from_json(root, ret, e);
	json_decref(root);
	return rc;
}

int result_read(const char *program, int tar_fd, const struct result_expect *expect, const int out_fds[KIND_COUNT],
		struct result_report *ret, const struct cancel *cancel, struct err *e)
{
	struct result_filter filter;

	if (result_filter_start(program, tar_fd, expect, out_fds, &filter, e) < 0)
		return -1;
	int rc = result_filter_finish(&filter, ret, cancel, e);
	result_filter_release(&filter);
	return rc;
}

int result_check(const struct result_object *o, enum probe_kind_id kind, struct err *e)
{
	if (!o->present || o->report.finding_count == 0)
		return 0;
	err_set(e, ERR_CHECK, "%s object did not pass", kind_name(kind));
	for (size_t i = 0; i < o->report.finding_count; i++) {
		const struct finding *f = &o->report.findings[i];
		err_append(e, "%s: expected %s, found %s", f->what, f->expected, f->found);
	}
	return -1;
}
