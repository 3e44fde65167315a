/* The inside of the filters that read packages. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "package/capture.h"
#include "package/format.h"
#include "package/member.h"
#include "package/tree.h"
#include "package/unpack.h"
#include "stream/sink.h"
#include "stream/source.h"

enum { FIRST_PACKAGE_FD = 3, WORDS = 4, THREADS_MAX = 16 };

/* A package on a descriptor that other filters may be reading too: they share its file offset, so a regular file is read
 * by pread. */
struct package_input {
	struct source base;
	int fd;
	off_t offset;
	bool stream;
};

static ssize_t package_input_read(struct source *s, void *bytes, size_t len, struct err *e)
{
	struct package_input *p = (struct package_input *)s;
	ssize_t n;

	do {
		n = p->stream ? read(p->fd, bytes, len) : pread(p->fd, bytes, len, p->offset);
		if (n < 0 && errno == ESPIPE && !p->stream) {
			p->stream = true;
			errno = EINTR;
		}
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_system(e, errno, "reading a package");
	p->offset += n;
	return n;
}

static void package_input_free(struct source *s)
{
	free(s);
}

static const struct source_ops package_input_ops = { package_input_read, package_input_free };

static struct source *package_input_new(int fd, struct err *e)
{
	struct package_input *p = calloc(1, sizeof(*p));
	if (!p) {
		err_no_memory(e);
		return NULL;
	}
	p->base.ops = &package_input_ops;
	p->fd = fd;
	return &p->base;
}

/* The arguments of both filters: NAME FORMAT THREADS WORD PACKAGE... */
struct job {
	const struct package_format *format;
	const char *word;
	const char *const *names;
	size_t count;
	unsigned threads;
	struct source *packages[UNPACK_PACKAGES_MAX];
};

/* Reads the arguments, then goes into confinement; the packages are opened but no byte of them has been read. */
static int job_init(struct job *job, int argc, char **argv, struct err *e)
{
	const struct filter_limits limits = {
		.memory_bytes = (uint64_t)512 << 20,
		.cpu_seconds = 120,
		.file_bytes = (uint64_t)4 << 30,
		.threads = true,
	};

	unsigned long long threads;

	if (argc <= WORDS || argc - WORDS > UNPACK_PACKAGES_MAX)
		return err_set(e, ERR_USAGE, "filter: FORMAT, THREADS, an argument and 1 to %d names expected",
			       UNPACK_PACKAGES_MAX);
	*job = (struct job){ .word = argv[3], .names = (const char *const *)argv + WORDS, .count = (size_t)(argc - WORDS) };
	if (str_to_u64(argv[2], THREADS_MAX, &threads, e) < 0 || threads == 0)
		return err_set(e, ERR_USAGE, "filter: 1 to %d threads", THREADS_MAX);
	job->threads = (unsigned)threads;
	job->format = package_format_find(argv[1], e);
	if (!job->format)
		return -1;
	/* Every further arena of the allocator reserves 64 MiB or more of address space, which is what the limit counts. */
	mallopt(M_ARENA_MAX, 1);
	if (filter_confine(&limits, e) < 0)
		return -1;
	for (size_t i = 0; i < job->count; i++) {
		job->packages[i] = package_input_new(FIRST_PACKAGE_FD + (int)i, e);
		if (!job->packages[i])
			return -1; /* the process ends */
	}
	return 0;
}

static int write_tree(struct job *job, const struct tree_rules *rules, struct sink *captures, struct err *e)
{
	cleanup_of(capture_writer) struct capture_writer *writer = NULL;
	struct sink *out = sink_to_fd(STDOUT_FILENO, e);

	if (!out)
		return -1;
	int rc = captures ? capture_writer_new(captures, &writer, e) : 0;
	if (!rc)
		rc = tree_write(job->packages, job->names, job->count, job->format, job->threads, rules, out, writer, NULL, e);
	sink_free(out);
	return rc;
}

int tree_filter_run(int argc, char **argv, struct err *e)
{
	cleanup_tree_rules struct tree_rules rules = { 0 };
	/* Nothing but what the filter was given is open. */
	bool wanted = fcntl(UNPACK_CAPTURES_FD, F_GETFD) >= 0;
	struct job job;

	if (job_init(&job, argc, argv, e) < 0 || tree_rules_decode(job.word, &rules, e) < 0)
		return -1;
	struct sink *captures = wanted ? sink_to_fd(UNPACK_CAPTURES_FD, e) : NULL;
	if (wanted && !captures)
		return -1;
	int rc = write_tree(&job, &rules, captures, e);
	sink_free(captures);
	return rc;
}

int facts_filter_run(int argc, char **argv, struct err *e)
{
	struct facts facts;
	struct job job;

	if (job_init(&job, argc, argv, e) < 0 ||
	    facts_collect(job.packages, job.names, job.count, job.format, job.threads, job.word, &facts, e) < 0)
		return -1;
	cleanup_free char *json = facts_encode(&facts, e);
	return json ? fd_write_all(STDOUT_FILENO, json, strlen(json), e) : -1;
}

static int write_file(struct member_reader *r, struct sink *out, struct err *e)
{
	const void *bytes;
	size_t len;
	int rc;

	while ((rc = member_data(r, &bytes, &len, e)) == 1)
		if (sink_write(out, bytes, len, e) < 0)
			return -1;
	return rc < 0 ? -1 : sink_finish(out, e);
}

int file_filter_run(int argc, char **argv, struct err *e)
{
	struct member_totals totals = { 0 };
	struct member m;
	struct job job;
	int rc;

	if (job_init(&job, argc, argv, e) < 0)
		return -1;
	struct source *archive = package_open(job.format, job.packages[0], job.threads, e);
	cleanup_of(member_reader) struct member_reader *r = archive ? member_reader_new(archive, &totals, e) : NULL;
	struct sink *out = r ? sink_to_fd(STDOUT_FILENO, e) : NULL;
	if (!out)
		return -1;
	while ((rc = member_next(r, &m, e)) == 1)
		if (m.kind == MEMBER_FILE && strcmp(m.path, job.word) == 0)
			break;
	if (rc == 0)
		rc = err_set(e, ERR_NOT_FOUND, "'%.200s' has no file '%.200s'", job.names[0], job.word);
	else if (rc > 0)
		rc = write_file(r, out, e);
	sink_free(out);
	return rc;
}
