#include "build/facts_find.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "build/facts_store.h"
#include "build/repacked.h"
#include "package/format.h"
#include "package/unpack.h"

struct opened {
	int fds[UNPACK_PACKAGES_MAX];
	const char *names[UNPACK_PACKAGES_MAX];
	size_t count;
};

static void close_all(struct opened *o)
{
	for (size_t i = 0; i < o->count; i++)
		close(o->fds[i]);
}

/* What is no archive by itself as the one that is made of it. *fd is replaced. */
static int make_readable(const struct plan_options *options, const struct job *job, size_t package, const struct cancel *cancel,
			 int *fd, struct err *e)
{
	int archive = -1;

	if (!repacked_wanted(job, package))
		return 0;
	if (repacked_open(options->cache_dir, job, package, *fd, cancel, &archive, e) < 0)
		return -1;
	close(*fd);
	*fd = archive;
	return 0;
}

/* 1 all that can tell something are open, 0 one is not to be had. */
static int open_packages(const struct plan_options *options, const struct job *job, const struct cancel *cancel, struct opened *ret,
			 struct err *e)
{
	for (size_t i = 0; i < job->kernel->package_count; i++) {
		const struct kernel_package *package = &job->kernel->packages[i];
		cleanup_cache_entry struct cache_entry entry = { .fd = -1 };
		if (!package->has_config && !package->has_tools)
			continue;
		if (ret->count == UNPACK_PACKAGES_MAX)
			return err_set(e, ERR_LIMIT, "more than %d packages", UNPACK_PACKAGES_MAX);
		if (cache_open_package(options->cache, package->url, &job->package_digests[i], &entry, e) < 0)
			return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
		if (make_readable(options, job, i, cancel, &entry.fd, e) < 0)
			return -1;
		ret->names[ret->count] = package->file_name;
		ret->fds[ret->count++] = steal_fd(&entry.fd);
	}
	return 1;
}

static int read_packages(const struct plan_options *options, struct job *job, const struct cancel *cancel, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	__attribute__((cleanup(close_all))) struct opened opened = { 0 };
	struct err unknown;

	/* Such a kernel can't be built either. */
	if (!options->cache || !distro->tree.build_dir || !package_format_find(distro->format, &unknown))
		return 0;
	int there = open_packages(options, job, cancel, &opened, e);
	if (there <= 0)
		return there;
	cleanup_free char *places = distro_fact_places(distro, job->kernel, e);
	if (!places ||
	    facts_read(NULL, opened.fds, opened.names, opened.count, distro->format, 1, places, &job->facts, cancel, e) < 0)
		return -1;
	return facts_store_put(options->cache_dir, job, &job->facts, e) < 0 ? -1 : 1;
}

int facts_find(const struct plan_options *options, struct job *job, const struct cancel *cancel, struct err *e)
{
	int known = plan_find_digests(options, job, e);
	if (known <= 0)
		return known;
	int found = facts_store_get(options->cache_dir, job, &job->facts, e);
	if (found == 0)
		found = read_packages(options, job, cancel, e);
	job->has_facts = found > 0;
	return found;
}
