#include "build/publish.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { TAIL_LINES = 8 };

static int put_object(struct output *output, struct artifact_store *artifacts, const struct job *job, enum probe_kind_id kind,
		      struct err *e)
{
	struct artifact artifact = { .fd = -1 };

	int found = artifact_open(artifacts, &job->tasks[kind].key, &artifact, e);
	if (found == 1)
		found = output_put_object(output, job->kernel->id, kind, artifact.fd, e);
	else if (found == 0)
		found = err_set(e, ERR_NOT_FOUND, "the stored object is missing or damaged; the next run builds it again");
	artifact_release(&artifact);
	return found;
}

/* The log of a failure begins with what is known without reading it; *ret_printed is where that which the build printed begins. */
static int failure_text(const struct job *job, enum probe_kind_id kind, const struct build_log *log, struct buf *ret,
			size_t *ret_printed, struct err *e)
{
	if (buf_printf(ret, e, "kernel    %s (%s)\nkind      %s\ntoolchain %s\nreason    %s\n\n", job->kernel->id,
		       job->distro->distro->name, kind_name(kind), job->has_choice ? job->choice.why : "none chosen",
		       job->tasks[kind].reason) < 0)
		return -1;
	*ret_printed = ret->len;
	return log ? build_log_text(log, kind, ret, e) : 0;
}

static int put_verdict(struct output *output, struct artifact_store *artifacts, struct job *job, enum probe_kind_id kind,
		       struct err *e)
{
	switch (job->tasks[kind].verdict) {
	case VERDICT_BUILT:
	case VERDICT_REUSED:
		if (job->tasks[kind].yielded)
			return 0;
		return put_object(output, artifacts, job, kind, e);
	case VERDICT_UNAVAILABLE:
		return output_put_unavailable(output, job->kernel->id, kind, e);
	default:
		return output_withdraw(output, job->kernel->id, kind, e);
	}
}

void publish_task(struct output *output, struct artifact_store *artifacts, const struct listener *listener, struct job *job,
		  enum probe_kind_id kind, const struct build_log *log)
{
	struct task *task = &job->tasks[kind];
	struct event event = {
		.kind = EVENT_TASK_DONE, .kernel = job->kernel->id, .distro = job->distro->distro->name, .object = kind
	};
	cleanup_buf struct buf text = { 0 };
	cleanup_free char *path = NULL;
	size_t printed = 0;
	struct err e;

	/* Having failed it is put once more: as a failure it withdraws what may lie there from an older run. */
	for (int attempt = 0; attempt < 2 && put_verdict(output, artifacts, job, kind, &e) < 0; attempt++)
		task_end(task, VERDICT_FAILED, strdup(e.message));
	if (task->verdict == VERDICT_FAILED) {
		if (failure_text(job, kind, log, &text, &printed, &e) < 0 ||
		    output_put_failure(output, job->kernel->id, kind, text.data, text.len, &path, &e) < 0)
			event.tail = e.message;
		else
			event.tail = text_tail(text.data + printed, TAIL_LINES);
	}
	event.verdict = task->verdict;
	event.failed = task->verdict == VERDICT_FAILED;
	event.text = task->reason;
	event.path = path;
	event_send(listener, &event);
}
