/* A builder's result: a tar with a member per kind that was built, read in the filter process. */
#ifndef ORCHESTRATE_GATE_RESULT_H
#define ORCHESTRATE_GATE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/err.h"
#include "gate/object.h"
#include "stream/digest.h"
#include "stream/filter.h"

enum {
	RESULT_CAPTURES_MAX = 2,
	RESULT_FIRST_OUT_FD = 3, /* in the filter process */
	RESULT_FIRST_CAPTURE_FD = RESULT_FIRST_OUT_FD + KIND_COUNT,
};

/* What the whole result is checked against. */
struct result_expect {
	const char *release;
	uint16_t elf_machine;
	const char *module_name; /* NULL: any */
	/* Captures of the kernel's packages (package/capture.h): objects are checked against them. They are read when the first
	 * object comes, by pread, and must be whole by then, else the result is ERR_CORRUPT. At most RESULT_CAPTURES_MAX; none:
	 * checks that need them are left out. */
	const int *capture_fds;
	size_t capture_count;
};

struct result_object {
	bool present; /* the member was there; everything else is unset when not */
	uint64_t raw_bytes, gzip_bytes;
	struct digest raw, gzip; /* of the object, and of the .gz; none is written (gzip_bytes 0) for an object with findings */
	struct object_report report;
};

struct result_report {
	struct result_object objects[KIND_COUNT];
};

/* A result filter that runs. Embedded; result_filter_release kills what still runs. */
struct result_filter {
	struct filter *filter;
	int report_fd;
};

/* Starts `filter result`. tar_fd: a pipe or socket with the builder's tar (members "mod" and "bpf", plain regular files of at most
 * 64 MiB; anything else is ERR_HOSTILE). out_fds[kind]: an empty file that receives the .gz (level 9, no time); -1: that kind is
 * not wanted, its member is ERR_HOSTILE. All descriptors stay the caller's. program: as for filter_start. */
must_check int result_filter_start(const char *program, int tar_fd, const struct result_expect *expect,
				   const int out_fds[KIND_COUNT], struct result_filter *ret, struct err *e);
/* Waits for the report. 0: the tar was read to its end; objects may be absent (an empty stream has none), and may have
 * findings: result_check says so. -1: ERR_CORRUPT for a broken tar, ERR_HOSTILE, ERR_LIMIT, ...; then nothing that was written
 * counts. */
must_check int result_filter_finish(struct result_filter *f, struct result_report *ret, const struct cancel *cancel, struct err *e);
void result_filter_release(struct result_filter *f);
/* start and finish in one, for a tar that needs no feeding. */
must_check int result_read(const char *program, int tar_fd, const struct result_expect *expect, const int out_fds[KIND_COUNT],
			   struct result_report *ret, const struct cancel *cancel, struct err *e);
/* -1 with ERR_CHECK and the findings in words when the object has any. Absent objects pass. */
must_check int result_check(const struct result_object *o, enum probe_kind_id kind, struct err *e);

/* Inside the filter process: result RELEASE MACHINE MODULE-NAME|"" CAPTURES FD-OR--1 (mod) FD-OR--1 (bpf); tar on 0, JSON on 1, so
 * many captures behind the descriptors of all kinds. */
must_check int result_filter_run(int argc, char **argv, struct err *e);

#endif
