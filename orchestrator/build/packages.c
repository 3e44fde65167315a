#include "build/packages.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "build/facts_store.h"
#include "build/repacked.h"

void open_packages_release(struct open_packages *p)
{
	for (size_t i = 0; i < p->count; i++)
		close(p->fds[i]);
	p->count = 0;
	p->repacked = false;
}

static void send_phase(const struct run_options *options, const struct job *job, const char *phase)
{
	event_send(options->listener, &(struct event){ .kind = EVENT_KERNEL_PHASE, .kernel = job_listed(job)->id, .text = phase });
}

int packages_repack(const struct run_options *options, const struct job *job, struct open_packages *p, struct err *e)
{
	for (size_t i = 0; i < p->count && !p->repacked; i++) {
		int archive = -1;
		if (!repacked_wanted(job, i))
			continue;
		send_phase(options, job, "repacking");
		if (repacked_open(options->plan->cache_dir, job, i, p->fds[i], options->cancel, &archive, e) < 0)
			return -1;
		close(p->fds[i]);
		p->fds[i] = archive;
	}
	p->repacked = true;
	return 0;
}

static int read_facts(const struct run_options *options, struct job *job, struct open_packages *p, struct err *e)
{
	const struct kernel *kernel = job->kernel;
	const char *names[UNPACK_PACKAGES_MAX];
	int fds[UNPACK_PACKAGES_MAX];
	size_t count = 0;

	if (packages_repack(options, job, p, e) < 0)
		return -1;
	for (size_t i = 0; i < kernel->package_count; i++) {
		if (!kernel->packages[i].has_config && !kernel->packages[i].has_tools)
			continue;
		names[count] = kernel->packages[i].file_name;
		fds[count++] = p->fds[i];
	}
	cleanup_free char *places = distro_fact_places(job->distro->distro, kernel, e);
	if (!places)
		return -1;
	send_phase(options, job, "reading");
	if (facts_read(NULL, fds, names, count, job->distro->distro->format, options->threads, places, &job->facts, options->cancel,
		       e) < 0)
		return -1;
	return facts_store_put(options->plan->cache_dir, job, &job->facts, e);
}

int packages_facts(const struct run_options *options, struct job *job, struct open_packages *p, struct err *e)
{
	int found = facts_store_get(options->plan->cache_dir, job, &job->facts, e);

	return found ? (found < 0 ? -1 : 0) : read_facts(options, job, p, e);
}
