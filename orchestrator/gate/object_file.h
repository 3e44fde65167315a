/* One object in a file, compressed or not: checked in the filter process. */
#ifndef ORCHESTRATE_GATE_OBJECT_FILE_H
#define ORCHESTRATE_GATE_OBJECT_FILE_H

#include <stdbool.h>

#include "gate/result.h"

struct object_file {
	int fd;	   /* open for reading, at its start */
	bool gzip; /* what its name says it is: then anything else is a finding ("gzip"); without, it is read as it is */
	enum probe_kind_id kind;
};

/* Runs `filter object` to its end. Every oddity of the file is a finding, never an error, damaged and overlong compressed bytes too
 * ("gzip"). -1: the captures are damaged, cancelled, or we could not check at all. program: as for filter_start. */
must_check int object_file_check(const char *program, const struct object_file *file, const struct result_expect *expect,
				 struct object_report *ret, const struct cancel *cancel, struct err *e);

/* Inside the filter process: object RELEASE MACHINE MODULE-NAME|"" CAPTURES KIND gzip|plain; file on 0, JSON on 1. */
must_check int object_filter_run(int argc, char **argv, struct err *e);

#endif
