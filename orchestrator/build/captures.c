#include "build/captures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "build/repacked.h"
#include "package/capture.h"
#include "package/unpack.h"

struct open_packages {
	int fds[UNPACK_PACKAGES_MAX];
	const char *names[UNPACK_PACKAGES_MAX];
	struct digest digests[UNPACK_PACKAGES_MAX];
	size_t count;
};

static void open_packages_release(struct open_packages *p)
{
	for (size_t i = 0; i < p->count; i++)
		close(p->fds[i]);
}

#define cleanup_open_packages __attribute__((cleanup(open_packages_release)))

static int not_there(const struct kernel_package *package, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "its package '%s' is not in the cache; `orchestrate cache fetch` gets it",
		       package->file_name);
}

static int open_package(struct cache *cache, const struct distro_inputs *distro, const struct kernel_package *package,
			struct open_packages *ret, struct err *e)
{
	const struct package_digest *listed = digest_table_find(distro->digests, package->url);
	cleanup_cache_entry struct cache_entry entry = { .fd = -1 };

	if (!cache)
		return not_there(package, e);
	if (cache_open_package(cache, package->url, listed ? &listed->sha256 : NULL, &entry, e) < 0)
		return e->kind == ERR_NOT_FOUND ? not_there(package, e) : -1;
	ret->names[ret->count] = package->file_name;
	ret->digests[ret->count] = entry.digest;
	ret->fds[ret->count++] = steal_fd(&entry.fd);
	return 0;
}

/* What is no archive by itself is replaced by the one that is made of it. */
static int repack(const char *cache_dir, const struct distro_inputs *distro, const struct kernel *kernel, struct open_packages *p,
		  const struct cancel *cancel, struct err *e)
{
	const struct job job = { .distro = distro, .kernel = kernel, .package_digests = p->digests };
	int archive;

	for (size_t i = 0; i < p->count; i++) {
		if (!repacked_wanted(&job, i))
			continue;
		if (repacked_open(cache_dir, &job, i, p->fds[i], cancel, &archive, e) < 0)
			return -1;
		close(p->fds[i]);
		p->fds[i] = archive;
	}
	return 0;
}

/* The tree itself is of no use here. */
static int run_filter(const struct open_packages *p, const struct distro *distro, const struct tree_rules *rules, unsigned threads,
		      int captures_fd, const struct cancel *cancel, struct err *e)
{
	cleanup_close int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct filter *filter = NULL;

	if (nowhere < 0)
		return err_system(e, errno, "opening /dev/null");
	if (tree_filter_start(NULL, p->fds, p->names, p->count, distro->format, threads, rules, nowhere, captures_fd, &filter, e) <
	    0)
		return -1;
	int rc = filter_wait(filter, cancel, e);
	filter_free(filter);
	return rc;
}

int captures_take(struct cache *cache, const char *cache_dir, const struct distro_inputs *distro, const struct kernel *kernel,
		  unsigned threads, const struct cancel *cancel, int *ret_fd, struct err *e)
{
	cleanup_open_packages struct open_packages packages = { .count = 0 };
	cleanup_tree_rules struct tree_rules rules = { 0 };

	if (kernel->package_count > UNPACK_PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d packages", UNPACK_PACKAGES_MAX);
	if (!distro->distro->tree.build_dir)
		return err_set(e, ERR_INPUT, "the descriptor of '%s' does not say where the tree is", distro->distro->name);
	for (size_t i = 0; i < kernel->package_count; i++)
		if (open_package(cache, distro, &kernel->packages[i], &packages, e) < 0)
			return -1;
	if (repack(cache_dir, distro, kernel, &packages, cancel, e) < 0)
		return -1;
	cleanup_close int fd = captures_memory(e);
	if (fd < 0 || distro_tree_rules(distro->distro, kernel, &rules, e) < 0 ||
	    run_filter(&packages, distro->distro, &rules, threads, fd, cancel, e) < 0)
		return -1;
	*ret_fd = steal_fd(&fd);
	return 0;
}

char *captures_module_name(const struct probe *probe)
{
	const struct probe_kind *kind = &probe->kinds[KIND_MOD];

	if (!kind->present || !str_ends(kind->output, ".ko"))
		return NULL;
	char *name = strdup(path_base(kind->output));
	if (!name)
		return NULL;
	name[strlen(name) - strlen(".ko")] = '\0';
	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return name;
}
