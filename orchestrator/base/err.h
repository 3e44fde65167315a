/* base: errors, logging, ownership, strings, paths, programs. The ground every other room stands on.
 * It knows nothing of kernels, packages or engines, and it never prints or exits.
 *
 * One convention in the whole program: a function returns 0 (iterators 1/0) or -1, and on -1 has filled the caller's
 * `struct err`. `kind` decides what happens next (retry, skip, exit code); `message` is for people: lower case, no full
 * stop, subject in single quotes, wrapped on the way up as `what we were doing: what went wrong`. */
#ifndef ORCHESTRATE_BASE_ERR_H
#define ORCHESTRATE_BASE_ERR_H

#include <stdarg.h>

enum { ERR_MESSAGE_MAX = 1024 };

enum err_kind {
	ERR_NONE = 0,
	ERR_SYSTEM,	 /* a system call failed; errnum says how */
	ERR_USAGE,	 /* the caller's arguments are wrong */
	ERR_INPUT,	 /* a descriptor, list, recipe or manifest is wrong */
	ERR_NOT_FOUND,	 /* what was named does not exist */
	ERR_CONFLICT,	 /* somebody else holds the name or the lock */
	ERR_CORRUPT,	 /* bytes are not what they claim: digest, size, format, truncation */
	ERR_HOSTILE,	 /* bytes try to reach beyond their place: traversal, absolute links, devices */
	ERR_LIMIT,	 /* larger, longer or more than we accept */
	ERR_TEMPORARY,	 /* worth another try: time-outs, 5xx, resets */
	ERR_UNREACHABLE, /* the engine does not answer */
	ERR_PROTOCOL,	 /* the peer answered something that it should not */
	ERR_TIMEOUT,	 /* our own time limit passed */
	ERR_CANCELLED,	 /* the user stopped us */
	ERR_FAILED,	 /* a program ran and reported failure */
	ERR_CHECK,	 /* an artifact did not pass its check */
	ERR_KIND_COUNT,
};

struct err {
	enum err_kind kind;
	int errnum; /* errno where kind is ERR_SYSTEM, else 0 */
	char message[ERR_MESSAGE_MAX];
};

#define must_check	       __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *e and returns -1, so that `return err_set(...)` reads well. A message that is too long is cut. e may be NULL. */
int err_set(struct err *e, enum err_kind kind, const char *format, ...) printf_like(3, 4);
/* As err_set with kind ERR_SYSTEM; appends the text of errnum. */
int err_system(struct err *e, int errnum, const char *format, ...) printf_like(3, 4);
/* Puts `text: ` before the message, keeps the kind, returns -1. Where both are too long it is text that is cut or left out. */
int err_wrap(struct err *e, const char *format, ...) printf_like(2, 3);
/* Puts `: text` behind the message, keeps the kind, returns -1. */
int err_append(struct err *e, const char *format, ...) printf_like(2, 3);
/* For out-of-memory: no formatting. Returns -1. */
int err_no_memory(struct err *e);
void err_clear(struct err *e);
/* A word for logs and JSON: "system", "usage", ... */
const char *err_kind_name(enum err_kind kind);

#endif
