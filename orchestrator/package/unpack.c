#include "package/unpack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	FIRST_PACKAGE_FD = 3,
	FACTS_JSON_MAX = 64 * 1024,
	OUT_PIPE_BYTES = 1 << 20,
	WORDS_MAX = 3, /* of a filter's arguments, besides the names */
};

static int start(const char *program, const char *const words[WORDS_MAX], const int package_fds[], const char *const names[],
		 size_t count, int out_fd, struct filter **ret, struct err *e)
{
	const char *argv[WORDS_MAX + UNPACK_PACKAGES_MAX + 1] = { NULL };
	struct process_fd fds[UNPACK_PACKAGES_MAX + 1] = { { out_fd, STDOUT_FILENO } };

	if (count == 0 || count > UNPACK_PACKAGES_MAX)
		return err_set(e, ERR_LIMIT, "a kernel of %zu packages; 1 to %d can be unpacked", count, UNPACK_PACKAGES_MAX);
	for (size_t i = 0; i < WORDS_MAX; i++)
		argv[i] = words[i];
	for (size_t i = 0; i < count; i++) {
		argv[WORDS_MAX + i] = names[i];
		fds[i + 1] = (struct process_fd){ package_fds[i], FIRST_PACKAGE_FD + (int)i };
	}
	return filter_start(program, argv, fds, count + 1, ret, e);
}

int tree_filter_start(const char *program, const int package_fds[], const char *const names[], size_t count, const char *format,
		      const struct tree_rules *rules, int out_fd, struct filter **ret, struct err *e)
{
	cleanup_free char *json = tree_rules_encode(rules, e);

	if (!json)
		return -1;
	const char *const words[WORDS_MAX] = { "tree", format, json };
	/* A larger pipe saves switches between the filter and the reader; what is no pipe, or may not be larger, is as good as it
	 * is. */
	(void)fcntl(out_fd, F_SETPIPE_SZ, OUT_PIPE_BYTES);
	return start(program, words, package_fds, names, count, out_fd, ret, e);
}

DEFINE_CLEANUP(filter, struct filter, filter_free)

int facts_read(const char *program, const int package_fds[], const char *const names[], size_t count, const char *format,
	       const char *build_dir, struct facts *ret, const struct cancel *cancel, struct err *e)
{
	const char *const words[WORDS_MAX] = { "facts", format, build_dir };
	cleanup_of(filter) struct filter *filter = NULL;
	cleanup_buf struct buf json = { 0 };
	int fds[2];

	if (fd_pipe(fds, e) < 0)
		return -1;
	cleanup_close int out = fds[0];
	int rc = start(program, words, package_fds, names, count, fds[1], &filter, e);
	close(fds[1]);
	if (rc < 0 || filter_read(out, FACTS_JSON_MAX, &json, cancel, e) < 0 || filter_wait(filter, cancel, e) < 0)
		return -1;
	return facts_decode(buf_text(&json), ret, e);
}
