#include "build/facts_find.h"

#include <unistd.h>

#include "build/facts_store.h"
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

/* 1 all that can tell something are open, 0 one is not to be had. */
static int open_packages(const struct plan_options *options, const struct job *job, struct opened *ret, struct err *e)
{
	for (size_t i = 0; i < job->kernel->package_count; i++) {
		const struct kernel_package *package = &job->kernel->packages[i];
		struct cache_entry entry = { .fd = -1 };
		if (!package->has_config && !package->has_tools)
			continue;
		if (ret->count == UNPACK_PACKAGES_MAX)
			return err_set(e, ERR_LIMIT, "more than %d packages", UNPACK_PACKAGES_MAX);
		if (cache_open_package(options->cache, package->url, &job->package_digests[i], &entry, e) < 0)
			return e->kind == ERR_NOT_FOUND || e->kind == ERR_CORRUPT ? 0 : -1;
		ret->names[ret->count] = package->file_name;
		ret->fds[ret->count++] = entry.fd;
		entry.fd = -1;
		cache_entry_release(&entry);
	}
	return 1;
}

static int read_packages(const struct plan_options *options, struct job *job, const struct cancel *cancel, struct err *e)
{
	const struct distro *distro = job->distro->distro;
	__attribute__((cleanup(close_all))) struct opened opened = { 0 };
	cleanup_tree_rules struct tree_rules rules = { 0 };
	struct err unknown;

	/* Such a kernel can't be built either. */
	if (!options->cache || !distro->tree.build_dir || !package_format_find(distro->format, &unknown))
		return 0;
	int there = open_packages(options, job, &opened, e);
	if (there <= 0)
		return there;
	if (distro_tree_rules(distro, job->kernel, &rules, e) < 0 ||
	    facts_read(NULL, opened.fds, opened.names, opened.count, distro->format, 1, rules.build_dir, &job->facts, cancel, e) <
		    0)
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
