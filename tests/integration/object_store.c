#include "object_store.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site.h"
#include "tree.h"
#include "work.h"

enum { OUTPUT_MAX = 1 << 20 };

/* Two tests that need it at once get it one after the other. Caller frees; NULL: it can't be had. */
static char *install(void)
{
	cleanup_free char *dir = text_of("%s/build/integration-cache/s3rver", site()->root);
	cleanup_free char *lock_path = text_of("%s.lock", dir), *program = text_of("%s/node_modules/.bin/s3rver", dir);
	const char *const argv[] = { "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "s3rver", NULL };
	struct err e;

	cr_assert(path_make_dirs(dir, &e) == 0, "%s", e.message);
	cleanup_close int lock = file_lock(lock_path, true, &e);
	if (!file_is_there(program) && process_run(argv, NULL, OUTPUT_MAX, NULL, NULL, &e) < 0)
		return NULL;
	return file_is_there(program) ? text_of("%s", program) : NULL;
}

static char *find_program(void)
{
	const char *told = getenv("ORCHESTRATE_S3RVER");

	if (told && *told)
		return text_of("%s", told);
	return work_has("s3rver") ? text_of("s3rver") : install();
}

void object_store_start(struct object_store *s, const char *dir)
{
	static const char ready[] = "listening on ";
	cleanup_free char *program = find_program();

	*s = (struct object_store){ .program = PROGRAM_NONE };
	if (!program)
		site_skip("there is no s3rver, and npm could not install it");
	const char *const argv[] = { "setpriv",	  "--pdeathsig", "TERM",   program, "--directory", dir,
				     "--address", "127.0.0.1",	 "--port", "0",	    NULL };
	program_start(&s->program, argv);
	cr_assert(program_wait_for_output(&s->program, ready), "s3rver does not start: %s%s", buf_text(&s->program.out),
		  buf_text(&s->program.err));
	const char *address = strstr(buf_text(&s->program.out), ready) + strlen(ready);
	const char *colon = strchr(address, ':');
	cr_assert_not_null(colon, "%s", address);
	s->url = text_of("http://127.0.0.1:%lu", strtoul(colon + 1, NULL, 10));
}

void object_store_stop(struct object_store *s)
{
	program_release(&s->program);
	free(s->url);
	*s = (struct object_store){ .program = PROGRAM_NONE };
}
