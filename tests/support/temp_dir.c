#include "temp_dir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

void temp_dir_make(struct temp_dir *d)
{
	const char *top = getenv("TMPDIR");

	snprintf(d->path, sizeof(d->path), "%s/orchestrate-test-XXXXXX", top && *top && strlen(top) < 60 ? top : "/tmp");
	cr_assert(mkdtemp(d->path) != NULL, "%s: %s", d->path, strerror(errno));
}

void temp_dir_remove(struct temp_dir *d)
{
	struct err e;

	if (d->path[0] && path_remove(d->path, &e) < 0)
		cr_log_warn("%s", e.message);
	d->path[0] = '\0';
}
