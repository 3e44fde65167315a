/* unpack CACHE TMPFS TOOLCHAIN-IMAGE KERNEL [ROUNDS]: package to tree, two ways in turn:
 *   ours: verified packages -> filter process -> engine's socket -> tar into a tmpfs of a builder container
 *   base: dpkg-deb --fsys-tarfile | tar x, one package after the other, into a tmpfs of the host
 * Prints the medians and the ratio base / ours (1 is as fast, more is faster). Both start from packages in the page cache. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/process.h"
#include "build/inputs.h"
#include "cache/package_cache.h"
#include "engine/container.h"
#include "engine/exec.h"
#include "package/unpack.h"

enum { ROUNDS_MAX = 51 };

static void die(const struct err *e)
{
	fprintf(stderr, "unpack: %s\n", e->message);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_value);
	return values[count / 2];
}

struct packages {
	int fds[UNPACK_PACKAGES_MAX];
	const char *names[UNPACK_PACKAGES_MAX];
	char paths[UNPACK_PACKAGES_MAX][256];
	size_t count;
	unsigned long long bytes;
};

static const struct kernel *find_kernel(const struct inputs *in, const char *id, const struct distro **ret_distro)
{
	for (size_t d = 0; d < in->chosen_count; d++)
		for (size_t k = 0; k < in->chosen[d].kernels.count; k++)
			if (strcmp(in->chosen[d].kernels.kernels[k].id, id) == 0) {
				*ret_distro = in->chosen[d].distro;
				return &in->chosen[d].kernels.kernels[k];
			}
	fprintf(stderr, "unpack: no kernel '%s'\n", id);
	exit(2);
}

static void open_packages(const char *cache_dir, const struct kernel *kernel, struct packages *p)
{
	struct cache *cache = NULL;
	struct err e;

	if (cache_open(cache_dir, NULL, &cache, &e) < 0)
		die(&e);
	for (size_t i = 0; i < kernel->package_count; i++) {
		struct cache_entry entry = { .fd = -1 };
		char hex[DIGEST_HEX + 1];
		if (cache_open_package(cache, kernel->packages[i].url, NULL, &entry, &e) < 0)
			die(&e);
		digest_hex(&entry.digest, hex);
		snprintf(p->paths[i], sizeof(p->paths[i]), "%s/packages/sha256/%.2s/%s", cache_dir, hex, hex);
		p->fds[i] = steal_fd(&entry.fd);
		p->names[i] = kernel->packages[i].file_name;
		p->bytes += entry.size;
		cache_entry_release(&entry);
		p->count++;
	}
	cache_close(cache);
}

/* What the round before left behind; the other side's is removed before its clock starts, too. */
static void empty(struct engine *engine, const char *container)
{
	static const char *const argv[] = { "rm", "-rf", "/work/t", NULL };
	const struct exec_spec spec = { .container = container, .argv = argv };
	struct exec_io io = EXEC_IO_NONE;
	struct exec *exec = NULL;
	struct err e;
	int code = -1;

	if (exec_start(engine, &spec, false, &exec, &e) < 0 || exec_pump(exec, &io, &e) < 0 || exec_wait(exec, &io, &code, &e) < 0)
		die(&e);
	exec_free(exec);
}

static double ours(struct engine *engine, const char *container, const struct packages *p, const struct tree_rules *rules)
{
	static const char *const argv[] = { "sh", "-c", "mkdir /work/t && tar -x -f - -b 128 -C /work/t", NULL };
	const struct exec_spec spec = { .container = container, .argv = argv };
	struct exec_io io = EXEC_IO_NONE;
	struct exec *exec = NULL;
	struct filter *filter = NULL;
	struct digest digest;
	struct err e;
	const unsigned threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	int code = -1;

	empty(engine, container);
	double start = now();
	/* The check that every use begins with is part of it. */
	for (size_t i = 0; i < p->count; i++)
		if (digest_of_fd(p->fds[i], &digest, NULL, &e) < 0)
			die(&e);
	if (exec_start(engine, &spec, true, &exec, &e) < 0 ||
	    tree_filter_start(NULL, p->fds, p->names, p->count, "deb", threads, rules, exec_stdin_fd(exec), -1, &filter, &e) < 0)
		die(&e);
	io.writer_fd = filter_poll_fd(filter);
	if (exec_pump(exec, &io, &e) < 0 || exec_wait(exec, &io, &code, &e) < 0 || filter_wait(filter, NULL, &e) < 0)
		die(&e);
	double seconds = now() - start;
	if (code != 0) {
		fprintf(stderr, "unpack: tar in the container exited with %d\n", code);
		exit(1);
	}
	filter_free(filter);
	exec_free(exec);
	return seconds;
}

static double base(const char *tmpfs, const struct packages *p)
{
	struct err e;
	cleanup_free char *dir = path_join(tmpfs, "t", &e);

	if (!dir || path_remove(dir, &e) < 0 || path_make_dirs(dir, &e) < 0)
		die(&e);
	double start = now();
	for (size_t i = 0; i < p->count; i++) {
		const char *const from[] = { "dpkg-deb", "--fsys-tarfile", p->paths[i], NULL };
		const char *const to[] = { "tar", "-x", "-f", "-", "-C", dir, NULL };
		struct process reader = { .pid_fd = -1 }, writer = { .pid_fd = -1 };
		int fds[2], status;
		if (fd_pipe(fds, &e) < 0)
			die(&e);
		const struct process_fd out[] = { { fds[1], 1 }, { 2, 2 } }, in[] = { { fds[0], 0 }, { 2, 2 } };
		if (process_start(&writer, from, NULL, out, 2, &e) < 0 || process_start(&reader, to, NULL, in, 2, &e) < 0)
			die(&e);
		close(fds[0]);
		close(fds[1]);
		if (process_wait(&writer, NULL, &status, &e) < 0 || process_status_check("dpkg-deb", status, &e) < 0 ||
		    process_wait(&reader, NULL, &status, &e) < 0 || process_status_check("tar", status, &e) < 0)
			die(&e);
	}
	return now() - start;
}

static char *start_container(struct engine *engine, const char *image)
{
	static const char *const cmd[] = { "sh", "-c", "cat >/dev/null; exit 0", NULL };
	const struct container_tmpfs tmpfs[] = { { "/work", "rw,exec,size=2g,mode=1777" } };
	const struct container_spec spec = {
		.image = image,
		.role = "bench",
		.cmd = cmd,
		.user = "65534:65534",
		.no_network = true,
		.read_only = true,
		.open_stdin = true,
		.tmpfs = tmpfs,
		.tmpfs_count = 1,
	};
	struct err e;
	char *id = NULL;
	int lease;

	/* The lease is held until this program ends. */
	if (container_create(engine, &spec, &id, &e) < 0 || container_attach_lease(engine, id, &lease, &e) < 0 ||
	    container_start(engine, id, &e) < 0)
		die(&e);
	return id;
}

int main(int argc, char **argv)
{
	double a[ROUNDS_MAX], b[ROUNDS_MAX];
	struct packages packages = { 0 };
	struct tree_rules rules = { 0 };
	struct inputs in = { 0 };
	const struct strv none = { 0 };
	const struct inputs_options options = { .root = ".", .distros = &none };
	const struct distro *distro = NULL;
	struct engine *engine = NULL;
	struct err e;

	if (argc < 5) {
		fprintf(stderr, "usage: unpack CACHE TMPFS TOOLCHAIN-IMAGE KERNEL [ROUNDS]\n");
		return 2;
	}
	int rounds = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 5;
	if (rounds < 1 || rounds > ROUNDS_MAX)
		rounds = 5;
	if (inputs_load(&options, NULL, &in, &e) < 0 || engine_open(NULL, NULL, NULL, &engine, &e) < 0)
		die(&e);
	const struct kernel *kernel = find_kernel(&in, argv[4], &distro);
	open_packages(argv[1], kernel, &packages);
	if (distro_tree_rules(distro, kernel, &rules, &e) < 0)
		die(&e);
	char *container = start_container(engine, argv[3]);
	/* One of each not counted, then in turn, so that both see the same machine. */
	for (int i = -1; i < rounds; i++) {
		double x = ours(engine, container, &packages, &rules), y = base(argv[2], &packages);
		if (i >= 0) {
			a[i] = x;
			b[i] = y;
		}
	}
	double x = median(a, rounds), y = median(b, rounds), mb = (double)packages.bytes / 1e6;
	printf("%-34s ours %.3f s (%.1f MB/s of packages), dpkg-deb | tar %.3f s (%.1f MB/s): ratio %.2f\n", kernel->id, x, mb / x,
	       y, mb / y, y / x);
	if (container_remove(engine, container, &e) < 0)
		die(&e);
	free(container);
	tree_rules_release(&rules);
	inputs_release(&in);
	engine_close(engine);
	return 0;
}
