#include "build/job.h"

#include <stdlib.h>
#include <string.h>

const struct kernel *job_listed(const struct job *job)
{
	return job->listed ? job->listed : job->kernel;
}

bool job_has_work(const struct job *job)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED)
			return true;
	return false;
}

void task_end(struct task *task, enum verdict verdict, char *reason)
{
	free(task->reason);
	task->reason = reason;
	task->verdict = verdict;
}

void job_fail(struct job *job, const char *reason)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (job->tasks[kind].wanted && job->tasks[kind].verdict == VERDICT_PLANNED)
			task_end(&job->tasks[kind], VERDICT_FAILED, strdup(reason));
}

void job_release(struct job *job)
{
	for (int kind = 0; kind < KIND_COUNT; kind++)
		free(job->tasks[kind].reason);
	free(job->missing);
	free(job->package_digests);
	free(job->shared_need);
	kernel_told_release(&job->told);
	*job = (struct job){ 0 };
}
