#include "gate/object_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "gate/checks.h"
#include "gate/gate_job.h"
#include "stream/decompress_source.h"
#include "stream/sink.h"
#include "stream/source.h"

enum {
	WORDS = GATE_WORDS + 2,
	REPORT_JSON_MAX = 64 * 1024,
	DECODER_BYTES = 64 << 20,
};

static const char gzip_word[] = "gzip", plain_word[] = "plain";

DEFINE_CLEANUP(filter, struct filter, filter_free)

int object_file_check(const char *program, const struct object_file *file, const struct result_expect *expect,
		      struct object_report *ret, const struct cancel *cancel, struct err *e)
{
	char machine[16], captures[16];
	const char *const argv[WORDS + 1] = { "object",
					      expect->release,
					      machine,
					      expect->module_name ? expect->module_name : "",
					      captures,
					      kind_name(file->kind),
					      file->gzip ? gzip_word : plain_word };
	struct process_fd fds[2 + RESULT_CAPTURES_MAX] = { { file->fd, STDIN_FILENO } };
	cleanup_of(filter) struct filter *filter = NULL;
	cleanup_buf struct buf text = { 0 };
	size_t fd_count = 2;
	int pipe_fds[2];
	json_error_t je;

	if (expect->capture_count > RESULT_CAPTURES_MAX)
		return err_set(e, ERR_LIMIT, "captures in %zu pieces; at most %d", expect->capture_count, RESULT_CAPTURES_MAX);
	snprintf(machine, sizeof(machine), "%u", expect->elf_machine);
	snprintf(captures, sizeof(captures), "%zu", expect->capture_count);
	for (size_t i = 0; i < expect->capture_count; i++)
		fds[fd_count++] = (struct process_fd){ expect->capture_fds[i], RESULT_FIRST_CAPTURE_FD + (int)i };
	if (fd_pipe(pipe_fds, e) < 0)
		return -1;
	cleanup_close int report = pipe_fds[0];
	fds[1] = (struct process_fd){ pipe_fds[1], STDOUT_FILENO };
	int rc = filter_start(program, argv, fds, fd_count, &filter, e);
	close(pipe_fds[1]);
	if (rc < 0 || filter_read(report, REPORT_JSON_MAX, &text, cancel, e) < 0 || filter_wait(filter, cancel, e) < 0)
		return -1;
	json_t *root = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return err_set(e, ERR_PROTOCOL, "gate report: %s", je.text);
	rc = object_report_from_json(root, ret, e);
	json_decref(root);
	return rc;
}

/* --- inside the filter process --- */

/* All of a source (taken over; NULL: it could not be made) into *ret. */
static int read_all(struct source *from, struct buf *ret, struct err *e)
{
	struct sink *to = from ? sink_to_buf(ret, OBJECT_BYTES_MAX, e) : NULL;
	int rc = to ? sink_copy(to, from, e) : -1;

	sink_free(to);
	source_free(from);
	return rc;
}

static bool is_gzip(const struct buf *bytes)
{
	static const unsigned char magic[] = { 0x1f, 0x8b };

	return bytes->len >= sizeof(magic) && memcmp(bytes->data, magic, sizeof(magic)) == 0;
}

static int decompress(const struct buf *bytes, struct buf *ret, struct object_report *r, struct err *e)
{
	struct source *source = source_from_memory(bytes->data, bytes->len, e);

	if (read_all(source ? source_decompress(source, DECODER_BYTES, OBJECT_BYTES_MAX, e) : NULL, ret, e) == 0)
		return 1;
	if (e->kind != ERR_CORRUPT && e->kind != ERR_LIMIT)
		return -1;
	finding_add(r, gzip_word, "a whole gzip file of at most 64 MiB", "%s", e->message);
	return 0;
}

/* 1 read, 0 it is not what its name says, and the report says so. */
static int read_object(bool gzip, struct buf *ret, struct object_report *r, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };

	if (read_all(source_from_fd(STDIN_FILENO, false, e), gzip ? &bytes : ret, e) < 0) {
		if (e->kind != ERR_LIMIT)
			return -1;
		finding_add(r, "size", "1 byte to 64 MiB", "more");
		return 0;
	}
	if (!gzip)
		return 1;
	if (is_gzip(&bytes))
		return decompress(&bytes, ret, r, e);
	finding_add(r, gzip_word, "a gzip file, as its name says", "%s", bytes.len ? "something else" : "0 bytes");
	return 0;
}

static int write_report(const struct object_report *r, struct err *e)
{
	json_t *object = object_report_to_json(r, e);
	cleanup_free char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	json_decref(object);
	return text ? fd_write_all(STDOUT_FILENO, text, strlen(text), e) : err_no_memory(e);
}

int object_filter_run(int argc, char **argv, struct err *e)
{
	struct object_report report = { 0 };
	cleanup_buf struct buf bytes = { 0 };
	struct gate_job job;

	if (argc != WORDS)
		return err_set(e, ERR_USAGE, "filter object: %d arguments expected", WORDS - 1);
	enum probe_kind_id kind;
	if (kind_parse(argv[GATE_WORDS], &kind, e) < 0 || gate_job_init(&job, argv, e) < 0)
		return -1;
	job.expect.kind = kind;
	int rc = read_object(strcmp(argv[GATE_WORDS + 1], gzip_word) == 0, &bytes, &report, e);
	if (rc == 1 && (gate_job_read(&job, e) < 0 || object_check(bytes.data, bytes.len, &job.expect, &report, e) < 0))
		rc = -1;
	return rc < 0 ? -1 : write_report(&report, e);
}
