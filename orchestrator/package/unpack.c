#include "package/unpack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	FIRST_PACKAGE_FD = 3,
	FACTS_JSON_MAX = 64 * 1024,
	OUT_PIPE_BYTES = 1 << 20,
	WORDS = 4, /* of a filter's arguments, besides the names: its own, format, threads, what it works by */
};

/* What the filters have in common. */
struct input {
	const char *program, *format;
	unsigned threads;
	const int *fds;
	const char *const *names;
	size_t count;
};

static int start(const struct input *in, const char *name, const char *word, int out_fd, int captures_fd, struct filter **ret,
		 struct err *e)
{
	char threads[16];
	const char *argv[WORDS + UNPACK_PACKAGES_MAX + 1] = { name, in->format, threads, word, NULL };
	struct process_fd fds[UNPACK_PACKAGES_MAX + 2] = { { out_fd, STDOUT_FILENO } };

	if (in->count == 0 || in->count > UNPACK_PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "a kernel of %zu packages; 1 to %d can be unpacked", in->count, UNPACK_PACKAGES_MAX);
	snprintf(threads, sizeof(threads), "%u", in->threads);
	for (size_t i = 0; i < in->count; i++) {
		argv[WORDS + i] = in->names[i];
		fds[i + 1] = (struct process_fd){ in->fds[i], FIRST_PACKAGE_FD + (int)i };
	}
	size_t fd_count = in->count + 1;
	if (captures_fd >= 0)
		fds[fd_count++] = (struct process_fd){ captures_fd, UNPACK_CAPTURES_FD };
	return filter_start(in->program, argv, fds, fd_count, ret, e);
}

int tree_filter_start(const char *program, const int package_fds[], const char *const names[], size_t count, const char *format,
		      unsigned threads, const struct tree_rules *rules, int out_fd, int captures_fd, struct filter **ret,
		      struct err *e)
{
	const struct input in = { program, format, threads, package_fds, names, count };
	cleanup_free char *json = tree_rules_encode(rules, e);

	if (!json)
		return -1;
	/* A larger pipe saves switches between the filter and the reader; what is no pipe, or may not be larger, is as good as it
	 * is. */
	(void)fcntl(out_fd, F_SETPIPE_SZ, OUT_PIPE_BYTES);
	return start(&in, "tree", json, out_fd, captures_fd, ret, e);
}

DEFINE_CLEANUP(filter, struct filter, filter_free)

int facts_read(const char *program, const int package_fds[], const char *const names[], size_t count, const char *format,
	       unsigned threads, const char *places, struct facts *ret, const struct cancel *cancel, struct err *e)
{
	const struct input in = { program, format, threads, package_fds, names, count };
	cleanup_of(filter) struct filter *filter = NULL;
	cleanup_buf struct buf json = { 0 };
	int fds[2];

	if (fd_pipe(fds, e) < 0)
		return -1;
	cleanup_close int out = fds[0];
	int rc = start(&in, "facts", places, fds[1], -1, &filter, e);
	close(fds[1]);
	if (rc < 0 || filter_read(out, FACTS_JSON_MAX, &json, cancel, e) < 0 || filter_wait(filter, cancel, e) < 0)
		return -1;
	return facts_decode(buf_text(&json), ret, e);
}

int package_file_extract(const char *program, int package_fd, const char *name, const char *format, unsigned threads,
			 const char *path, int out_fd, const struct cancel *cancel, struct err *e)
{
	const struct input in = { program, format, threads, &package_fd, &name, 1 };
	cleanup_of(filter) struct filter *filter = NULL;

	return start(&in, "file", path, out_fd, -1, &filter, e) < 0 ? -1 : filter_wait(filter, cancel, e);
}
