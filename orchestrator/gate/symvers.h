/* Module.symvers: what a kernel and its modules export. */
#ifndef ORCHESTRATE_GATE_SYMVERS_H
#define ORCHESTRATE_GATE_SYMVERS_H

#include "gate/reference.h"

enum { SYMVERS_SYMBOLS_MAX = 1000 * 1000 };

struct symvers;

/* Reads the text. Lines are `crc name module export [namespace]` with tabs between (Documentation/kbuild/modules.rst), `crc name
 * namespace module export` in 5.4 to 5.6, `crc name module [export]` before. Others: ERR_CORRUPT; too many: ERR_LIMIT. */
must_check int symvers_parse(const char *text, size_t len, struct symvers **ret, struct err *e);
void symvers_free(struct symvers *s);
/* Borrowed; NULL when there is none. Of a name that comes twice, the first. */
const struct reference_symbol *symvers_find(const struct symvers *s, const char *name);
size_t symvers_count(const struct symvers *s);

DEFINE_CLEANUP(symvers, struct symvers, symvers_free)

#endif
