/* The names in a directory of descriptors, sorted. */
#ifndef ORCHESTRATE_DESCRIPTOR_FOLDER_H
#define ORCHESTRATE_DESCRIPTOR_FOLDER_H

#include "base/buf.h"
#include "base/err.h"

/* Names that do not start with a dot and end in suffix, without it. No such directory: ERR_NOT_FOUND. */
must_check int folder_names(const char *dir, const char *suffix, struct strv *ret, struct err *e);
/* For an unknown name: ERR_USAGE with the nearest one of `names`, or all of them. Returns -1. */
int folder_unknown(const char *what, const char *name, const struct strv *names, struct err *e);

#endif
