/* An eBPF object as a compiler makes them, with everything that the gate looks at: a probe that uses a map, data, helpers and a
 * function; BTF; BTF of single instructions. And a kernel's bpf.h that fits it. */
#ifndef TESTS_GATE_BPF_FIXTURE_H
#define TESTS_GATE_BPF_FIXTURE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gate/reference.h"

enum { INSTRUCTION = 8 };

/* Section kprobe/f, function probe:
 *   0 r6 = r1              4 if r0 == 0 goto 8       8 call helper 4
 *   1 r1 = map events      5 r1 = address of limit   9 r0 = 0
 *   3 call helper 1        7 call twice             10 exit
 * Section .text, function twice: 0 r0 = r1, 1 exit. Map events: an array of one u32. Its
 * version is 4.19. Its BTF says besides that the kernel's configuration may have limit. */
void make_full_bpf(struct buf *ret);
/* The same with its map in the old form and without BTF. */
void make_old_bpf(struct buf *ret);

/* Of a section by its name: header, and bytes. The test fails where there is none. */
Elf64_Shdr *full_section(struct buf *object, const char *name);
char *full_bytes(struct buf *object, const char *section, size_t offset);
/* The entry of a symbol by its name. */
Elf64_Sym *full_symbol(struct buf *object, const char *name);

/* A kernel that has what the object needs, helpers 1 to 5 among it, and JMP32 and ATOMIC; without one identifier of that where not
 * NULL. */
struct reference *make_kernel(const char *without);

#endif
