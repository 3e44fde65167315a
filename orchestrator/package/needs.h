/* Which C library a program needs, read from its ELF file. */
#ifndef ORCHESTRATE_PACKAGE_NEEDS_H
#define ORCHESTRATE_PACKAGE_NEEDS_H

#include <stdbool.h>
#include <stddef.h>

/* The highest GLIBC_x.y[.z] among the symbol versions that the ELF file in bytes needs (SHT_GNU_verneed; LSB, "Symbol Versioning"),
 * as "x.y[.z]". GLIBC_ABI_DT_RELR counts as 2.36, which brought it. False when there is none: a static program, a script, or bytes
 * that can't be read as ELF. bytes may be changed in place by libelf. */
bool needs_glibc(void *bytes, size_t len, char *ret, size_t room);

#endif
