/* Modules as they come from disk: unpacked and checked in the filter process, so that nothing parses an object beside the key. */
#ifndef ORCHESTRATE_SIGN_MODULE_H
#define ORCHESTRATE_SIGN_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "gate/object.h"

/* What the module must be; {0}: what it says of itself. */
struct module_expect {
	const char *release;  /* NULL: the one it names */
	uint16_t elf_machine; /* 0: any */
	bool unchecked;	      /* it is not looked at, and the report stays empty */
};

struct module {
	struct buf bytes;	     /* unpacked, with signatures that are there; nothing where the report has findings */
	struct object_report report; /* of the module without them */
};

void module_release(struct module *m);
#define cleanup_module __attribute__((cleanup(module_release)))

/* Is the file's name one of a module? *ret_gzip: by its name it is compressed. */
bool module_name(const char *path, bool *ret_gzip);

/* Starts `filter module` on an open file and waits for it. gzip: the file must be a gzip file, whole and with nothing behind it
 * (else ERR_CORRUPT). program: as for filter_start. */
must_check int module_read(const char *program, int fd, bool gzip, const struct module_expect *expect, struct module *ret,
			   const struct cancel *cancel, struct err *e);

/* Inside the filter process: module gzip|plain checked|unchecked RELEASE|"" MACHINE; file on 0, JSON on 1, bytes on 3. */
must_check int module_filter_run(int argc, char **argv, struct err *e);

#endif
