/* Texts with holes: `${name}` is replaced, everything else (also `$(...)` and `$x`) stays as it is. */
#ifndef ORCHESTRATE_KERNEL_TEMPLATE_H
#define ORCHESTRATE_KERNEL_TEMPLATE_H

#include <stddef.h>

#include "base/err.h"

/* Value of a name, *ret_len bytes; NULL when there is no such name. Borrowed until the template is done. */
typedef const char *template_lookup(const void *context, const char *name, size_t *ret_len);

/* NULL with ERR_INPUT for an unknown name or a `${` without end, ERR_LIMIT above 4096 bytes. Caller frees. */
char *template_expand(const char *text, template_lookup *lookup, const void *context, struct err *e);
/* Whether template_expand would find every name; the message names the first that it would not. */
must_check int template_check(const char *text, template_lookup *lookup, const void *context, struct err *e);

#endif
