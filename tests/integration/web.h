/* Real web servers on 127.0.0.1, as children of the test. */
#ifndef TESTS_INTEGRATION_WEB_H
#define TESTS_INTEGRATION_WEB_H

#include <stddef.h>

#include "program.h"

struct web {
	struct program program;
	unsigned port;
	char *url; /* http://127.0.0.1:PORT */
	char *log; /* its access log: lines `STATUS BYTES PATH`, bytes of the body */
};

/* nginx gives what is below /query-token/ and /bearer-token/ only to who has this. */
#define WEB_TOKEN "s3cret-t0ken"

enum web_kind {
	WEB_NGINX,	  /* autoindex */
	WEB_APACHE_PLAIN, /* mod_autoindex, a bare list */
	WEB_APACHE_FANCY, /* FancyIndexing with HTMLTable, sort links and icons */
};

/* Serves what is below docroot, with directory listings; its own files go below dir, which must not be there. Where the program is
 * missing the test is skipped, and says why. */
void web_start(struct web *w, enum web_kind kind, const char *dir, const char *docroot);
/* Harmless on an empty one. */
void web_stop(struct web *w);
/* Answers since the last web_forget. status 0: all. */
size_t web_answers(const struct web *w, int status);
/* Bytes of bodies since then. */
size_t web_bytes(const struct web *w);
void web_forget(struct web *w);

#endif
