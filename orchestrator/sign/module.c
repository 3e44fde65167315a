#include "sign/module.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sign/trailer.h"
#include "stream/filter.h"

enum { BYTES_FD = 3, REPORT_JSON_MAX = 64 * 1024 };

DEFINE_CLEANUP(filter, struct filter, filter_free)

void module_release(struct module *m)
{
	buf_release(&m->bytes);
}

bool module_name(const char *path, bool *ret_gzip)
{
	const char *name = path_base(path);

	*ret_gzip = str_ends(name, ".ko.gz");
	return name[0] != '.' && (*ret_gzip || str_ends(name, ".ko"));
}

static int start(const char *program, int fd, bool gzip, const struct module_expect *expect, int ret_fds[2], struct filter **ret,
		 struct err *e)
{
	char machine[16];
	const char *const argv[] = { "module",
				     gzip ? "gzip" : "plain",
				     expect->unchecked ? "unchecked" : "checked",
				     expect->release ? expect->release : "",
				     machine,
				     NULL };
	cleanup_close int report_in = -1, bytes_in = -1;
	int report[2], bytes[2];

	snprintf(machine, sizeof(machine), "%u", expect->elf_machine);
	if (fd_pipe(report, e) < 0)
		return -1;
	ret_fds[0] = report[0];
	report_in = report[1];
	if (fd_pipe(bytes, e) < 0)
		return -1;
	ret_fds[1] = bytes[0];
	bytes_in = bytes[1];
	const struct process_fd fds[] = { { fd, STDIN_FILENO }, { report_in, STDOUT_FILENO }, { bytes_in, BYTES_FD } };
	return filter_start(program, argv, fds, ARRAY_LEN(fds), ret, e);
}

static int read_report(const struct buf *text, struct object_report *ret, struct err *e)
{
	json_error_t je;

	json_t *json = json_loads(buf_text(text), JSON_REJECT_DUPLICATES, &je);
	if (!json)
		return err_set(e, ERR_PROTOCOL, "module report: %s", je.text);
	int rc = object_report_from_json(json, ret, e);
	json_decref(json);
	return rc;
}

static int check_gzip(int fd, struct err *e)
{
	char start_of_file[2];

	/* Everything that decompresses would take the file as it is. */
	if (pread(fd, start_of_file, 2, 0) != 2 || memcmp(start_of_file, "\x1f\x8b", 2) != 0)
		return err_set(e, ERR_CORRUPT, "it is no gzip file");
	return 0;
}

int module_read(const char *program, int fd, bool gzip, const struct module_expect *expect, struct module *ret,
		const struct cancel *cancel, struct err *e)
{
	cleanup_of(filter) struct filter *filter = NULL;
	cleanup_module struct module module = { 0 };
	cleanup_buf struct buf report = { 0 };
	int fds[2] = { -1, -1 };

	if (gzip && check_gzip(fd, e) < 0)
		return -1;
	int rc = start(program, fd, gzip, expect, fds, &filter, e);
	cleanup_close int report_fd = fds[0], bytes_fd = fds[1];
	if (rc < 0 || filter_read(bytes_fd, OBJECT_BYTES_MAX + SIGNATURE_BYTES_MAX, &module.bytes, cancel, e) < 0 ||
	    filter_read(report_fd, REPORT_JSON_MAX, &report, cancel, e) < 0 || filter_wait(filter, cancel, e) < 0 ||
	    read_report(&report, &module.report, e) < 0)
		return -1;
	*ret = module;
	module = (struct module){ 0 };
	return 0;
}
