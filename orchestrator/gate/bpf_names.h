/* include/uapi/linux/bpf.h: what eBPF a kernel has. */
#ifndef ORCHESTRATE_GATE_BPF_NAMES_H
#define ORCHESTRATE_GATE_BPF_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Blanks out C comments, in place; what is quoted is not looked at, since the header quotes nothing. text ends with a NUL. */
void bpf_names_strip(char *text);
/* Whether the text has the identifier as a whole word. */
bool bpf_names_has(const char *text, const char *identifier);
/* The highest number that the helpers' mapper (`#define __BPF_FUNC_MAPPER(FN)`, with one underscore more since 6.1) gives; 0: there
 * is none. Its entries are `FN(name)` or `FN(name, number, ...)`, counted from unspec, 0. */
unsigned bpf_names_helpers(const char *text);

#endif
