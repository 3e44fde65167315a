/* The files that a command is to work on: named one by one, or directories of them. */
#ifndef ORCHESTRATE_CMD_MODULE_FILES_H
#define ORCHESTRATE_CMD_MODULE_FILES_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct module_files {
	struct strv modules; /* paths, in the order given, those of a directory sorted */
	size_t bpf_objects;  /* seen in directories and among the names, and passed over */
};

/* A directory stands for the modules in it (not below), and must have some; a name for itself. Neither module nor eBPF object by
 * its name, or not there: ERR_USAGE. */
must_check int module_files_collect(const struct strv *words, struct module_files *ret, struct err *e);
void module_files_release(struct module_files *f);
#define cleanup_module_files __attribute__((cleanup(module_files_release)))

#endif
