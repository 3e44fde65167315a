/* A bare list of kernels, as other tools give it: ids without packages. */
#ifndef ORCHESTRATE_KERNEL_ID_LIST_H
#define ORCHESTRATE_KERNEL_ID_LIST_H

#include "base/buf.h"
#include "base/err.h"

/* Format: an id a line; comments as in lists, blank lines and blanks around an id are fine. Appends them to *ret in the order of
 * the file. Errors: what kernel_name_is_safe refuses, an id that was there before, the lines that kernel/list.h refuses. Any makes
 * it -1 with ERR_INPUT and the first in *e; findings (may be NULL) gets each as `name:line: text`. */
must_check int id_list_parse(const char *text, size_t len, const char *name, struct strv *ret, struct strv *findings,
			     struct err *e);
/* Reads the file; messages name it by its path. Missing: ERR_NOT_FOUND. */
must_check int id_list_load(const char *path, struct strv *ret, struct strv *findings, struct err *e);

#endif
