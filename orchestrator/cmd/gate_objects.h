/* Which files `orchestrate gate` looks at, and for which kernel each is. */
#ifndef ORCHESTRATE_CMD_GATE_OBJECTS_H
#define ORCHESTRATE_CMD_GATE_OBJECTS_H

#include "base/buf.h"
#include "base/err.h"
#include "gate/object_file.h"

struct gate_object {
	char *path, *kernel; /* kernel: its id; "": its name does not say */
	enum probe_kind_id kind;
	bool gzip;
	uint64_t bytes; /* of the file */

	/* What came of it. */
	bool checked;
	struct object_report report;
	char *reason; /* owned; why it was not checked */
	double ms;
};

struct gate_objects {
	struct gate_object *items; /* by kernel, then by path */
	size_t count, room;
};

/* words: files and directories. Of a directory all objects, each for the kernel that its name says; kernels (globs, none: all)
 * are chosen from these. A file is for the kernel that its name says, or for the one that kernels name where that
 * is another. ERR_USAGE: a file that does
 * not say what it is or for which kernel; ERR_NOT_FOUND: what is not there, and a directory (or choice) without any. */
must_check int gate_objects_find(const struct strv *words, const struct strv *kernels, const char *probe_name,
				 struct gate_objects *ret, struct err *e);
void gate_objects_release(struct gate_objects *o);

#define cleanup_gate_objects __attribute__((cleanup(gate_objects_release)))

#endif
