/* The inside of `filter result`. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "gate/gate_job.h"
#include "gate/result.h"
#include "package/member.h"
#include "stream/sink.h"
#include "stream/source.h"

enum { GZIP_LEVEL = 9, FD_MAX = 63 };

struct job {
	struct gate_job gate;
	int out_fds[KIND_COUNT]; /* -1: not wanted */
	struct result_object objects[KIND_COUNT];
};

static int parse_out_fd(const char *text, int *ret, struct err *e)
{
	unsigned long long fd;

	*ret = -1;
	if (strcmp(text, "-1") == 0)
		return 0;
	if (str_to_u64(text, FD_MAX, &fd, e) < 0)
		return -1;
	*ret = (int)fd;
	return 0;
}

static int job_init(struct job *job, int argc, char **argv, struct err *e)
{
	*job = (struct job){ 0 };
	if (argc != GATE_WORDS + KIND_COUNT)
		return err_set(e, ERR_USAGE, "filter result: %d arguments expected", GATE_WORDS - 1 + KIND_COUNT);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (parse_out_fd(argv[GATE_WORDS + kind], &job->out_fds[kind], e) < 0)
			return -1;
	return gate_job_init(&job->gate, argv, e);
}

static int compress(const struct buf *bytes, int fd, struct result_object *ret, struct err *e)
{
	struct sink *file = sink_to_fd(fd, e);
	struct sink *counted = file ? sink_digest(file, &ret->gzip_bytes, &ret->gzip, e) : NULL;
	struct sink *gzip = counted ? sink_gzip(counted, GZIP_LEVEL, e) : NULL;

	int rc = !gzip || sink_write(gzip, bytes->data, bytes->len, e) < 0 || sink_finish(gzip, e) < 0 ? -1 : 0;
	sink_free(gzip);
	sink_free(counted);
	sink_free(file);
	return rc;
}

static int take_object(struct job *job, struct member_reader *r, const struct member *m, struct err *e)
{
	cleanup_buf struct buf bytes = { 0 };
	enum probe_kind_id kind;
	struct err unknown;

	if (m->kind != MEMBER_FILE || kind_parse(m->path, &kind, &unknown) < 0 || job->out_fds[kind] < 0)
		return err_set(e, ERR_HOSTILE, "result holds '%.100s', which was not asked for", m->path);
	struct result_object *o = &job->objects[kind];
	if (o->present)
		return err_set(e, ERR_HOSTILE, "result holds '%s' twice", kind_name(kind));
	if (m->size > OBJECT_BYTES_MAX)
		return err_set(e, ERR_LIMIT, "%s object of %llu bytes", kind_name(kind), (unsigned long long)m->size);
	if (gate_job_read(&job->gate, e) < 0 || buf_reserve(&bytes, m->size, e) < 0 || member_read(r, &bytes, e) < 0)
		return -1;
	job->gate.expect.kind = kind;
	o->present = true;
	o->raw_bytes = bytes.len;
	if (digest_of(bytes.data, bytes.len, &o->raw, e) < 0 ||
	    object_check(bytes.data, bytes.len, &job->gate.expect, &o->report, e) < 0)
		return -1;
	return o->report.finding_count ? 0 : compress(&bytes, job->out_fds[kind], o, e);
}

static int read_tar(struct job *job, struct err *e)
{
	struct member_totals totals = { 0 };
	struct member m;
	int rc;

	struct source *tar = source_from_fd(STDIN_FILENO, false, e);
	cleanup_of(member_reader) struct member_reader *r = tar ? member_reader_new(tar, &totals, e) : NULL;
	if (!r)
		return -1;
	while ((rc = member_next(r, &m, e)) == 1)
		if (take_object(job, r, &m, e) < 0)
			return -1;
	/* Nothing was built, nothing was sent. */
	return rc < 0 && member_reader_saw_nothing(r) ? 0 : rc;
}

static json_t *object_to_json(const struct result_object *o, struct err *e)
{
	char raw[DIGEST_HEX + 1], gzip[DIGEST_HEX + 1];

	digest_hex(&o->raw, raw);
	digest_hex(&o->gzip, gzip);
	json_t *report = object_report_to_json(&o->report, e);
	return report ? json_pack("{s:I, s:s, s:I, s:s, s:o}", "raw_bytes", (json_int_t)o->raw_bytes, "raw", raw, "gzip_bytes",
				  (json_int_t)o->gzip_bytes, "gzip", gzip, "report", report)
		      : NULL;
}

static int write_report(const struct job *job, struct err *e)
{
	json_t *root = json_object();
	int rc = 0;

	for (int kind = 0; kind < KIND_COUNT && !rc; kind++)
		if (job->objects[kind].present)
			rc = json_object_set_new(root, kind_name(kind), object_to_json(&job->objects[kind], e));
	cleanup_free char *text = rc ? NULL : json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(root);
	return text ? fd_write_all(STDOUT_FILENO, text, strlen(text), e) : err_no_memory(e);
}

int result_filter_run(int argc, char **argv, struct err *e)
{
	struct job job;

	if (job_init(&job, argc, argv, e) < 0)
		return -1;
	if (read_tar(&job, e) < 0)
		return err_wrap(e, "builder's result");
	return write_report(&job, e);
}
