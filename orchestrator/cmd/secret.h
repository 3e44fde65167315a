/* Passphrases: never an argument, which everybody could read off the list of processes. */
#ifndef ORCHESTRATE_CMD_SECRET_H
#define ORCHESTRATE_CMD_SECRET_H

#include "base/err.h"

enum { SECRET_BYTES_MAX = 1024 };

/* Wiped with secret_forget. */
struct secret {
	char text[SECRET_BYTES_MAX + 1];
	int given; /* 0: there is none, and text is "" */
};

/* The first line of a file, or the value of an environment variable, which is taken out of the environment so that no program that
 * is started gets it. Both NULL: none; both given, variable not set, line too long: ERR_USAGE. */
must_check int secret_read(const char *file, const char *variable, struct secret *ret, struct err *e);
void secret_forget(struct secret *s);
#define cleanup_secret __attribute__((cleanup(secret_forget)))

#endif
